// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one program and measures it: time and faults by wait4(), which covers every
 * process that was waited for; memory of all its processes by sampling; its output by
 * passing it on.
 */
#include "exec.h"

#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a program may take to end after SIGTERM. */
#define GRACE_S		2.0
/* Maximum of samples; of a longer run every second, fourth, ... one is kept. */
#define SAMPLES_MAX	1024

/* One of the program's two outputs. */
struct output {
	int from, to;
	uint64_t bytes;
	bool pass;	/* copy to our own output, until that fails */
};

struct sample {
	double at;
	uint64_t kib;
	unsigned int processes;
};

struct run {
	const struct exec_limits *limits;
	pid_t child;
	int watch;			/* readable when the child has ended, or -1 */
	struct timespec began;
	struct output out[2];
	int status;
	bool ended;
	struct rusage usage;		/* sums over all processes that were waited for */
	uint64_t max_rss;
	struct sample samples[SAMPLES_MAX];
	size_t nsamples;
	unsigned int stride, seen;	/* every stride-th sample is kept */
	uint64_t peak_kib;
	unsigned int peak_processes, left;
	bool late, large;		/* a limit was exceeded */
	double asked;			/* when SIGTERM was sent; 0: not yet */
	int forwarded;
	struct counters *counters;
};

static double since(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

static void become(char **argv, int out, int err)
{
	static const int reset[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reset); i++)
		signal(reset[i], SIG_DFL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(127);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static bool start(struct run *r, char **argv, bool quiet)
{
	int pipes[2][2], i;

	for (i = 0; i < 2; i++) {
		if (pipe2(pipes[i], O_CLOEXEC)) {
			vx_say("no pipe: %s", strerror(errno));
			if (i)
				close(pipes[0][0]), close(pipes[0][1]);
			return false;
		}
		/* a larger pipe saves wake-ups; failure does not matter */
		fcntl(pipes[i][0], F_SETPIPE_SZ, 1 << 20);
		fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
	}
	exec_tree_adopt();
	if (vx_set.perf_stat)
		r->counters = counters_next_program();
	fflush(NULL);
	clock_gettime(CLOCK_MONOTONIC, &r->began);
	r->child = fork();
	if (!r->child)
		become(argv, pipes[0][1], pipes[1][1]);
	r->watch = r->child > 0 ? (int)syscall(SYS_pidfd_open, r->child, 0) : -1;
	for (i = 0; i < 2; i++) {
		close(pipes[i][1]);
		r->out[i] = (struct output){ pipes[i][0], i ? STDERR_FILENO : STDOUT_FILENO, 0,
					     !quiet };
	}
	if (r->child > 0)
		return true;
	vx_say("cannot start %s: %s", shown(argv[0]), strerror(errno));
	close(pipes[0][0]);
	close(pipes[1][0]);
	return false;
}

/* Copies at most one buffer. False at the end of the output. */
static bool pass_on(struct output *o)
{
	static char buffer[1 << 16];
	ssize_t n = read(o->from, buffer, sizeof(buffer)), done = 0, w;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;
	o->bytes += (uint64_t)n;
	while (o->pass && done < n) {
		w = write(o->to, buffer + done, (size_t)(n - done));
		if (w < 0 && errno == EINTR)
			continue;
		/* our output is closed, or the disk is full: the program continues */
		if (w < 0)
			o->pass = false;
		else
			done += w;
	}
	return true;
}

static void sample_memory(struct run *r)
{
	struct exec_tree t;
	size_t i;

	if (!exec_tree_glance(&t) || !t.processes)
		return;
	if (t.kib > r->peak_kib)
		r->peak_kib = t.kib;
	if (t.processes > r->peak_processes)
		r->peak_processes = t.processes;
	r->large |= r->limits->kib && t.kib > r->limits->kib;
	if (r->seen++ % r->stride)
		return;
	if (r->nsamples == SAMPLES_MAX) {
		for (i = 0; i < SAMPLES_MAX / 2; i++)
			r->samples[i] = r->samples[2 * i];
		r->nsamples = SAMPLES_MAX / 2;
		r->stride *= 2;
	}
	r->samples[r->nsamples++] = (struct sample){ since(&r->began), t.kib, t.processes };
}

static void add_time(struct timeval *sum, const struct timeval *t)
{
	sum->tv_sec += t->tv_sec;
	sum->tv_usec += t->tv_usec;
}

/* Reaps all that have ended: the program itself, and orphans that we adopted. */
static void reap(struct run *r)
{
	struct rusage u;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &u)) > 0) {
		add_time(&r->usage.ru_utime, &u.ru_utime);
		add_time(&r->usage.ru_stime, &u.ru_stime);
		r->usage.ru_minflt += u.ru_minflt;
		r->usage.ru_majflt += u.ru_majflt;
		r->usage.ru_inblock += u.ru_inblock;
		r->usage.ru_oublock += u.ru_oublock;
		r->usage.ru_nvcsw += u.ru_nvcsw;
		r->usage.ru_nivcsw += u.ru_nivcsw;
		if ((uint64_t)u.ru_maxrss > r->max_rss)
			r->max_rss = (uint64_t)u.ru_maxrss;
		if (pid == r->child) {
			r->status = status;
			r->ended = true;
		}
	}
}

