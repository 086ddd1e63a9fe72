# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# Verbs that run vexstress, with its shortest profile. The test checks that its result is passed
# on, and does not judge what it measured.

# said: overall_success and the exit code of a validation agree.
said() { holds "$out" 'has("overall_success")' && is "$code" "$(jq 'if .overall_success == true then 0 elif .overall_success == false then 1 else 6 end' <<< "$out")"; }
what="validate --smoke --json gives overall_success, and its exit code agrees"
p validate --smoke --json
ok said
what="tune --sweep KEY=V1,V2 --workload --smoke measures each value with a confidence interval"
p tune --sweep fpu_budget_us=20,50 --workload simd --smoke -j
ok eval 'has "$out" "ci_low" && [ $code -le 1 ]'
what="tune --sweep refuses an unknown setting with exit code 2"
p tune --sweep nonsense
ok is $code 2
what="validate --quick runs vexstress --quick and passes its exit code 6 on"
mkdir -p "$tmp/stress"
printf '#!/bin/sh\necho "$*" >> "%s"\necho "{}"\nexit 6\n' "$tmp/profiles" > "$tmp/stress/vexstress"
chmod +x "$tmp/stress/vexstress"
keep=$PATH PATH=$tmp/stress:$PATH
p validate --quick -j
ok eval 'is $code 6 && holds "$out" ".overall_success == null" && has "$(cat "$tmp/profiles")" "--quick"'
p validate --comprehensive -j
what="validate --comprehensive runs vexstress --full and passes its exit code 6 on"
ok eval 'is $code 6 && has "$(cat "$tmp/profiles")" "--full"'
what="tune and ablate run vexstress with --quick, and with --full for --comprehensive"
p tune --sweep pools --quick
p tune --sweep codes --comprehensive --workload semantic
p ablate --quick
p ablate --comprehensive
ok eval 'has "$(cat "$tmp/profiles")" "sweep pool_small=50.*--quick" && has "$(cat "$tmp/profiles")" "sweep search_codes.*--full semantic" && has "$(cat "$tmp/profiles")" "ablate --quick" && has "$(cat "$tmp/profiles")" "ablate --full"'
PATH=$keep
what="ablate --workload --smoke exits with 0, 1 or 6"
p ablate --workload simd --smoke -j
ok eval '[ $code = 0 ] || [ $code = 1 ] || [ $code = 6 ]'
