# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# Verbs that measure, with vexstress itself, as shortly as it goes. What it measures is not
# judged here: only that its answer comes through.

# said: the value and the exit code of a validation agree.
said() { holds "$out" 'has("overall_success")' && is "$code" "$(jq 'if .overall_success == true then 0 elif .overall_success == false then 1 else 6 end' <<< "$out")"; }
what="validate --smoke --json: overall_success is true, false or null, and the exit code says the same"
p validate --smoke --json
ok said
what="tune --sweep KEY=V1,V2 --workload --smoke: each value, with its interval"
p tune --sweep fpu_budget_us=20,50 --workload simd --smoke -j
ok eval 'has "$out" "ci_low" && [ $code -le 1 ]'
what="tune --sweep of a name that is none: exit code 2"
p tune --sweep nonsense
ok is $code 2
what="validate --quick and --comprehensive ask vexstress for their profiles"
mkdir -p "$tmp/stress"
printf '#!/bin/sh\necho "$*" >> "%s"\necho "{}"\nexit 6\n' "$tmp/profiles" > "$tmp/stress/vexstress"
chmod +x "$tmp/stress/vexstress"
keep=$PATH PATH=$tmp/stress:$PATH
p validate --quick -j
ok eval 'is $code 6 && holds "$out" ".overall_success == null" && has "$(cat "$tmp/profiles")" "--quick"'
p validate --comprehensive -j
what="validate --comprehensive: the full profile"
ok eval 'is $code 6 && has "$(cat "$tmp/profiles")" "--full"'
what="tune --quick, --comprehensive and ablate --quick, --comprehensive do, too"
p tune --sweep pools --quick
p tune --sweep codes --comprehensive --workload semantic
p ablate --quick
p ablate --comprehensive
ok eval 'has "$(cat "$tmp/profiles")" "sweep pool_small=50.*--quick" && has "$(cat "$tmp/profiles")" "sweep search_codes.*--full semantic" && has "$(cat "$tmp/profiles")" "ablate --quick" && has "$(cat "$tmp/profiles")" "ablate --full"'
PATH=$keep
what="ablate --workload --smoke: what each optimization brings"
p ablate --workload simd --smoke -j
ok eval '[ $code = 0 ] || [ $code = 1 ] || [ $code = 6 ]'
