// SPDX-License-Identifier: GPL-2.0
/* The table of "vexctl performance". What each verb does stands in the files beside. */
#include "perf.h"

#define OPT_OUTPUT	{ "output", 'o', OPT_STRING, "FILE", "write it there; .json makes it JSON" }
#define OPT_HISTORY \
	{ "history", 0, OPT_STRING, "FILE", "another history than that of vexfs.conf" }, \
	{ "prometheus", 0, OPT_STRING, "URL", "read from this Prometheus, which scrapes vexfs-exporter" }, \
	{ "instance", 0, OPT_STRING, "HOST[:PORT]", "with it: one machine, not all together" }
#define OPT_METRICS	{ "metrics", 0, OPT_STRING, "A,B,...", "these metrics instead of all" }
#define OPT_THRESHOLD	{ "threshold", 0, OPT_STRING, "SHARE", "changes below do not count, 5% say, instead of the policy's" }
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

#define OPT_FROM	{ "from", 0, OPT_STRING, "DIR", "look at a copy of what another machine showed" }

static const struct opt diagnose_opts[] = {
	{ "comprehensive", 0, OPT_FLAG, NULL, "also what takes time: self-test, growth of caches; all findings" },
	{ "all", 'a', OPT_FLAG, NULL, "show what is well, too" },
	OPT_FROM, OPT_OUTPUT, { 0 },
};

static const struct opt health_opts[] = { OPT_OUTPUT, { 0 } };

static const struct opt host_opts[] = {
	{ "apply", 0, OPT_FLAG, NULL, "follow the advice on frequency and swappiness, until the next boot" },
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
	{ "interval", 'i', OPT_NUMBER, "SECONDS", "repeat every so many seconds" },
	{ "count", 'n', OPT_U64, "N", "with --interval: stop after N repetitions" },
	OPT_OUTPUT, { 0 },
};

static const struct opt monitor_opts[] = {
	{ "emergency-mode", 0, OPT_FLAG, NULL, "show whether the emergency mode is on, too" },
	{ "duration", 0, OPT_STRING, "TIME", "stop after so long" },
	{ "interval", 'i', OPT_NUMBER, "SECONDS", "time between lines, default 5" },
	{ "real-time", 0, OPT_FLAG, NULL, "a line every second" },
	{ 0 },
};


#define OPT_QUICK	{ "quick", 0, OPT_FLAG, NULL, "10 samples of 3 s a job; the default" }
#define OPT_FULL	{ "comprehensive", 0, OPT_FLAG, NULL, "100 samples of a minute" }
#define OPT_SMOKE	{ "smoke", 0, OPT_FLAG, NULL, "half a second a job: does it work at all?" }
#define OPT_WORKLOAD	{ "workload", 0, OPT_STRING, "NAME", "of vexstress, default vector" }
#define OPT_BASELINE	{ "baseline", 0, OPT_STRING, "FILE", "instead of /etc/vexfs/performance-baseline.json" }
#define OPT_CURRENT	{ "current", 0, OPT_STRING, "FILE", "instead of measuring how it is now" }

static const struct opt validate_opts[] = { OPT_QUICK, OPT_FULL, OPT_SMOKE, { 0 } };

static const struct opt configure_opts[] = {
	{ "reset-to-optimal", 0, OPT_FLAG, NULL, "every setting, and vexfs.conf, back to what is best" },
	{ "module-only", 0, OPT_FLAG, NULL, "do not complain when there is no default file" },
	{ "dry-run", 'n', OPT_FLAG, NULL, "say what would happen" }, { 0 },
};

static const struct opt emergency_opts[] = {
	{ "disable-optimizations", 0, OPT_FLAG, NULL, "scalar arithmetic, queries one by one" },
	{ "safe-mode", 0, OPT_FLAG, NULL, "pools as they are, one worker" },
	{ "minimal-features", 0, OPT_FLAG, NULL, "nothing that is made for later" }, { 0 },
};

