// SPDX-License-Identifier: GPL-2.0
#include "vexstress.h"

#include "counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HW(x)		PERF_TYPE_HARDWARE, PERF_COUNT_HW_##x
#define SW(x)		PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##x
#define TLB_MISSES	(PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 | \
			 PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

static const struct event {
	const char *name;
	uint32_t type;
	uint64_t config;
} events[] = {
	{ "cycles", HW(CPU_CYCLES) },
	{ "instructions", HW(INSTRUCTIONS) },
	{ "cache_references", HW(CACHE_REFERENCES) },
	{ "cache_misses", HW(CACHE_MISSES) },
	{ "branches", HW(BRANCH_INSTRUCTIONS) },
	{ "branch_misses", HW(BRANCH_MISSES) },
	{ "dtlb_load_misses", PERF_TYPE_HW_CACHE, TLB_MISSES },
	{ "task_clock_ns", SW(TASK_CLOCK) },
	{ "page_faults", SW(PAGE_FAULTS) },
	{ "context_switches", SW(CONTEXT_SWITCHES) },
	{ "cpu_migrations", SW(CPU_MIGRATIONS) },
};

#define NEVENTS	ARRAY_SIZE(events)

struct counters {
	size_t n;		/* processes */
	int *fd;		/* NEVENTS for each of them; -1: not counted */
	int error;		/* of the first processor counter that cannot be had */
	bool user_only;		/* what they do in the kernel is hidden from us */
};

static int open_one(struct counters *c, const struct event *e, pid_t id, bool next)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = e->type, .config = e->config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.inherit = next, .disabled = next, .enable_on_exec = next,
		.exclude_kernel = c->user_only, .exclude_hv = c->user_only,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, id, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0 || (errno != EACCES && errno != EPERM) || c->user_only)
		return fd;
	c->user_only = true;
	return open_one(c, e, id, next);
}

static struct counters *open_all(const pid_t *ids, size_t n, bool next)
{
	struct counters *c = calloc(1, sizeof(*c));
	size_t i, k;

	if (!c)
		return NULL;
	c->n = n;
	c->fd = calloc(n * NEVENTS, sizeof(*c->fd));
	if (!c->fd) {
		free(c);
		return NULL;
	}
	for (i = 0; i < n; i++) {
		for (k = 0; k < NEVENTS; k++) {
			int fd = open_one(c, &events[k], ids[i], next);

			c->fd[i * NEVENTS + k] = fd;
			if (fd < 0 && !c->error)
				c->error = errno;
		}
	}
	return c;
}

struct counters *counters_attach(const pid_t *ids, size_t n)
{
	return open_all(ids, n, false);
}

struct counters *counters_next_program(void)
{
	static const pid_t self;

	return open_all(&self, 1, true);
}

/* Over all processes; what ran for a part of the time only is scaled to all of it. */
static bool sum(struct counters *c, size_t k, double *out)
{
	bool known = false;
	size_t i;

	*out = 0;
	for (i = 0; i < c->n; i++) {
		int fd = c->fd[i * NEVENTS + k];
		uint64_t v[3] = { 0 };

		if (fd < 0)
			continue;
		if (read(fd, v, sizeof(v)) == sizeof(v) && v[2]) {
			*out += (double)v[0] * (double)v[1] / (double)v[2];
			known = true;
		} else if (!v[1] && !v[0]) {
			/* nothing ran: that is a count, too */
			known = true;
		}
		close(fd);
	}
	return known;
}

static void ratio(json_t *to, const char *name, const json_t *from, const char *a, const char *b,
		  double factor)
{
	json_t *x = json_object_get(from, a), *y = json_object_get(from, b);

	if (json_is_number(x) && json_is_number(y) && json_number_value(y) > 0)
		json_object_set_new(to, name, json_real(factor * json_number_value(x) /
							json_number_value(y)));
}

static json_t *derive(const json_t *v, double ops)
{
	json_t *d = json_object(), *x;
	char name[64];
	size_t k;

	ratio(d, "instructions_per_cycle", v, "instructions", "cycles", 1);
	ratio(d, "cache_miss_percent", v, "cache_misses", "cache_references", 100);
	ratio(d, "branch_miss_percent", v, "branch_misses", "branches", 100);
	ratio(d, "gigahertz", v, "cycles", "task_clock_ns", 1);
	for (k = 0; ops > 0 && k < NEVENTS; k++) {
		x = json_object_get(v, events[k].name);
		snprintf(name, sizeof(name), "%s_per_op", events[k].name);
		if (json_is_number(x))
			json_object_set_new(d, name, json_real(json_number_value(x) / ops));
	}
	return d;
}

/* What is not there, and why, in a sentence. */
static json_t *missing(const json_t *v, int error, bool user_only)
{
	char text[600] = "";
	size_t k, n = 0;

	for (k = 0; k < NEVENTS; k++) {
		if (!json_is_null(json_object_get(v, events[k].name)))
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", n++ ? ", " : "",
			 events[k].name);
	}
	if (!n)
		return user_only ? json_string("what was done in the kernel is not counted: /proc/sys/kernel/perf_event_paranoid forbids it") :
				   json_null();
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ": %s",
		 access("/proc/sys/kernel/perf_event_paranoid", F_OK) ?
		 "this kernel has no performance events" :
		 error == ENOENT || error == EOPNOTSUPP ? "this machine has no such counters" :
		 error == EACCES || error == EPERM ? "not allowed (/proc/sys/kernel/perf_event_paranoid)" :
		 strerror(error));
	return json_string(text);
}

json_t *counters_read(struct counters *c, double ops)
{
	json_t *v = json_object(), *out;
	double value;
	size_t k;

	if (!c)
		return NULL;
	for (k = 0; k < NEVENTS; k++)
		json_object_set_new(v, events[k].name, sum(c, k, &value) ? json_real(value) :
				    json_null());
	out = json_pack("{s:O, s:o, s:o}", "counters", v, "derived", derive(v, ops), "missing",
			missing(v, c->error, c->user_only));
	json_decref(v);
	free(c->fd);
	free(c);
	return out;
}

void counters_print(FILE *f, const json_t *read)
{
	const char *name, *sentence = json_string_value(json_object_get(read, "missing"));
	static const char *const parts[] = { "counters", "derived" };
	json_t *v;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		json_object_foreach(json_object_get(read, parts[i]), name, v)
			if (json_is_number(v))
				fprintf(f, "  %-28s %18s\n", name, vx_figure(json_number_value(v)));
	if (sentence)
		fprintf(f, "  not counted: %s\n", sentence);
}
