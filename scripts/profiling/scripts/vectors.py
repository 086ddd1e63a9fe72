#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
vectors.py FILE N DIMENSION: N vectors of f32 (fbin), the same at every call. Cheap: windows
of one random row.
"""
import random
import struct
import sys


def main():
    path, n, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    random.seed(1)
    row = [random.gauss(0, 1) for _ in range(n + dim)]
    with open(path, "wb") as f:
        f.write(struct.pack("<II", n, dim))
        for i in range(n):
            at = i * 7919 % n
            f.write(struct.pack(f"<{dim}f", *row[at:at + dim]))


main()
