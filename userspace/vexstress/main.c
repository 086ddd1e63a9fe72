// SPDX-License-Identifier: GPL-2.0
/*
 * vexstress: which command, which jobs, which exit code. Measures nothing
 * itself.
 */
#include "bisect.h"
#include "campaign.h"
#include "coll.h"
#include "exec.h"
#include "fold.h"
#include "outfile.h"
#include "profile.h"
#include "suite.h"
#include "trend.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum command { RUN, COMPARE, NOISE, ABLATE, SWEEP, REPORT, EXEC, BATCH, LIST, SUMMARY, INSIGHTS,
	       TREND, FLAMEGRAPH, BISECT, PRUNE, ARCHIVE };

static const char *const commands[] = {
	[RUN] = "run", [COMPARE] = "compare", [NOISE] = "noise", [ABLATE] = "ablate",
	[SWEEP] = "sweep", [REPORT] = "report", [EXEC] = "exec", [BATCH] = "batch",
	[LIST] = "list", [SUMMARY] = "summary", [INSIGHTS] = "insights",
	[TREND] = "trend", [FLAMEGRAPH] = "flamegraph",
	[BISECT] = "bisect", [PRUNE] = "prune", [ARCHIVE] = "archive",
};

/* A second signal ends the process at once, without cleaning up. */
static void on_signal(int sig)
{
	if (vx_signal) {
		outfile_discard_all();
		signal(sig, SIG_DFL);
		raise(sig);
	}
	vx_signal = sig;
}

