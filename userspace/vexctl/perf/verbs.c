// SPDX-License-Identifier: GPL-2.0
/* The table of "vexctl performance". The verbs are implemented in the other files. */
#include "perf.h"

#define OPT_OUTPUT	{ "output", 'o', OPT_STRING, "FILE", "write to FILE; .json and .html choose the form" }
#define OPT_HISTORY \
	{ "history", 0, OPT_STRING, "FILE", "another history than that of vexfs.conf" }, \
	{ "prometheus", 0, OPT_STRING, "URL", "read from this Prometheus, which scrapes vexfs-exporter" }, \
	{ "instance", 0, OPT_STRING, "HOST[:PORT]", "with it: one machine, not all together" }
#define OPT_METRICS	{ "metrics", 0, OPT_STRING, "A,B,...", "these metrics instead of all" }
#define OPT_THRESHOLD	{ "threshold", 0, OPT_STRING, "SHARE", "ignore smaller changes, for example 5%; overrides the policy" }
#define OPT_PERIOD(d)	{ "duration", 0, OPT_STRING, "PERIOD", "how far to look back, or a period; default " d }

int run_diagnose(struct ctl *c);
int run_health(struct ctl *c);
int run_host_check(struct ctl *c);
int run_external_factors(struct ctl *c);
int run_validate(struct ctl *c);
int run_configure(struct ctl *c);
int run_emergency_enable(struct ctl *c);
int run_emergency_disable(struct ctl *c);
int run_emergency_status(struct ctl *c);
int run_full_reset(struct ctl *c);
int run_perf_tune(struct ctl *c);
int run_ablate(struct ctl *c);
int run_compare(struct ctl *c);
int run_regression_analysis(struct ctl *c);
int run_report(struct ctl *c);
int run_regression_report(struct ctl *c);
int run_metrics(struct ctl *c);
int run_monitor(struct ctl *c);
int run_compare_periods(struct ctl *c);
int run_regression_check(struct ctl *c);
int run_trend_analysis(struct ctl *c);
int run_forecast(struct ctl *c);
int run_timeline(struct ctl *c);
int run_resource_analysis(struct ctl *c);
int run_investigate(struct ctl *c);

#define OPT_FROM	{ "from", 0, OPT_STRING, "DIR", "examine a copy of another machine's files" }

static const struct opt diagnose_opts[] = {
	{ "comprehensive", 0, OPT_FLAG, NULL, "also slow checks: self-test, growth of caches; all findings" },
	{ "all", 'a', OPT_FLAG, NULL, "show passed checks, too" },
	OPT_FROM, OPT_OUTPUT, { 0 },
};

static const struct opt health_opts[] = { OPT_OUTPUT, { 0 } };

static const struct opt host_opts[] = {
	{ "apply", 0, OPT_FLAG, NULL, "apply the advice on frequency and swappiness, until the next boot" },
	OPT_FROM, OPT_OUTPUT, { 0 },
};

static const struct opt external_opts[] = {
	{ "check-system-load", 0, OPT_FLAG, NULL, "processors and memory" },
	{ "check-network", 0, OPT_FLAG, NULL, "the network" },
	{ "check-storage", 0, OPT_FLAG, NULL, "disks" },
	OPT_FROM, OPT_OUTPUT, { 0 },
};

static const struct opt metrics_opts[] = {
	{ "format", 0, OPT_STRING, "FORM", "json, prometheus, csv or text" },
	{ "interval", 'i', OPT_NUMBER, "SECONDS", "repeat at this interval in seconds" },
	{ "count", 'n', OPT_U64, "N", "with --interval: stop after N repetitions" },
	OPT_OUTPUT, { 0 },
};

static const struct opt monitor_opts[] = {
	{ "emergency-mode", 0, OPT_FLAG, NULL, "show whether the emergency mode is on, too" },
	{ "duration", 0, OPT_STRING, "TIME", "stop after this time" },
	{ "interval", 'i', OPT_NUMBER, "SECONDS", "time between lines, default 5" },
	{ "real-time", 0, OPT_FLAG, NULL, "one line per second" },
	{ 0 },
};


#define OPT_QUICK	{ "quick", 0, OPT_FLAG, NULL, "10 samples of 3 s per job; the default" }
#define OPT_FULL	{ "comprehensive", 0, OPT_FLAG, NULL, "100 samples of a minute" }
#define OPT_SMOKE	{ "smoke", 0, OPT_FLAG, NULL, "half a second per job, to see that it works" }
#define OPT_WORKLOAD	{ "workload", 0, OPT_STRING, "NAME", "workload of vexstress, default vector" }
#define OPT_BASELINE	{ "baseline", 0, OPT_STRING, "FILE", "instead of /etc/vexfs/performance-baseline.json" }
#define OPT_CURRENT	{ "current", 0, OPT_STRING, "FILE", "instead of current metrics" }

static const struct opt validate_opts[] = { OPT_QUICK, OPT_FULL, OPT_SMOKE, { 0 } };

