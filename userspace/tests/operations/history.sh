# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# Verbs that read the history, on a generated history of thirty days: vector ops are slower by
# a fifth for the last three days, a setting was changed right before, and semantic ops follow
# the load of the processors.

make_history "$tmp/made.db"
export TZ=UTC
what="trend-analysis --detect-degradation finds the planted jump of vector_ops and exits with 1"
p trend-analysis --history "$tmp/made.db" --duration 30d --metrics fuse_ops,vector_ops,semantic_ops --detect-degradation --output "$tmp/trend.json"
ok eval 'is $code 1 && holds "$(cat "$tmp/trend.json")" ".regression_detected and (.trends | length == 3) and
	(.trends[] | select(.metric == \"vector_ops\") | .change_points | any(.degradation and .change_percent < -15 and .change_percent > -25))"'
what="trend-analysis dates the planted jump within a day"
ok holds "$(cat "$tmp/trend.json")" '.period.to as $to | .trends[] | select(.metric == "vector_ops") | .change_points | any(.degradation and ($to - .time | . > 2 * 86400 and . < 4 * 86400))'
what="trend-analysis --detect-regressions ignores a change below --threshold"
p trend-analysis --history "$tmp/made.db" --duration 30d --metrics vector_ops --detect-regressions --threshold 50% -j
ok eval 'is $code 0 && holds "$out" ".regression_detected == false"'
what="trend-analysis finds no jump in fuse_ops, which did not change"
p trend-analysis --history "$tmp/made.db" --duration 30d --metrics fuse_ops --detect-regressions -j
ok holds "$out" '.trends[0].change_points == []'
what="forecast --duration --ahead --metrics gives a value within its interval"
p forecast --history "$tmp/made.db" --duration 20d --ahead 10d --metrics fuse_ops --output "$tmp/forecast.json"
ok eval 'is $code 0 && holds "$(cat "$tmp/forecast.json")" ".forecasts[0] | .known and .low < .forecast and .forecast < .high and .values > 400"'
what="forecast --limit exits with 1 when the limit is reached before the end"
half=$(jq ".forecasts[0] | (.now + .forecast) / 2" "$tmp/forecast.json")
p forecast --history "$tmp/made.db" --duration 20d --ahead 10d --metrics fuse_ops --limit "$half" -j
ok eval 'is $code 1 && holds "$out" ".limit_reached and .forecasts[0].days_to_limit < 10"'
what="forecast --limit exits with 0 when the limit is far off"
p forecast --history "$tmp/made.db" --ahead 10d --metrics fuse_ops --limit "$(jq -n "$half * 100")" -j
ok eval 'is $code 0 && holds "$out" ".forecasts[0].days_to_limit == null and (.limit_reached | not)"'
what="forecast exits with 6 when the history is too short for --ahead"
p forecast --history "$tmp/made.db" --duration 300d --ahead 200d
ok eval 'is $code 6 && has "$(cat "$tmp/err")" "less far"'
p forecast --history "$tmp/made.db" --duration 5d --ahead 10d
what="forecast refuses an --ahead longer than --duration"
ok eval 'is $code 2 && has "$(cat "$tmp/err")" "farther"'
p forecast --history "$tmp/made.db" --limit 5
what="forecast --limit is refused unless --metrics names one metric"
ok eval 'is $code 2 && has "$(cat "$tmp/err")" "one metric"'
what="compare-periods finds vector_ops slower by a fifth, with a confidence interval"
p compare-periods --history "$tmp/made.db" --period1 "7d ago to 6d ago" --period2 "1d ago to now" -j
ok eval 'is $code 1 && holds "$out" ".regression_detected and (.verdicts[] | select(.metric == \"vector_ops\") |
	.verdict == \"regressed\" and .level == \"critical\" and .low_percent < -15 and .high_percent > -25)"'
what="compare-periods --show-degradation lists only metrics that got worse"
p compare-periods --history "$tmp/made.db" --period1 "7d ago to 6d ago" --period2 "1d ago to now" --show-degradation -j
ok holds "$out" '[.verdicts[].metric] | index("vector_ops") != null and index("fuse_ops") == null'
what="compare-periods refuses an empty period with exit code 2"
p compare-periods --history "$tmp/made.db" --period1 "1d ago to 2d ago" --period2 1h
ok eval 'is $code 2 && has "$(cat "$tmp/err")" "empty"'
p compare-periods --history "$tmp/made.db" --period1 1d --period2 "2099-01-01 to 2099-02-01"
what="compare-periods refuses a period in the future with exit code 2"
ok eval 'is $code 2 && has "$(cat "$tmp/err")" "future"'
what="compare-periods exits with 6 for a period without samples"
p compare-periods --history "$tmp/made.db" --period1 "700d ago to 699d ago" --period2 "1d ago to now" -j
ok eval 'is $code 6 && holds "$out" ".cannot_tell and .regression_detected == false"'
what="regression-check exits with 1 for a change above --threshold"
p regression-check --history "$tmp/made.db" --baseline-period 14d --current-period 3d --threshold 5% -j
ok eval 'is $code 1 && holds "$out" ".regression_detected"'
what="regression-check exits with 0 for a change below --threshold"
p regression-check --history "$tmp/made.db" --baseline-period 14d --current-period 3d --threshold 0.4 -j
ok eval 'is $code 0 && holds "$out" ".regression_detected == false"'
what="timeline --mark-degradation-points marks one point of vector_ops and exits with 1"
p timeline --history "$tmp/made.db" --duration 7d --mark-degradation-points -j
ok eval 'is $code 1 && holds "$out" ".degradation_detected and (.metrics[] | select(.metric == \"vector_ops\") | .degradation_points | length == 1)"'
what="timeline prints WORSE at the point of the degradation"
p timeline --history "$tmp/made.db" --duration 7d --mark-degradation-points
ok has "$out" "WORSE"
what="resource-analysis --correlate-with-performance finds the metric that follows the load, and warns about causes"
p resource-analysis --history "$tmp/made.db" --duration 7d --correlate-with-performance -j
ok holds "$out" '(.correlations | any(.resource == "cpu_busy" and .metric == "semantic_ops" and .correlation < -0.5)) and (.warning | test("cause"))'
what="investigate names the setting that changed before the regression"
p investigate --history "$tmp/made.db" --duration 14d -j
ok eval 'is $code 1 && holds "$out" ".regression_detected and (.changes | any(.key == \"pool_small\"))"'
what="compare-periods, regression-check, timeline, resource-analysis and investigate write JSON to --output"
p compare-periods --history "$tmp/made.db" --period1 7d --period2 1d --threshold 5% --metrics vector_ops --output "$tmp/o1.json"
p regression-check --history "$tmp/made.db" --metrics vector_ops --output "$tmp/o2.json"
p timeline --history "$tmp/made.db" --metrics vector_ops --output "$tmp/o3.json"
p resource-analysis --history "$tmp/made.db" --output "$tmp/o4.json"
p investigate --history "$tmp/made.db" --output "$tmp/o5.json"
ok eval 'for i in 1 2 3 4 5; do holds "$(cat "$tmp/o$i.json")" ".schema_version == 1" || exit; done'
what="investigate answers its four questions as text"
p investigate --history "$tmp/made.db" --duration 14d
ok eval 'has "$out" "^1. When" && has "$out" "^4. What goes" && has "$out" "pool_small: 128 -> 4"'