static const struct opt full_reset_opts[] = {
	{ "dry-run", 'n', OPT_FLAG, NULL, "say what would happen and do nothing" },
	{ "drop-volatile", 0, OPT_FLAG, NULL, "although collections are lost" },
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
	{ "detailed", 0, OPT_FLAG, NULL, "intervals, limits, and what may be the cause" },
	OPT_THRESHOLD, OPT_OUTPUT, { 0 },
};

const struct verb performance_verbs[] = {
	{ "performance diagnose", "", 0, 0, "look at everything, and say what is wrong",
	  "Findings come worst first, with evidence and advice. The exit code is 1 for warnings and "
	  "worse. A directory for --from holds stats.json and tune.json, the output of 'vexctl -j "
	  "stats' and 'vexctl -j tune', and copies of files of /proc and /sys below root.",
	  diagnose_opts, run_diagnose },
	{ "performance health", "", 0, 0, "check service, targets, optimizations and issues",
	  "The exit code is 0 when all is well, 1 when something is not, 3 when vexfs is not loaded.",
	  health_opts, run_health },
	{ "performance host-check", "", 0, 0, "check the machine: processors, memory, disks, network, log",
	  "Reads /proc and /sys itself. Advice is printed; --apply follows that which is undone by the "
	  "next boot, and says so.", host_opts, run_host_check },
	{ "performance external-factors", "", 0, 0, "check what is not vexfs: load, network, disks",
	  "All three when none is named.", external_opts, run_external_factors },
	{ "performance metrics", "", 0, 0, "print the figures that matter",
	  "Rates and times are those of one second, or of the interval. With -j also under the names "
	  "that scripts know, vexfs_vector_ops_per_sec say; what is not known is null.",
	  metrics_opts, run_metrics },
	{ "performance monitor", "", 0, 0, "show the figures that matter, a line each time",
	  "With -j one JSON value a line.", monitor_opts, run_monitor },
	{ "performance validate", "", 0, 0, "measure whether vexfs meets its targets",
	  "Runs vexstress against the targets. With -j \"overall_success\" is true, false, or null where "
	  "nothing can be told; the exit code is 0, 1 or 6.", validate_opts, run_validate },
	{ "performance compare", "", 0, 0, "compare files of metrics, or one with how it is now",
	  "Files are what 'vexctl performance metrics -j' writes, with -i 1 -n 20 for statistics; of "
	  "single values the threshold alone decides, and it is said. Two results of vexstress are "
	  "compared as it does. The exit code is 1 for a regression, 6 for cannot tell.", compare_opts,
	  run_compare },
	{ "performance regression-analysis", "", 0, 0, "the same with intervals, limits and a suspect",
	  NULL, analysis_opts, run_regression_analysis },
	{ "performance configure", "", 0, 0, "bring all settings to what is best",
	  "The user's vexfs.conf is kept beside as vexfs.conf.user-DATE.", configure_opts,
	  run_configure },
	{ "performance emergency-mode enable", "", 0, 0, "do without what makes vexfs fast",
	  "All three when none is named. No answer changes; other settings stay what they are and count "
	  "again when it is over. It is written to vexfs.conf, so that it survives loading the module "
	  "anew.", emergency_opts, run_emergency_enable },
	{ "performance emergency-mode disable", "", 0, 0, "end it at once", NULL, NULL,
	  run_emergency_disable },
	{ "performance emergency-mode status", "", 0, 0, "say whether it is on",
	  "The exit code is 1 when it is.", NULL, run_emergency_status },
	{ "performance full-reset", "", 0, 0, "unload, clear the cache, default configuration, load",
	  "Refused while there are collections that are not durable, unless --drop-volatile is given.", full_reset_opts,
	  run_full_reset },
	{ "performance tune", "", 0, 0, "measure with each value of a setting, in turn", NULL,
	  perf_tune_opts, run_perf_tune },
	{ "performance ablate", "", 0, 0, "measure what each optimization brings",
	  "One after the other is switched off, in turn with all on.", ablate_opts, run_ablate },
	{ 0 },
};

#ifdef HAVE_SQLITE