static const struct opt configure_opts[] = {
	{ "reset-to-optimal", 0, OPT_FLAG, NULL, "reset all settings and vexfs.conf to the defaults" },
	{ "module-only", 0, OPT_FLAG, NULL, "no error if there is no default file" },
	{ "dry-run", 'n', OPT_FLAG, NULL, "only print what would happen" }, { 0 },
};

static const struct opt emergency_opts[] = {
	{ "disable-optimizations", 0, OPT_FLAG, NULL, "scalar arithmetic, queries one by one" },
	{ "safe-mode", 0, OPT_FLAG, NULL, "fixed pools, one worker" },
	{ "minimal-features", 0, OPT_FLAG, NULL, "no background work" }, { 0 },
};

static const struct opt full_reset_opts[] = {
	{ "dry-run", 'n', OPT_FLAG, NULL, "only print what would happen" },
	{ "drop-volatile", 0, OPT_FLAG, NULL, "reset even if collections are lost" },
	{ "file", 0, OPT_STRING, "FILE", "module to load instead of the installed one" }, { 0 },
};

static const struct opt perf_tune_opts[] = {
	{ "sweep", 0, OPT_STRING, "WHAT", "pools, codes, batch, fpu or KEY=V1,V2,...", true },
	OPT_WORKLOAD, OPT_QUICK, OPT_FULL, OPT_SMOKE, { 0 },
};

static const struct opt ablate_opts[] = { OPT_WORKLOAD, OPT_QUICK, OPT_FULL, OPT_SMOKE, { 0 } };

static const struct opt compare_opts[] = {
	OPT_BASELINE, OPT_CURRENT, OPT_THRESHOLD, OPT_OUTPUT, { 0 },
};

static const struct opt analysis_opts[] = {
	OPT_BASELINE, OPT_CURRENT,
	{ "detailed", 0, OPT_FLAG, NULL, "intervals, limits, and a possible cause" },
	OPT_THRESHOLD, OPT_OUTPUT, { 0 },
};

const struct verb performance_verbs[] = {
	{ "performance diagnose", "", 0, 0, "run all checks and report problems",
	  "Findings are listed worst first, with evidence and advice. The exit code is 1 for warnings and "
	  "worse. A directory for --from holds stats.json and tune.json, the output of 'vexctl -j "
	  "stats' and 'vexctl -j tune', and copies of files of /proc and /sys below root.",
	  diagnose_opts, run_diagnose },
	{ "performance health", "", 0, 0, "check service, targets, optimizations and issues",
	  "The exit code is 0 when all checks pass, 1 when one does not, 3 when vexfs is not loaded.",
	  health_opts, run_health },
	{ "performance host-check", "", 0, 0, "check the machine: processors, memory, disks, network, log",
	  "Reads /proc and /sys. Advice is printed; --apply applies the part that is undone by the "
	  "next boot, and prints it.", host_opts, run_host_check },
	{ "performance external-factors", "", 0, 0, "check influences from outside: load, network, disks",
	  "All three apply when none is named.", external_opts, run_external_factors },
	{ "performance metrics", "", 0, 0, "print the main metrics",
	  "Rates and times are those of one second, or of the interval. With -j also under the names "
	  "that scripts know, such as vexfs_vector_ops_per_sec; unknown values are null. Without --format, "
	  "names in .csv and .prom choose the form as well.",
	  metrics_opts, run_metrics },
	{ "performance monitor", "", 0, 0, "show the main metrics, one line per interval",
	  "With -j one JSON value per line.", monitor_opts, run_monitor },
	{ "performance validate", "", 0, 0, "measure whether vexfs meets its targets",
	  "Runs vexstress against the targets. With -j \"overall_success\" is true, false, or null where "
	  "the result is unknown; the exit code is 0, 1 or 6.", validate_opts, run_validate },
	{ "performance compare", "", 0, 0, "compare files of metrics, or one with current metrics",
	  "Files are what 'vexctl performance metrics -j' writes, with -i 1 -n 20 for statistics; of "
	  "single values the threshold alone decides, and the output says so. Two results of vexstress are "
	  "compared by vexstress. The exit code is 1 for a regression, 6 for cannot tell.", compare_opts,
	  run_compare },
	{ "performance regression-analysis", "", 0, 0, "compare with intervals, limits and a suspected cause",
	  NULL, analysis_opts, run_regression_analysis },
	{ "performance configure", "", 0, 0, "reset all settings to the defaults",
	  "The user's vexfs.conf is kept beside as vexfs.conf.user-DATE.", configure_opts,
	  run_configure },
	{ "performance emergency-mode enable", "", 0, 0, "switch optimisations off",
	  "All three apply when none is named. Answers stay the same; other settings are kept and apply "
	  "again afterwards. The mode is written to vexfs.conf, so that it survives loading the module "
	  "anew.", emergency_opts, run_emergency_enable },
	{ "performance emergency-mode disable", "", 0, 0, "switch the mode off", NULL, NULL,
	  run_emergency_disable },
	{ "performance emergency-mode status", "", 0, 0, "show whether the emergency mode is on",
	  "The exit code is 1 when it is.", NULL, run_emergency_status },
	{ "performance full-reset", "", 0, 0, "unload, clear the cache, default vexfs.conf, load",
	  "Refused while there are collections that are not durable, unless --drop-volatile is given.", full_reset_opts,
	  run_full_reset },
	{ "performance tune", "", 0, 0, "measure with each value of a setting, in turn", NULL,
	  perf_tune_opts, run_perf_tune },
	{ "performance ablate", "", 0, 0, "measure what each optimization brings",
	  "Each is switched off in turn and compared with all of them on.", ablate_opts, run_ablate },
	{ 0 },
};

