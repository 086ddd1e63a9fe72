// SPDX-License-Identifier: GPL-2.0
/* The commands about run records: exec, batch, list, summary, insights, report. */
#include "exec.h"

#include "counters.h"
#include "engine.h"
#include "profile.h"
#include "program.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MAX	4096

static struct exec_limits limits_set(void)
{
	return (struct exec_limits){ vx_set.max_time, (uint64_t)(vx_set.max_memory / 1024),
				     vx_set.sample > 0 ? vx_set.sample : 0.1 };
}

/* Prints the summary of a run on stderr, since stdout belongs to the program. */
static void say_run(const json_t *record)
{
	if (vx_set.format_text)
		vx_exec_format(stderr, vx_set.format_text, record);
	else if (!vx_set.quiet && !vx_set.json)
		vx_exec_format(stderr, "vexstress: %e s, user %U, sys %S, CPU %P, memory %M KB, exit %x",
			       record);
}

static int run_once(char **argv)
{
	struct exec_limits limits = limits_set();
	bool profiled = vx_set.flamegraph || vx_set.massif;
	char **words = profiled ? vx_profile_command(argv) : argv;
	json_t *record = words ? vx_exec_measure(words, &limits, vx_set.tag, vx_set.quiet) : NULL;
	int ret;

	if (profiled)
		free(words);
	if (!record)
		return VX_MISSED;
	say_run(record);
	if (!vx_set.quiet && !vx_set.json)
		counters_print(stderr, json_object_get(record, "perf"));
	ret = vx_exec_status(record);
	if (vx_set.json && vx_write_json("-", record) && !ret)
		ret = VX_MISSED;
	if (vx_set.output && vx_write_json(vx_set.output, record) && !ret)
		ret = VX_MISSED;
	/*
	 * Failure to keep a record is reported, and does not change the exit status. A run under
	 * a profiler is not kept, since its times are not those of the program.
	 */
	if (!profiled)
		vx_exec_keep(record);
	json_decref(record);
	return ret;
}

/* Waits until the next run is due or a signal arrives. */
static void wait_until(const struct timespec *due)
{
	while (!vx_signal && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL) == EINTR)
		;
}

int vx_cmd_exec(int n, char **words)
{
	struct timespec due;
	uint64_t i;
	int ret = VX_OK, one;

	if (n < 1) {
		vx_say("exec needs a command: vexstress exec [OPTION...] -- COMMAND [ARGUMENT...]");
		return VX_USAGE;
	}
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (i = 0; !vx_signal && (vx_set.every > 0 || i < vx_set.repeat); i++) {
		if (i && vx_set.every > 0) {
			due.tv_sec += (time_t)vx_set.every;
			due.tv_nsec += (long)((vx_set.every - (double)(time_t)vx_set.every) * 1e9);
			if (due.tv_nsec >= 1000000000) {
				due.tv_nsec -= 1000000000;
				due.tv_sec++;
			}
			wait_until(&due);
			if (vx_signal || (vx_set.repeat > 1 && i >= vx_set.repeat))
				break;
		}
		one = run_once(words);
		ret = ret ? ret : one;
	}
	if (vx_profile_finish() && !ret)
		ret = VX_MISSED;
	return vx_signal && !ret ? 128 + vx_signal : ret;
}

/* One member of a batch. A process of its own is its parent and measures it. */
static pid_t start_member(const char *file, FILE **record)
{
	struct exec_limits limits = limits_set();
	char *argv[] = { (char *)file, NULL };
	json_t *o;
	pid_t pid;
	int ret;

	*record = tmpfile();
	if (!*record)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	o = vx_exec_measure(argv, &limits, vx_set.tag, !vx_set.pass_output);
	ret = o && !json_dumpf(o, *record, JSON_COMPACT) && !fflush(*record) ? 0 : 1;
	_exit(ret);
}

/* Reads its record; a member without one counts as failed. */
static json_t *take_member(FILE *record)
{
	json_t *o;

	rewind(record);
	o = json_loadf(record, JSON_REJECT_DUPLICATES, NULL);
	fclose(record);
	return o;
}

struct slot {
	pid_t pid;
	FILE *record;
	const char *file;
};

/* The member that has ended, or NULL: none yet. */
static struct slot *ended_member(struct slot *slots, size_t n)
{
	pid_t pid = waitpid(-1, NULL, WNOHANG);
	size_t i;

	for (i = 0; pid > 0 && i < n; i++)
		if (slots[i].pid == pid)
			return &slots[i];
	return NULL;
}

static bool finish_member(struct slot *slot, json_t *all)
{
	json_t *o = take_member(slot->record);

	slot->pid = 0;
	if (!o) {
		vx_say("%s could not be measured", shown(slot->file));
		return false;
	}
	if (!vx_set.quiet && !vx_set.json)
		vx_exec_format(stdout, "%e s, CPU %P, memory %M KB, exit %x: %C", o);
	vx_exec_keep(o);
	json_array_append_new(all, o);
	return json_is_true(json_object_get(o, "success"));
}

/* Starts the next file in a free place. False if it cannot be started. */
static bool fill_slot(struct slot *slot, const char *file)
{
	slot->file = file;
	slot->pid = start_member(file, &slot->record);
	if (slot->pid > 0)
		return true;
	vx_say("cannot start %s: %s", shown(file), strerror(errno));
	slot->pid = 0;
	return false;
}