static const struct opt compare_periods_opts[] = {
	{ "period1", 0, OPT_STRING, "PERIOD", "the period before, \"7d ago to 6d ago\" say", true },
	{ "period2", 0, OPT_STRING, "PERIOD", "the period after, \"1h ago to now\" say", true },
	{ "show-degradation", 0, OPT_FLAG, NULL, "only what got worse" },
	OPT_THRESHOLD, OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt check_opts[] = {
	{ "baseline-period", 0, OPT_STRING, "TIME", "how long before, default 7d" },
	{ "current-period", 0, OPT_STRING, "TIME", "how long it is that now means, default 1h" },
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
	{ "limit", 0, OPT_STRING, "VALUE", "say when the one metric of --metrics comes to it" },
	OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt timeline_opts[] = {
	OPT_PERIOD("7d"),
	{ "mark-degradation-points", 0, OPT_FLAG, NULL, "say where a metric jumped" },
	OPT_METRICS, OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt resource_opts[] = {
	OPT_PERIOD("7d"),
	{ "correlate-with-performance", 0, OPT_FLAG, NULL, "say what goes with what, and how much later" },
	OPT_HISTORY, OPT_OUTPUT, { 0 },
};

static const struct opt report_opts[] = {
	OPT_PERIOD("1h"),
	{ "detailed", 0, OPT_FLAG, NULL, "charts of the machine's resources, too" },
	OPT_HISTORY, { "output", 'o', OPT_STRING, "FILE", "a file whose name ends in .html, .md or .json" }, { 0 },
};

static const struct opt regression_report_opts[] = {
	OPT_PERIOD("7d"), OPT_HISTORY,
	{ "output", 'o', OPT_STRING, "FILE", "a file whose name ends in .html, .md or .json" }, { 0 },
};

static const struct opt investigate_opts[] = { OPT_PERIOD("7d"), OPT_HISTORY, OPT_OUTPUT, { 0 } };

const struct verb history_verbs[] = {
	{ "performance compare-periods", "", 0, 0, "compare two periods of the history",
	  "Each metric gets a confidence interval and a verdict; \"cannot tell\" is one. The exit code is "
	  "1 when something got worse, 6 when nothing can be told.", compare_periods_opts,
	  run_compare_periods },
	{ "performance regression-check", "", 0, 0, "compare what is now with what was before",
	  "The exit code is 1 when something got worse, 6 when nothing can be told.", check_opts,
	  run_regression_check },
	{ "performance trend-analysis", "", 0, 0, "say whether metrics rise or fall",
	  "A trend is one when it is proven and as large as the threshold over the period. The pattern of "
	  "a day is taken out where there are seven of them.", trend_opts, run_trend_analysis },
	{ "performance forecast", "", 0, 0, "say where metrics will be, with an interval",
	  "A straight line is drawn on, no farther than the history reaches back. The interval holds the "
	  "value in 95 of 100 cases if the machine goes on as it did. The exit code is 1 when the limit "
	  "is reached in that time, 6 when nothing can be told.", forecast_opts, run_forecast },
	{ "performance timeline", "", 0, 0, "show metrics, changes and events over time",
	  "Jumps are found by binary segmentation: one is named when chance makes one as clear in fewer "
	  "than 1 of 100 series without.", timeline_opts, run_timeline },
	{ "performance resource-analysis", "", 0, 0, "show what the machine was busy with",
	  NULL, resource_opts, run_resource_analysis },
	{ "performance investigate", "", 0, 0, "find when it began, what changed then, and what goes with it",
	  "Settings, module, kernel and the files of /etc/vexfs are noted when they change; what changed "
	  "within two hours before and an hour after the first jump is listed.", investigate_opts,
	  run_investigate },
	{ "performance report", "", 0, 0, "write a report of a period: HTML, Markdown or JSON",
	  "An HTML report is one file with charts, for light and dark.", report_opts, run_report },
	{ "performance regression-report", "", 0, 0, "write a report of what got worse in a period",
	  "The exit code is 1 when something did.", regression_report_opts, run_regression_report },
	{ 0 },
};

#endif