/* Ends a program that exceeded a limit, and forwards our own signals. */
static void steer(struct run *r)
{
	double now = since(&r->began);

	r->late |= r->limits->seconds > 0 && now > r->limits->seconds;
	if (vx_signal && r->forwarded != vx_signal) {
		r->forwarded = vx_signal;
		exec_tree_signal(vx_signal);
	}
	if (!r->late && !r->large)
		return;
	if (!r->asked) {
		r->asked = now;
		exec_tree_signal(SIGTERM);
	} else if (now - r->asked > GRACE_S) {
		exec_tree_signal(SIGKILL);
	}
}

static void drain(struct run *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		uint64_t before;

		if (r->out[i].from < 0)
			continue;
		do {
			before = r->out[i].bytes;
		} while (pass_on(&r->out[i]) && r->out[i].bytes != before);
		close(r->out[i].from);
		r->out[i].from = -1;
	}
}

/* Time until the next sample of memory, or the next check of a limit. */
static double pause_of(const struct run *r, double next)
{
	double now = since(&r->began), wait = next - now;

	/* without a pidfd the end of the program is polled, often at first */
	if (r->watch < 0)
		return now < 0.1 ? fmin(wait, 0.001) : fmin(wait, 0.02);
	if (r->asked > 0)
		return fmin(wait, 0.1);
	if (r->limits->seconds > 0)
		wait = fmin(wait, fmax(r->limits->seconds - now, 0));
	return fmin(wait, 1);
}

static void follow(struct run *r)
{
	double next = 0;
	int i;

	while (!r->ended) {
		struct pollfd fds[3];
		double wait;

		if (since(&r->began) >= next) {
			sample_memory(r);
			next = since(&r->began) + r->limits->sample;
		}
		steer(r);
		wait = pause_of(r, next);
		for (i = 0; i < 2; i++)
			fds[i] = (struct pollfd){ r->out[i].from, POLLIN, 0 };
		fds[2] = (struct pollfd){ r->watch, POLLIN, 0 };
		if (poll(fds, 3, wait > 0 ? (int)(wait * 1000) + 1 : 0) > 0) {
			for (i = 0; i < 2; i++) {
				if (fds[i].revents && !pass_on(&r->out[i])) {
					close(r->out[i].from);
					r->out[i].from = -1;
				}
			}
		}
		reap(r);
	}
}

/* Kills all processes of a program that exceeded a limit, but for those that hang in the kernel. */
static void kill_rest(struct run *r)
{
	const struct timespec pause = { 0, 5000000 };
	unsigned int tries = 0;

	while (exec_tree_signal(SIGKILL) && tries++ < 400) {
		nanosleep(&pause, NULL);
		reap(r);
	}
}

static json_t *sampled(const struct run *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->nsamples; i++)
		json_array_append_new(list, json_pack("[f, I, i]", r->samples[i].at,
						      (json_int_t)r->samples[i].kib,
						      (int)r->samples[i].processes));
	return list;
}