#ifdef HAVE_SQLITE

static const struct opt compare_periods_opts[] = {
	{ "period1", 0, OPT_STRING, "PERIOD", "the earlier period, such as \"7d ago to 6d ago\"", true },
	{ "period2", 0, OPT_STRING, "PERIOD", "the later period, such as \"1h ago to now\"", true },
	{ "show-degradation", 0, OPT_FLAG, NULL, "only regressions" },
	OPT_THRESHOLD, OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt check_opts[] = {
	{ "baseline-period", 0, OPT_STRING, "TIME", "the earlier period, default 7d" },
	{ "current-period", 0, OPT_STRING, "TIME", "the current period, default 1h" },
	OPT_THRESHOLD, OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt trend_opts[] = {
	OPT_PERIOD("24h"), OPT_METRICS,
	{ "detect-degradation", 0, OPT_FLAG, NULL, "look for jumps, too" },
	{ "detect-regressions", 0, OPT_FLAG, NULL, "the same" },
	OPT_THRESHOLD, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt forecast_opts[] = {
	OPT_PERIOD("30d"),
	{ "ahead", 0, OPT_STRING, "TIME", "how far to look forward, default 30d" },
	{ "limit", 0, OPT_STRING, "VALUE", "print when the one metric of --metrics reaches it" },
	OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt timeline_opts[] = {
	OPT_PERIOD("7d"),
	{ "mark-degradation-points", 0, OPT_FLAG, NULL, "find where a metric jumped" },
	OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt resource_opts[] = {
	OPT_PERIOD("7d"),
	{ "correlate-with-performance", 0, OPT_FLAG, NULL, "show correlated metrics and their lag" },
	OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt report_opts[] = {
	OPT_PERIOD("1h"),
	{ "detailed", 0, OPT_FLAG, NULL, "charts of the machine's resources, too" },
	OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt regression_report_opts[] = {
	OPT_PERIOD("7d"), OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt investigate_opts[] = { OPT_PERIOD("7d"), OPT_HISTORY, OPT_OUTPUT, { 0 } };

const struct verb history_verbs[] = {
	{ "performance compare-periods", "", 0, 0, "compare two periods of the history",
	  "Each metric gets a confidence interval and a verdict; \"cannot tell\" is one. The exit code is "
	  "1 for a regression, 6 when there are too few values.", compare_periods_opts,
	  run_compare_periods },
	{ "performance regression-check", "", 0, 0, "compare the current period with an earlier one",
	  "The exit code is 1 for a regression, 6 when there are too few values.", check_opts,
	  run_regression_check },
	{ "performance trend-analysis", "", 0, 0, "show whether metrics rise or fall",
	  "A trend counts if it is significant and as large as the threshold over the period. The daily pattern "
	  "is removed if the period has seven days.", trend_opts, run_trend_analysis },
	{ "performance forecast", "", 0, 0, "extrapolate metrics, with an interval",
	  "The trend line is extended, no farther than the history reaches back. The interval holds the "
	  "value in 95 of 100 cases if the trend continues. The exit code is 1 when the limit "
	  "is reached in that time, 6 when the result is unknown.", forecast_opts, run_forecast },
	{ "performance timeline", "", 0, 0, "show metrics, changes and events over time",
	  "Jumps are found by binary segmentation; a jump is reported if a random series has one as clear in fewer "
	  "than 1 of 100 cases.", timeline_opts, run_timeline },
	{ "performance resource-analysis", "", 0, 0, "show the use of the machine's resources",
	  NULL, resource_opts, run_resource_analysis },
	{ "performance investigate", "", 0, 0, "find when a regression began, what changed then, and what correlates",
	  "Changes of settings, module, kernel and the files of /etc/vexfs are recorded; those that happened "
	  "from two hours before to one hour after the first jump are listed.", investigate_opts,
	  run_investigate },
	{ "performance report", "", 0, 0, "write a report of a period: HTML, Markdown or JSON",
	  "Without --output, and for other names than .html and .json, it is Markdown. An HTML report is one "
	  "file with charts, for light and dark.", report_opts, run_report },
	{ "performance regression-report", "", 0, 0, "write a report of the regressions in a period",
	  "The exit code is 1 if there are any.", regression_report_opts, run_regression_report },
	{ 0 },
};

#endif