static void catch_signals(void)
{
	static const int list[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		sigaction(list[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int say_usage(const char *fmt, const char *what, const char *near)
{
	char text[400];

	snprintf(text, sizeof(text), fmt, what);
	vx_say("%s%s%s%s", text, near ? "; did you mean '" : "", near ? near : "",
	       near ? "'?" : "");
	return VX_USAGE;
}

static int unknown_name(const char *name)
{
	const char *known[96], *near;
	const struct vx_workload *wl;
	const struct vx_suite *suite;
	size_t k = 0, c;

	for (c = 0; (wl = vx_workload_at(c)); c++)
		known[k++] = wl->name;
	for (c = 0; (suite = vx_suite_at(c)); c++)
		known[k++] = suite->name;
	for (c = COMPARE; c < ARRAY_SIZE(commands); c++)
		known[k++] = commands[c];
	near = nearest_name(name, known, k);
	say_usage("unknown workload '%s'", name, near);
	return -1;
}

/* A workload or a suite; how many jobs it made, or -1. */
static int gather_one(const char *name, const struct vx_job *base, struct vx_job *jobs, int room)
{
	char why[300];
	int n;

	if (room <= 0) {
		vx_say("more than %d jobs", VX_JOBS_MAX);
		return -1;
	}
	jobs[0] = *base;
	jobs[0].wait = true;
	jobs[0].workload = vx_workload_find(name);
	if (!jobs[0].workload) {
		n = vx_suite_add(name, base, jobs, (size_t)room);
		return n ? n : unknown_name(name);
	}
	snprintf(jobs[0].name, sizeof(jobs[0].name), "%s", name);
	if (!vx_job_check(&jobs[0], why, sizeof(why)))
		return 1;
	vx_say("%s", why);
	return -1;
}

/* Workloads and suites by name, or a job file. */
static int gather(char **names, int n, const struct vx_job *base, struct vx_job *jobs,
		  const char *without)
{
	int i, j, count = 0, more;

	if (vx_set.jobfile) {
		if (n) {
			vx_say("'%s' and --job contradict each other", names[0]);
			return -1;
		}
		count = vx_jobfile_read(vx_set.jobfile, base, jobs, VX_JOBS_MAX);
	} else if (!n && without) {
		names = (char **)&without;
		n = 1;
	}
	for (i = 0; i < n; i++) {
		more = gather_one(names[i], base, jobs + count, VX_JOBS_MAX - count);
		if (more < 0)
			return -1;
		count += more;
	}
	if (count > 0 && vx_set.tests)
		count = vx_tests_pick(jobs, (size_t)count);
	for (i = 0; n && i < count; i++) {
		char first[VX_NAME_SIZE];

		memcpy(first, jobs[i].name, sizeof(first));
		for (j = 0; j < i; j++)
			if (!strcmp(jobs[i].name, jobs[j].name))
				snprintf(jobs[i].name, sizeof(jobs[i].name), "%.30s-%d", first, i);
	}
	if (!count)
		vx_say("nothing to do: name a workload or a suite, --job FILE or --target; see --help");
	return count ? count : -1;
}

/* The jobs of ablate when none are named: one for each thing it switches off. */
static int ablate_jobs(const struct vx_job *base, struct vx_job *jobs)
{
	static const struct {
		const char *name, *workload;
		uint64_t batch, vectors;
	} list[] = {
		{ "vector", "vector", 1, 0 },
		{ "batches", "simd", 64, 0 },
		{ "semantic", "semantic", 1, 10000 },
		{ "pools", "pools", 1, 0 },
		{ "point", "point", 1, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		jobs[i] = *base;
		jobs[i].wait = true;
		jobs[i].workload = vx_workload_find(list[i].workload);
		jobs[i].batch = list[i].batch;
		if (!jobs[i].vectors)
			jobs[i].vectors = list[i].vectors;
		snprintf(jobs[i].name, sizeof(jobs[i].name), "%s", list[i].name);
	}
	return (int)ARRAY_SIZE(list);
}

static void settle_threads(struct vx_job *jobs, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!jobs[i].threads)
			jobs[i].threads = jobs[i].workload && jobs[i].workload->threads ?
					  jobs[i].workload->threads : 1;
}

static int device_there(void)
{
	struct vexfs_info info = { 0 };
	struct vexfs_error err;

	if (!vexfs_do_info(vx_set.device, &info, &err))
		return 0;
	vx_say("%s", err.text);
	return -1;
}

/* The worse of two: wrong answers above the log above misses above doubt. */
static int worse(int a, int b)
{
	static const int order[] = { VX_OK, VX_CANNOT_TELL, VX_MISSED, VX_KLOG, VX_WRONG,
				     VX_NO_DEVICE, VX_USAGE };
	int i, ia = -1, ib = -1;

	for (i = 0; i < (int)(ARRAY_SIZE(order)); i++) {
		if (order[i] == a)
			ia = i;
		if (order[i] == b)
			ib = i;
	}
	if (ia < 0)
		return a;
	if (ib < 0)
		return b;
	return ia > ib ? a : b;
}

static int finish_klog(json_t *result)
{
	bool watched = vx_klog_watched();
	json_t *lines = vx_klog_end(), *line;
	size_t i;

	if (lines) {
		vx_say("new alarms in the kernel log:");
		json_array_foreach(lines, i, line)
			vx_say("  %s", json_string_value(line));
	}
	if (result)
		json_object_set_new(result, "kernel_log",
				    json_pack("{s:b, s:b, s:o}", "watched", (int)watched,
					      "clean", lines == NULL,
					      "lines", lines ? lines : json_array()));
	else
		json_decref(lines);
	return lines ? VX_KLOG : VX_OK;
}

static int against_baseline(json_t *result)
{
	json_t *both[2];
	const char *names[2];
	int ret;

	both[0] = vx_read_result(vx_set.baseline);
	if (!both[0])
		return VX_USAGE;
	both[1] = result;
	names[0] = vx_set.baseline;
	names[1] = "this run";
	if (!vx_set.json)
		putchar('\n');
	else
		vx_set.format = VX_FORMAT_JSON;
	ret = vx_compare_results(both, names, 2);
	json_decref(both[0]);
	return ret;
}

static int run(int argc, char **argv, struct vx_job *base, char **names, int n)
{
	struct vx_job *jobs = calloc(VX_JOBS_MAX, sizeof(*jobs));
	bool print = !vx_set.json && !vx_set.csv && !vx_set.quiet &&
		     !(vx_set.ndjson && !strcmp(vx_set.ndjson, "-"));
	json_t *result = NULL;
	int count = 0, ret = VX_USAGE;
	uint64_t r;

	if (!jobs)
		return VX_MISSED;
	if (vx_set.target) {
		/* "--target FILE": what is left over is the file. */
		if (n == 1 && !vx_set.target_file && !vx_workload_find(names[0])) {
			vx_set.target_file = names[0];
			n = 0;
		}
		if (n) {
			vx_say("--target runs its own standard jobs; '%s' cannot be given with it",
			       names[0]);
			goto out;
		}
		if (vx_target_check_settings())
			goto out;
	} else {
		count = gather(names, n, base, jobs, NULL);
		if (count < 0)
			goto out;
		settle_threads(jobs, count);
	}
	if (vx_set.save_baseline && vx_set.baseline && vx_set.json)
		vx_set.format = VX_FORMAT_JSON;
	ret = vx_profile_check();
	if (ret)
		goto out;
	if (device_there()) {
		ret = VX_NO_DEVICE;
		goto out;
	}
	vx_coll_sweep();
	vx_klog_begin();
	result = vx_result_new(argc, argv);
	for (r = 0, ret = VX_OK; r < vx_set.repeat && !vx_signal; r++) {
		/* Targets are judged over all repetitions together: the last says it. */
		ret = vx_set.target ? vx_target_run(result, base)
				    : worse(ret, vx_run_jobs(result, jobs, (size_t)count, print));
		if (ret == VX_NO_DEVICE || ret == VX_USAGE || ret == VX_WRONG || ret >= 128)
			break;
	}
	ret = worse(ret, finish_klog(result));
	if (ret == VX_NO_DEVICE || ret == VX_USAGE)
		goto out;
	vx_result_metrics(result);
	json_object_set_new(result, "interrupted", json_boolean(vx_signal));
	if (vx_set.target && print)
		vx_target_print(result);
	if (vx_result_emit(result))
		ret = worse(ret, VX_MISSED);
	if (vx_set.keep && !vx_signal && vx_result_keep(result, vx_set.keep))
		ret = worse(ret, VX_MISSED);
	if (vx_profile_finish())
		ret = worse(ret, VX_MISSED);
	if (vx_set.baseline && !vx_signal)
		ret = worse(ret, against_baseline(result));
out:
	json_decref(result);
	free(jobs);
	if (vx_signal)
		return 128 + vx_signal;
	return ret;
}

static int run_campaign(enum command cmd, int argc, char **argv, struct vx_job *base,
			char **names, int n)
{
	struct vx_job *jobs = calloc(VX_JOBS_MAX, sizeof(*jobs));
	int first = cmd == SWEEP ? 1 : cmd == COMPARE ? 2 : 0;
	int count, ret = VX_USAGE;

	if (!jobs)
		return VX_MISSED;
	if (n < first) {
		vx_say(cmd == SWEEP ? "sweep needs KEY=a,b,c" :
		       "compare --interleave needs two settings, as simd=auto simd=scalar");
		goto out;
	}
	if (cmd == ABLATE && !n && !vx_set.jobfile)
		count = ablate_jobs(base, jobs);
	else
		count = gather(names + first, n - first, base, jobs, "vector");
	if (count < 0)
		goto out;
	settle_threads(jobs, count);
	if (device_there()) {
		ret = VX_NO_DEVICE;
		goto out;
	}
	vx_coll_sweep();
	vx_klog_begin();
	if (cmd == NOISE)
		ret = vx_cmd_noise(argc, argv, jobs, (size_t)count);
	else if (cmd == ABLATE)
		ret = vx_cmd_ablate(argc, argv, jobs, (size_t)count);
	else if (cmd == SWEEP)
		ret = vx_cmd_sweep(argc, argv, names[0], jobs, (size_t)count);
	else
		ret = vx_cmd_interleave(argc, argv, names[0], names[1], jobs, (size_t)count);
	ret = worse(ret, finish_klog(NULL));
out:
	free(jobs);
	return vx_signal ? 128 + vx_signal : ret;
}

static int report(char **names, int n)
{
	json_t *result;
	int ret;

	if (!n)
		return vx_cmd_records_report();
	if (n != 1 || !(vx_set.output || vx_set.report)) {
		vx_say("report needs a result and a place: vexstress report RESULT -o FILE.html");
		return VX_USAGE;
	}
	result = vx_read_result(names[0]);
	if (!result)
		return VX_USAGE;
	ret = vx_report_write(vx_set.report ? vx_set.report : vx_set.output, result);
	json_decref(result);
	return ret ? VX_MISSED : VX_OK;
}

/* --help, --version and the like. */
static bool said_what_it_is(void)
{
	if (vx_set.help)
		vx_usage(stdout);
	else if (vx_set.version)
		puts("vexstress " VEXFS_VERSION);
	else if (vx_set.man)
		vx_man_options(stdout);
	else
		return false;
	return true;
}

/* Of the command line, in an order of our own; jobs point to them until the end. */
static char **all_words;

static void free_words(void)
{
	free(all_words);
}

int main(int argc, char **argv)
{
	char **words = all_words = calloc((size_t)argc + 1, sizeof(*words));
	enum command cmd = RUN;
	struct vx_job base;
	int n, i;

	if (!words || atexit(free_words))
		return VX_MISSED;
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	vx_set.warmup = -1;
	vx_set.alpha = 0.05;
	vx_set.min_effect = 0.05;
	vx_set.fail_effect = 0.10;
	vx_job_defaults(&base);
	n = vx_options_parse(argc - 1, words + 1, &base);
	if (n < 0)
		return VX_USAGE;
	words[1 + n] = NULL;
	if (said_what_it_is())
		return VX_OK;
	if (n) {
		for (i = 0; i < (int)(ARRAY_SIZE(commands)); i++) {
			if (!strcmp(words[1], commands[i])) {
				cmd = (enum command)i;
				words++;
				n--;
				break;
			}
		}
	}
	if (vx_options_finish() || (cmd != EXEC && vx_options_format()))
		return VX_USAGE;
	vs_clock_init();
	catch_signals();
	switch (cmd) {
	case COMPARE:
		if (!vx_set.interleave)
			return vx_cmd_compare(n, words + 1);
		/* fall through */
	case NOISE:
		if (vx_set.calibrate)
			return vx_cmd_calibrate();
		/* fall through */
	case ABLATE:
	case SWEEP:
		return run_campaign(cmd, argc, argv, &base, words + 1, n);
	case REPORT:
		return report(words + 1, n);
	case EXEC:
		return vx_cmd_exec(n, words + 1);
	case BATCH:
		return vx_cmd_batch(n, words + 1);
	case LIST:
		return vx_cmd_list(n, words + 1);
	case SUMMARY:
		return vx_cmd_summary(n, words + 1);
	case INSIGHTS:
		return vx_cmd_insights(n, words + 1);
	case TREND:
		return vx_cmd_trend(n, words + 1);
	case FLAMEGRAPH:
		return vx_cmd_flamegraph(n, words + 1);
	case BISECT:
		return vx_cmd_bisect(n, words + 1);
	case PRUNE:
	case ARCHIVE:
		return vx_cmd_results(commands[cmd], n, words + 1);
	default:
		return run(argc, argv, &base, words + 1, n);
	}
}
