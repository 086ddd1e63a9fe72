#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""make_records.py DIR RECORD.json: puts fixed records into DIR/history.db, which vexstress has
made, all of them made from one real record. The clock goes back by a day in the middle."""

import json
import sqlite3
import sys

with open(sys.argv[2], encoding="utf-8") as f:
    template = json.load(f)
db = sqlite3.connect(sys.argv[1] + "/history.db")
db.execute("DELETE FROM record")
for i in range(64):
    name = ("steady", "slower | <b>", "fails")[i % 3 if i > 3 else 0]
    record = dict(template, program=name, command=f"./{name}", wall_s=0.5 + 0.001 * (i * 7 % 5),
                  user_s=0.4, sys_s=0.05, cpu_percent=90.0, max_rss_kb=20480, peak_memory_kb=20480 + 10 * i,
                  output_bytes=100, error_bytes=0, success=name != "fails", exit=int(name == "fails"),
                  started_ms=1700000000000 + i * 60000 - (86400000 if i > 31 else 0), signal=None,
                  time_exceeded=False, memory_exceeded=False, left_running=0, major_faults=0,
                  involuntary_switches=3, memory_samples=[[0.1 * k, 20000 + k, 1] for k in range(20)])
    if name.startswith("slower") and i > 31:
        record["wall_s"] *= 1.5
    db.execute("INSERT INTO record(t, kind, name, machine, archived, data) VALUES(?, 'exec', ?, 'here', 0, ?)",
               (record["started_ms"], name, json.dumps(record, separators=(",", ":")).encode()))
db.commit()
