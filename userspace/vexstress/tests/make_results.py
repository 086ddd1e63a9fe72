#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Results with known differences, for the tests of compare and report.

make_results.py DIR TEMPLATE writes base.json, same.json, minus3.json,
minus10.json, plus20.json, noisy.json and other.json, made from the result
TEMPLATE in which only the samples are replaced. Seeded: the same every time.
once-a.json and once-b.json are two runs of the same with a metric that has one value
a run, less.json has one metric less, and runs.json holds whole runs.
"""

import copy
import json
import random
import sys


def planted(template, factor, cv, seed):
    rng = random.Random(seed)
    out = copy.deepcopy(template)
    for m in out["metrics"]:
        f = factor if m["direction"] == "higher" else 1 / factor
        m["samples"] = [1000 * f * (1 + cv * rng.gauss(0, 1)) for _ in range(30)]
        m["value"] = m["mean"] = sum(m["samples"]) / 30
        m["ci_low"], m["ci_high"] = 0.99 * m["mean"], 1.01 * m["mean"]
        m["sampling"] = "slices"
    return out


def main():
    where, template = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8"))
    sets = {
        "base": (1, 0.02), "same": (1, 0.02), "minus3": (0.97, 0.02),
        "minus10": (0.90, 0.02), "minus20": (0.80, 0.02), "plus20": (1.2, 0.02),
        "noisy": (0.95, 0.4),
    }
    for seed, (name, (factor, cv)) in enumerate(sets.items()):
        with open(f"{where}/{name}.json", "w", encoding="utf-8") as f:
            json.dump(planted(template, factor, cv, seed), f)
    for seed, name in enumerate(("once-a", "once-b")):
        once = planted(template, 1, 0.02, 20 + seed)
        single = once["metrics"][1]
        single.update(name="vector.kernel_mean_ns", sampling="runs", samples=[1000.0 + 30 * seed])
        with open(f"{where}/{name}.json", "w", encoding="utf-8") as f:
            json.dump(once, f)
    less = planted(template, 1, 0.02, 30)
    del less["metrics"][0]
    with open(f"{where}/less.json", "w", encoding="utf-8") as f:
        json.dump(less, f)
    # A: whole runs, with the noise between them; B: slices of one run, without it
    runs = planted(template, 1, 0.02, 31)
    for m in runs["metrics"]:
        m["sampling"] = "runs"
    with open(f"{where}/runs.json", "w", encoding="utf-8") as f:
        json.dump(runs, f)
    noise = {"schema_version": 1, "fingerprint": runs["fingerprint"], "noise": {
        m["name"]: {"sd": 0.2, "floor": 0.0, "runs": 10} for m in runs["metrics"]}}
    with open(f"{where}/noise.json", "w", encoding="utf-8") as f:
        json.dump(noise, f)
    other = planted(template, 1, 0.02, 99)
    other["fingerprint"]["cpu"] = "another processor"
    with open(f"{where}/other.json", "w", encoding="utf-8") as f:
        json.dump(other, f)


main()