static int run_batch(char **files, size_t n, json_t *all)
{
	size_t jobs = vx_set.jobs ? vx_set.jobs : 1, running = 0, next = 0, i;
	struct slot *slots = calloc(jobs, sizeof(*slots)), *ended;
	int forwarded = 0;
	bool good = true;

	if (!slots)
		return VX_MISSED;
	while (running || (next < n && !vx_signal)) {
		for (i = 0; i < jobs && next < n && !vx_signal; i++) {
			if (slots[i].pid)
				continue;
			if (fill_slot(&slots[i], files[next++]))
				running++;
			else
				good = false;
		}
		/* a signal to vexstress is sent to the members, which forward it to their programs */
		for (i = 0; vx_signal && forwarded != vx_signal && i < jobs; i++)
			if (slots[i].pid)
				kill(slots[i].pid, vx_signal);
		forwarded = vx_signal;
		ended = ended_member(slots, jobs);
		if (ended) {
			good &= finish_member(ended, all);
			running--;
		} else if (running) {
			vx_nap(10000000);
		}
	}
	free(slots);
	return vx_signal ? 128 + vx_signal : good ? VX_OK : VX_MISSED;
}

static int show_batch(const json_t *all)
{
	json_t *summary = vx_exec_summary(all);
	int ret = 0;

	if (vx_set.json) {
		ret |= vx_write_json("-", all);
	} else if (!vx_set.quiet) {
		putchar('\n');
		vx_exec_print_summary(stdout, summary);
	}
	if (vx_set.output)
		ret |= vx_write_json(vx_set.output, all);
	json_decref(summary);
	return ret ? VX_MISSED : VX_OK;
}

static bool can_run(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

int vx_cmd_batch(int n, char **words)
{
	glob_t found = { 0 };
	char *pattern = NULL, **files;
	json_t *all = json_array();
	size_t i, k = 0;
	int ret;

	if (n < 1 || n > 2) {
		vx_say("batch needs a directory, and may have a pattern: vexstress batch DIR '*.sh'");
		return VX_USAGE;
	}
	if (asprintf(&pattern, "%s/%s", words[0], n > 1 ? words[1] : "*") < 0)
		return VX_MISSED;
	ret = glob(pattern, GLOB_NOESCAPE, NULL, &found);
	files = calloc(found.gl_pathc + 1, sizeof(*files));
	for (i = 0; files && !ret && i < found.gl_pathc && k < BATCH_MAX; i++)
		if (can_run(found.gl_pathv[i]))
			files[k++] = found.gl_pathv[i];
	if (k) {
		ret = run_batch(files, k, all);
		if (show_batch(all) && !ret)
			ret = VX_MISSED;
	} else {
		vx_say("nothing that can be run matches %s", shown(pattern));
		ret = VX_USAGE;
	}
	free(files);
	free(pattern);
	globfree(&found);
	json_decref(all);
	return ret;
}

/* The records that a command is about: all, or those of one program. */
static json_t *records_of(const char *command, int n, char **words, bool samples)
{
	if (n > 1) {
		vx_say("%s takes one program, or none", command);
		return NULL;
	}
	return vx_exec_load(n ? words[0] : NULL, samples);
}

static int show(json_t *value, void (*print)(FILE *, const json_t *))
{
	int ret = 0;

	if (vx_set.json)
		ret |= vx_write_json("-", value);
	else if (!vx_set.quiet)
		print(stdout, value);
	if (vx_set.output)
		ret |= vx_write_json(vx_set.output, value);
	json_decref(value);
	return ret ? VX_MISSED : VX_OK;
}

int vx_cmd_summary(int n, char **words)
{
	json_t *records = records_of("summary", n, words, false), *summary;

	if (!records)
		return n > 1 ? VX_USAGE : VX_MISSED;
	summary = vx_exec_summary(records);
	json_decref(records);
	return show(summary, vx_exec_print_summary);
}

int vx_cmd_insights(int n, char **words)
{
	json_t *records = records_of("insights", n, words, false), *insights;
	int ret;

	if (!records)
		return n > 1 ? VX_USAGE : VX_MISSED;
	insights = vx_exec_insights(records);
	json_decref(records);
	/* something stands out: a finding */
	ret = json_array_size(insights) ? VX_MISSED : VX_OK;
	return show(insights, vx_exec_print_insights) ? VX_MISSED : ret;
}

int vx_cmd_list(int n, char **words)
{
	/* JSON has them whole */
	json_t *records = records_of("list", n, words, vx_set.json || vx_set.output);

	if (!records)
		return n > 1 ? VX_USAGE : VX_MISSED;
	return show(records, vx_exec_print_list);
}

int vx_cmd_records_report(void)
{
	json_t *records = vx_exec_load(NULL, vx_set.export_dir);
	char *text = NULL;
	size_t size = 0;
	int ret = 0;
	FILE *f;

	if (!records)
		return VX_MISSED;
	if (vx_set.export_dir)
		ret = vx_exec_export(vx_set.export_dir, records);
	if (!vx_set.export_dir || vx_set.output) {
		f = open_memstream(&text, &size);
		if (f) {
			vx_exec_report(f, records);
			ret |= fclose(f);
			ret |= vx_write_file(vx_set.output ? vx_set.output : "-", text, size);
		}
		free(text);
		ret |= !f;
	}
	json_decref(records);
	return ret ? VX_MISSED : VX_OK;
}

int vx_cmd_results(const char *verb, int n, char **words)
{
	char path[4096], *db = vx_history_path(false), **argv = calloc((size_t)n + 6, sizeof(*argv));
	int ret = VX_MISSED;

	if (!db || !argv)
		goto out;
	vx_program("vexctl", path, sizeof(path));
	argv[0] = path;
	argv[1] = (char *)"results";
	argv[2] = (char *)verb;
	argv[3] = (char *)"--history";
	argv[4] = db;
	memcpy(argv + 5, words, (size_t)n * sizeof(*argv));
	execvp(path, argv);
	vx_say("vexctl cannot be run: %s", strerror(errno));
out:
	free(argv);
	free(db);
	return ret;
}