/* Quoted for a shell: words with other than plain characters are in quotes. */
static char *command_line(char **argv)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
	char *text = NULL, *clean;
	size_t size, i, k;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (i = 0; argv[i]; i++) {
		if (i)
			fputc(' ', f);
		if (argv[i][0] && strspn(argv[i], plain) == strlen(argv[i])) {
			fputs(argv[i], f);
			continue;
		}
		fputc('\'', f);
		for (k = 0; argv[i][k]; k++)
			fputs(argv[i][k] == '\'' ? "'\\''" : (char[]){ argv[i][k], 0 }, f);
		fputc('\'', f);
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	clean = escape_utf8(text);
	free(text);
	return clean;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static json_t *record_of(struct run *r, char **argv, int64_t started, double wall, const char *tag)
{
	char *line = command_line(argv), *name, *clean = tag ? escape_utf8(tag) : NULL;
	double user = seconds(&r->usage.ru_utime), sys = seconds(&r->usage.ru_stime);
	const char *slash = strrchr(argv[0], '/');
	json_t *o;

	name = escape_utf8(slash && slash[1] ? slash + 1 : argv[0]);
	o = json_pack("{s:i,s:I,s:s?,s:s?,s:s?,s:f,s:f,s:f,s:f,s:I,s:I,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		      "schema_version", VX_SCHEMA_VERSION,
		      "started_ms", (json_int_t)started, "program", name, "command", line,
		      "tag", clean, "wall_s", wall, "user_s", user, "sys_s", sys,
		      "cpu_percent", wall > 0 ? 100 * (user + sys) / wall : 0,
		      "max_rss_kb", (json_int_t)r->max_rss, "peak_memory_kb",
		      (json_int_t)(r->peak_kib > r->max_rss ? r->peak_kib : r->max_rss),
		      "peak_processes", (int)(r->peak_processes ? r->peak_processes : 1),
		      "minor_faults", (json_int_t)r->usage.ru_minflt,
		      "major_faults", (json_int_t)r->usage.ru_majflt,
		      "read_blocks", (json_int_t)r->usage.ru_inblock,
		      "written_blocks", (json_int_t)r->usage.ru_oublock,
		      "voluntary_switches", (json_int_t)r->usage.ru_nvcsw,
		      "involuntary_switches", (json_int_t)r->usage.ru_nivcsw,
		      "output_bytes", (json_int_t)r->out[0].bytes,
		      "error_bytes", (json_int_t)r->out[1].bytes);
	free(line);
	free(name);
	free(clean);
	if (!o)
		return NULL;
	json_object_set_new(o, "exit", WIFEXITED(r->status) ? json_integer(WEXITSTATUS(r->status)) :
			    json_null());
	json_object_set_new(o, "signal", WIFSIGNALED(r->status) ? json_integer(WTERMSIG(r->status)) :
			    json_null());
	json_object_set_new(o, "success", json_boolean(WIFEXITED(r->status) &&
			    !WEXITSTATUS(r->status) && !r->late && !r->large));
	json_object_set_new(o, "time_exceeded", json_boolean(r->late));
	json_object_set_new(o, "memory_exceeded", json_boolean(r->large));
	json_object_set_new(o, "left_running", json_integer(r->left));
	if (vx_set.perf_stat)
		json_object_set_new(o, "perf", counters_read(r->counters, 0));
	json_object_set_new(o, "memory_samples", sampled(r));
	return o;
}

json_t *vx_exec_measure(char **argv, const struct exec_limits *limits, const char *tag, bool quiet)
{
	struct run *r = calloc(1, sizeof(*r));
	struct exec_tree left;
	struct timespec now;
	json_t *record = NULL;
	double wall;

	if (!r) {
		vx_say("no memory");
		return NULL;
	}
	r->limits = limits;
	r->watch = -1;
	r->stride = 1;
	clock_gettime(CLOCK_REALTIME, &now);
	if (start(r, argv, quiet)) {
		follow(r);
		wall = since(&r->began);
		/* do not wait for what other processes still print */
		drain(r);
		/* a limit applies to all of its processes */
		if (r->late || r->large)
			kill_rest(r);
		reap(r);
		if (exec_tree_read(&left))
			r->left = left.processes;
		if (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 127 && wall < 1)
			vx_say("%s ended with 127: it may not be there", shown(argv[0]));
		record = record_of(r, argv, now.tv_sec * 1000ll + now.tv_nsec / 1000000, wall, tag);
		if (!record)
			vx_say("no memory for the record");
	}
	if (r->watch >= 0)
		close(r->watch);
	free(r);
	return record;
}

int vx_exec_status(const json_t *record)
{
	json_t *sig = json_object_get(record, "signal");

	if (json_is_true(json_object_get(record, "time_exceeded")) ||
	    json_is_true(json_object_get(record, "memory_exceeded")))
		return VX_MISSED;
	if (json_is_integer(sig))
		return 128 + (int)json_integer_value(sig);
	return (int)json_integer_value(json_object_get(record, "exit"));
}

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* The member of the record for a letter of the format. */
static bool format_number(FILE *f, char letter, const json_t *record)
{
	static const struct { char letter; const char *key, *format; } list[] = {
		{ 'e', "wall_s", "%.2f" }, { 'U', "user_s", "%.2f" }, { 'S', "sys_s", "%.2f" },
		{ 'P', "cpu_percent", "%.0f%%" }, { 'M', "max_rss_kb", "%.0f" },
		{ 'I', "read_blocks", "%.0f" }, { 'O', "written_blocks", "%.0f" },
		{ 'F', "major_faults", "%.0f" }, { 'R', "minor_faults", "%.0f" },
		{ 'c', "involuntary_switches", "%.0f" }, { 'w', "voluntary_switches", "%.0f" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		if (list[i].letter == letter) {
			/* the formats come from the table */
			fprintf(f, list[i].format, num(record, list[i].key));
			return true;
		}
	}
	return false;
}

static void format_letter(FILE *f, char letter, const json_t *record)
{
	int minutes = (int)(num(record, "wall_s") / 60);

	if (format_number(f, letter, record))
		return;
	switch (letter) {
	case 'E':
		fprintf(f, "%d:%05.2f", minutes, num(record, "wall_s") - 60 * minutes);
		break;
	case 'x':
		fprintf(f, "%d", vx_exec_status(record));
		break;
	case 'C':
		fputs(shown(json_string_value(json_object_get(record, "command"))), f);
		break;
	case '%':
		fputc('%', f);
		break;
	default:
		fprintf(f, "%%%c", letter);
	}
}

void vx_exec_format(FILE *f, const char *format, const json_t *record)
{
	const char *s;

	for (s = format; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			fputc(*s == 'n' ? '\n' : *s == 't' ? '\t' : *s, f);
		} else if (*s == '%' && s[1]) {
			format_letter(f, *++s, record);
		} else {
			fputc(*s, f);
		}
	}
	fputc('\n', f);
}
