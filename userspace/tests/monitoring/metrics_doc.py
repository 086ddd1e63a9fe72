#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""docs/metrics.md from what an exporter serves (on standard input)."""
import re
import sys

families, labels = {}, {}
for line in sys.stdin:
    got = re.match(r"# (HELP|TYPE) (\S+) (.*)", line)
    if got:
        families.setdefault(got[2], {})[got[1]] = got[3]
        continue
    got = re.match(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ", line)
    if got:
        name = got[1] if got[1] in families else re.sub(r"_(bucket|sum|count)$", "", got[1])
        for label in re.findall(r'(\w+)="', got[2] or ""):
            if label not in labels.setdefault(name, []):
                labels[name].append(label)

print("""# Metrics

Every metric of `vexfs-exporter`, as a loaded module has them. Made by `make metrics-doc` from what the exporter
serves, where names, kinds and meanings come from the module's table of counters; a test compares. How names are
made is in [monitoring.md](monitoring.md).
""")
for compat in (False, True):
    print("| metric | type | labels | meaning |\n| --- | --- | --- | --- |")
    for name, f in families.items():
        mark = f["HELP"].startswith("compatibility name: ")
        if mark == compat:
            text = f["HELP"].replace("compatibility name: ", "").replace("|", "\\|")
            print(f"| `{name}` | {f['TYPE']} | {', '.join(labels.get(name, []))} | {text} |")
    if not compat:
        print("\n## Compatibility names\n\nNames that earlier scripts were promised.\n")
