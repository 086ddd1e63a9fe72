#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexfs-profile on files with a planted hotspot, and on broken ones.

# shellcheck source=userspace/vexstress/tests/tap.sh
. userspace/vexstress/tests/tap.sh
p=$PWD/build/bin/vexfs-profile
here=$PWD/userspace/tests/profile
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 "$here/make_perfdata.py" "$tmp"

# --- samples ---
run "$p" perf --kallsyms "$tmp/kallsyms" --functions "$tmp/su" --json "$tmp/p.json" \
	--folded "$tmp/folded" --flame "$tmp/flame.svg" "$tmp/perf.data"
[ "$status" = 0 ] && [[ $out == *"60.00 %  60.00 %  index      hot_scan"* ]]
check $? "the planted hotspot is named with its share and subsystem" "$status $out$err"
cmp "$tmp/folded" - <<'EOT'
lab kernel;do_syscall_[k];vexfs_put.isra.0_[k] 20
lab kernel;do_syscall_[k];vexfs_search_[k];hot_scan_[k] 60
lab kernel;schedule_[k];[libc.so.6];[host kernel]_[k] 10
lab programs 10
EOT
check $? "stacks have the lab's names; libraries and the host's kernel are one frame" "$(cat "$tmp/folded")"
python3 - "$tmp/p.json" <<'EOT'
import json, sys
p = json.load(open(sys.argv[1]))
assert p["samples"] == 100 and p["outside"] == 5 and not p["truncated"], p
assert p["owners"] == {"module": 80, "lab_kernel": 0, "host_library": 0, "lab_programs": 10,
                       "host_kernel": 10}, p["owners"]
assert p["subsystems"] == {"index": 60, "store": 20}, p["subsystems"]
f = {x["name"]: x for x in p["functions"]}
assert f["vexfs_search"]["self"] == 0 and f["vexfs_search"]["total"] == 60
EOT
check $? "owners, subsystems, self and total add up" "$(cat "$tmp/p.json")"
grep -q '<title>hot_scan_\[k\]: 60 samples' "$tmp/flame.svg"
check $? "the flame graph shows it" "$err"

# --- what cannot be read is a sentence ---
run "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.cut"
[ "$status" = 1 ] && [[ $err == *"ends in the middle"* ]] && [[ $out == *hot_scan* ]]
check $? "a file that ends in the middle gives a partial result, and says so" "$status $err"
run "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.chain"
[ "$status" = 0 ] && [[ $out == *hot_scan* ]]
check $? "a sample whose length is wrong is left out" "$status $err"
expect 6 "did not see the lab" "no sample of the lab" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.other"
expect 2 "no file of perf" "another byte order" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.magic"
expect 2 "lack address" "samples without what is needed" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.form"
expect 2 "names no events" "attributes behind the end" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.attrs"
expect 2 "too short" "a header cut short" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.short"
expect 2 "empty" "an empty file" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.empty"
expect 2 "No such file" "no file" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/none"
expect 2 "kptr_restrict" "kallsyms without addresses" "$p" perf --kallsyms "$tmp/kallsyms.hidden" "$tmp/perf.data"
expect 2 "takes one file" "no kallsyms" "$p" perf "$tmp/perf.data"
expect 2 "unknown command" "an unknown command" "$p" nonsense

tap_end
