#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""join_runs.py OUT.json RUN.json...: several runs of the same as one result, whose samples
are the runs. join_runs.py --csv NAME OUT.csv RUN.json...: one line per run, a day apart,
appended as "vexstress --metrics-csv" does, with the median op of each run."""

import json
import os
import sys


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def median_op(run):
    return next(m["value"] for m in run["metrics"] if m["name"].endswith(".p50_ns"))


def main(words):
    if words[0] == "--csv":
        name, out, runs = words[1], words[2], [load(p) for p in words[3:]]
        fresh = not os.path.exists(out)
        with open(out, "a", encoding="utf-8") as f:
            if fresh:
                f.write("benchmark,mean_time_ns,timestamp\n")
            for i, run in enumerate(runs):
                f.write(f"{name},{median_op(run):.1f},2026-{1 + i // 28:02d}-{1 + i % 28:02d}\n")
        return
    runs = [load(p) for p in words[1:]]
    joined = runs[0]
    for i, metric in enumerate(joined["metrics"]):
        metric["samples"] = [r["metrics"][i]["value"] for r in runs]
        metric["value"] = metric["mean"] = sum(metric["samples"]) / len(runs)
        metric["sampling"] = "runs"
    with open(words[0], "w", encoding="utf-8") as f:
        json.dump(joined, f)


main(sys.argv[1:])
