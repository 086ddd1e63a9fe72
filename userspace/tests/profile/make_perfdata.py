#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
make_perfdata.py DIRECTORY: a file of perf with a planted hotspot, the kallsyms and sizes of
frames that belong to it, and broken files beside.
"""
import os
import struct
import sys

TYPE = 1 | 2 | 4 | 32		# address, process, time, call chain
USER = 2 ** 64 - 512
KERNEL = 2 ** 64 - 128


def record(kind, body, misc=2):
    body += b"\0" * (-len(body) % 8)
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def comm(pid, name, time=None):
    body = struct.pack("<II", pid, pid) + name.encode() + b"\0"
    body += b"\0" * (-len(body) % 8)
    return record(3, body + (struct.pack("<IIQ", pid, pid, time) if time else b""))


def mapped(pid, start, size, name):
    return record(1, struct.pack("<IIQQQ", pid, pid, start, size, 0) + name.encode() + b"\0")


def sample(pid, time, chain, misc=2):
    ips = [i for i in chain if i < 2 ** 63]
    return record(9, struct.pack("<QIIQQ", ips[0], pid, pid, time, len(chain)) +
                  struct.pack(f"<{len(chain)}Q", *chain), misc)


def perf_file(records, magic=b"PERFILE2", sample_type=TYPE, flags=0):
    attr = struct.pack("<IIQQQQQ", 1, 128, 0, 1000, sample_type, 0, flags).ljust(128, b"\0")
    attrs = attr + struct.pack("<QQ", 0, 0)
    head = 104
    return magic + struct.pack("<QQQQQQQQ4Q", head, len(attrs), head, len(attrs),
                               head + len(attrs), len(records), 0, 0, 0, 0, 0, 0) + attrs + records


def main():
    to = sys.argv[1]
    os.makedirs(os.path.join(to, "su"), exist_ok=True)

    def put(name, data):
        with open(os.path.join(to, name), "wb") as f:
            f.write(data)

    put("kallsyms", b"0000000060001000 T schedule\n0000000060002000 t do_syscall\n"
        b"0000000160000000 t hot_scan\t[vexfs]\n0000000160001000 T vexfs_search\t[vexfs]\n"
        b"0000000160002000 T vexfs_put.isra.0\t[vexfs]\n0000000160003000 d data\t[vexfs]\n")
    put("kallsyms.hidden", b"0000000000000000 T schedule\n")
    put("su/a.su", b"kmod/index/exact.c:12:6:hot_scan\t208\tstatic\n"
        b"kmod/index/search.c:40:6:vexfs_search\t96\tstatic\n"
        b"kmod/store/write.c:7:5:vexfs_put\t64\tdynamic,bounded\n")
    begin = comm(7, "linux") + comm(8, "uml-userspace") + comm(9, "bash") + \
        mapped(7, 0x7f0000000000, 0x100000, "/usr/lib/libc.so.6")
    body = b""
    for i in range(60):
        body += sample(7, 1000 + i, [USER, 0x160000010, 0x160001020, 0x60002004])
    for i in range(20):
        body += sample(7, 2000 + i, [USER, 0x160002030, 0x60002004])
    for i in range(10):
        body += sample(7, 3000 + i, [KERNEL, 0xffffffff81000010, USER, 0x7f0000000123, 0x60001008], 1)
    for i in range(10):
        body += sample(8, 4000 + i, [USER, 0x401000])
    for i in range(5):
        body += sample(9, 5000 + i, [USER, 0x401000])
    whole = perf_file(begin + body)
    put("perf.data", whole)
    put("perf.cut", whole[:len(whole) - 700])
    put("perf.other", perf_file(comm(9, "bash") + sample(9, 1, [USER, 0x401000])))
    # two processors: the later name stands first in the file
    put("perf.order", perf_file(comm(7, "linux", 900) + comm(7, "sh", 100) + body, flags=1 << 18))
    put("perf.magic", perf_file(b"", magic=b"ELIFREP2"))
    put("perf.form", perf_file(begin + body, sample_type=1))
    # lengths that lead out of the file and out of the record
    bad = bytearray(whole)
    struct.pack_into("<Q", bad, 32, 2 ** 62)
    put("perf.attrs", bytes(bad))
    put("perf.chain", perf_file(begin + record(9, struct.pack("<QIIQQ", 1, 7, 7, 1, 2 ** 61)) + body))
    put("perf.short", whole[:50])
    put("perf.empty", b"")


main()
