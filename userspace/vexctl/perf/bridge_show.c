// SPDX-License-Identifier: GPL-2.0
/* "vexctl performance bridge": the verbs that show its counters. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge_show.h"
#include "term.h"

const char *const bridge_places[BRIDGE_PLACES] = {
	"high", "medium", "low", "async_high", "async_medium", "async_low",
};

/* Of these the first are of ops whose callers wait. */
#define PRIORITIES	3

const char *const bridge_settings[BRIDGE_SETTINGS] = {
	"bridge_coalesce", "bridge_batch_size", "bridge_batch_timeout_us", "bridge_priority",
	"bridge_weight_high", "bridge_weight_medium", "bridge_weight_low", "bridge_slots",
	"bridge_timeout_ms", "bridge_queue_client", "bridge_queue_user", "bridge_queue_total",
	"bridge_depth", "bridge_workers", "bridge_retries", "bridge_sync_threshold_us",
	"bridge_heartbeat",
};

/* Reads the statistics of the bridge; EXIT_REFUSED with a message where the module has none. */
int bridge_read(struct ctl *c, struct wire *w, struct rows *rows)
{
	int ret = read_rows(c, w, "bridge", rows);

	if (!ret && !rows->n)
		ret = ctl_refuse(c, EOPNOTSUPP, "this module has no bridge");
	return ret;
}

double bridge_figure(const struct rows *rows, const char *row, const char *counter)
{
	const struct row *r = rows_find(rows, "bridge", row);

	return r && row_has(r, counter) ? (double)row_value(r, counter) : NAN;
}

/* Over all places. */
double bridge_sum(const struct rows *rows, const char *counter)
{
	double v = 0;

	for (int i = 0; i < BRIDGE_PLACES; i++)
		v += bridge_figure(rows, bridge_places[i], counter);
	return v;
}

/* Every counter of a row, as members of the open object. */
static void row_json(struct ctl *c, const struct row *r)
{
	for (unsigned int i = 0; i < r->n; i++)
		json_kv_u64(&c->out, r->counter[i].name, r->counter[i].value);
}

static void rows_json(struct ctl *c, const struct rows *rows)
{
	json_key(&c->out, "places");
	json_array_begin(&c->out);
	for (size_t i = 0; i < rows->n; i++) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "place", rows->row[i].name);
		row_json(c, &rows->row[i]);
		json_object_end(&c->out);
	}
	json_array_end(&c->out);
}

/* A table of some counters, a line for each place. */
static void table(const struct rows *rows, const char *const *columns, size_t n)
{
	printf("%-12s", "ops");
	for (size_t k = 0; k < n; k++)
		printf(" %12s", columns[k]);
	putchar('\n');
	for (int i = 0; i < BRIDGE_PLACES; i++) {
		printf("%-12s", bridge_places[i]);
		for (size_t k = 0; k < n; k++) {
			double v = bridge_figure(rows, bridge_places[i], columns[k]);

			if (isnan(v))
				printf(" %12s", "-");
			else
				printf(" %12.0f", v);
		}
		putchar('\n');
	}
}

static int show_status(struct ctl *c, struct wire *w, const struct rows *rows)
{
	static const char *const columns[] = { "submitted", "at_once", "waiting", "running",
					       "completed", "coalesced", "dropped", "late" };

	if (c->json) {
		rows_json(c, rows);
	} else {
		table(rows, columns, sizeof(columns) / sizeof(columns[0]));
		putchar('\n');
	}
	say_settings(c, w, bridge_settings, BRIDGE_SETTINGS);
	return EXIT_OK;
}

int run_bridge_status(struct ctl *c)
{
	return show_rows(c, "bridge", show_status);
}

/* ---- latency ---- */

static const struct stage {
	const char *name;
	const char *what;
	bool async;
} stages[] = {
	{ "queue", "waits for its turn", false },
	{ "run", "runs, alone or with others", false },
	{ "reap", "has ended and is not reaped", true },
};

#define STAGES		3

static double stage_figure(const struct rows *rows, const char *place, const struct stage *s,
			   const char *what)
{
	char counter[48];

	snprintf(counter, sizeof(counter), "%s_%s", s->name, what);
	return bridge_figure(rows, place, counter);
}

/* Nanoseconds that ops have spent in a stage since the counters were reset. */
static double stage_sum(const struct rows *rows, const char *place, const struct stage *s)
{
	return stage_figure(rows, place, s, "mean_ns") * bridge_figure(rows, place, "completed");
}

/* Mean between two samples; NAN where no op ended. */
static double mean_between(const struct rows *a, const struct rows *b, const char *place,
			   const struct stage *s)
{
	double n = bridge_figure(b, place, "completed") - bridge_figure(a, place, "completed");

	return n > 0 ? (stage_sum(b, place, s) - stage_sum(a, place, s)) / n : NAN;
}

static void say_ns(double ns)
{
	if (isnan(ns))
		printf(" %12s", "-");
	else
		printf(" %9.3f ms", ns / 1e6);
}

static void show_stage(struct ctl *c, const char *place, const struct stage *s,
		       const struct rows *now, double mean)
{
	static const char *const figures[] = { "p50_ns", "p95_ns", "p99_ns", "max_ns" };

	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "place", place);
		json_kv_string(&c->out, "stage", s->name);
		kv_number(&c->out, "mean_ns", mean);
	} else {
		printf("%-12s %-6s", place, s->name);
		say_ns(mean);
	}
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		double v = bridge_figure(now, place, "completed") > 0 ?
			   stage_figure(now, place, s, figures[i]) : NAN;

		if (c->json)
			kv_number(&c->out, figures[i], v);
		else
			say_ns(v);
	}
	if (c->json)
		json_object_end(&c->out);
	else
		putchar('\n');
}

/* Takes two samples; with @ms 0 the first one is that of the last reset. */
static int two_looks(struct ctl *c, struct wire *w, int64_t ms, struct rows *a, struct rows *b)
{
	int ret = ms ? bridge_read(c, w, a) : 0;

	if (ret)
		return ret;
	if (ms) {
		stop_on_signals();
		perf_sleep(ms);
	}
	return bridge_read(c, w, b);
}

int run_bridge_latency(struct ctl *c)
{
	bool detailed = opt_given(c, "detailed"), current = opt_given(c, "current");
	struct rows a = { 0 }, b = { 0 };
	double worst = 0;
	struct wire *w;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = two_looks(c, w, current ? 1000 : 0, &a, &b);
	if (ret)
		goto out;
	if (c->json) {
		json_object_begin(&c->out);
		kv_number(&c->out, "limit_ns", BRIDGE_LIMIT_NS);
		json_key(&c->out, "stages");
		json_array_begin(&c->out);
	} else {
		printf("%-12s %-6s %12s %12s %12s %12s %12s\n", "ops", "stage",
		       current ? "mean, 1 s" : "mean", "p50", "p95", "p99", "longest");
	}
	for (int i = 0; i < BRIDGE_PLACES; i++) {
		double p99 = stage_figure(&b, bridge_places[i], &stages[0], "p99_ns");

		worst = p99 > worst ? p99 : worst;
		for (int k = 0; k < (detailed ? STAGES : 1); k++)
			if (i >= PRIORITIES || !stages[k].async)
				show_stage(c, bridge_places[i], &stages[k], &b, current ?
					   mean_between(&a, &b, bridge_places[i], &stages[k]) :
					   stage_figure(&b, bridge_places[i], &stages[k], "mean_ns"));
	}
	if (c->json) {
		json_array_end(&c->out);
		json_kv_bool(&c->out, "within_limit", worst <= BRIDGE_LIMIT_NS);
	} else {
		printf("99 of 100 ops are to wait for %.0f ms at most: %s\n", BRIDGE_LIMIT_NS / 1e6,
		       worst <= BRIDGE_LIMIT_NS ? "they do" : "they do not");
	}
	end_json(c);
	ret = worst <= BRIDGE_LIMIT_NS ? EXIT_OK : EXIT_FINDING;
out:
	rows_free(&a);
	rows_free(&b);
	wire_close(w);
	return ret;
}

int run_bridge_queue(struct ctl *c)
{
	static const char *const columns[] = { "waiting", "running", "waited", "dropped", "late",
					       "cancelled", "paused", "stalled_ms" };
	struct rows rows = { 0 };
	struct wire *w;
	int ret = 0;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = bridge_read(c, w, &rows);
	if (!ret) {
		if (c->json)
			json_object_begin(&c->out);
		else
			table(&rows, columns, sizeof(columns) / sizeof(columns[0]));
		for (size_t i = 0; c->json && i < sizeof(columns) / sizeof(columns[0]); i++)
			kv_number(&c->out, columns[i], bridge_sum(&rows, columns[i]));
		if (c->json)
			rows_json(c, &rows);
		end_json(c);
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}

/* ---- analysis ---- */

/**
 * struct analysis - what lies between two looks
 * @seconds: how long that was
 * @completed: ops that ended
 * @stage: nanoseconds they spent in each stage
 * @coalesced: of them, answered in the run of another
 * @dropped: refused by a limit
 * @late: ended by their deadline
 * @waiting: that wait now
 * @stalled_ms: while some wait, how long none has gone on
 */
struct analysis {
	double seconds;
	double completed;
	double stage[STAGES];
	double coalesced, dropped, late, waiting, stalled_ms;
};

static double difference(const struct rows *a, const struct rows *b, const char *counter)
{
	return bridge_sum(b, counter) - bridge_sum(a, counter);
}

static void analyse(const struct rows *a, const struct rows *b, struct analysis *v)
{
	v->completed = difference(a, b, "completed");
	for (int k = 0; k < STAGES; k++)
		for (int i = 0; i < BRIDGE_PLACES; i++)
			v->stage[k] += stage_sum(b, bridge_places[i], &stages[k]) -
				       stage_sum(a, bridge_places[i], &stages[k]);
	v->coalesced = difference(a, b, "coalesced");
	v->dropped = difference(a, b, "dropped");
	v->late = difference(a, b, "late");
	v->waiting = bridge_sum(b, "waiting");
	for (int i = 0; i < BRIDGE_PLACES; i++)
		v->stalled_ms = fmax(v->stalled_ms, bridge_figure(b, bridge_places[i], "stalled_ms"));
}

static void bottleneck(struct ctl *c, int *n, const char *name, const char *advice)
{
	++*n;
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "bottleneck", name);
		json_kv_string(&c->out, "advice", advice);
		json_object_end(&c->out);
	} else {
		printf("%s: %s\n", name, advice);
	}
}

/* Prints what delays ops and what helps. Returns the number of findings. */
static int bottlenecks(struct ctl *c, struct wire *w, const struct analysis *v)
{
	char buf[64];
	int n = 0;

	if (c->json) {
		json_key(&c->out, "bottlenecks");
		json_array_begin(&c->out);
	}
	if (v->stage[0] > v->stage[1] && v->completed > 0)
		bottleneck(c, &n, "ops wait longer than they run",
			   strtol(read_setting(w, "bridge_coalesce", buf, sizeof(buf)), NULL, 10) ?
			   "fewer callers, more processors, or a graph instead of exact searches" :
			   "bridge_coalesce=1 answers searches that wait together in one run");
	if (v->stage[2] > v->stage[1] && v->completed > 0)
		bottleneck(c, &n, "answers wait longer to be reaped than ops run",
			   "callers reap too rarely, or have no processor to run on");
	if (v->stalled_ms > BRIDGE_STALLED_MS)
		bottleneck(c, &n, "ops wait and none goes on",
			   "look for a task that holds the processors, or the kernel log for one that hangs");
	if (v->dropped > 0)
		bottleneck(c, &n, "ops are refused",
			   "one user or descriptor queues more than bridge_depth, bridge_queue_user or bridge_queue_client allow");
	if (v->late > 0)
		bottleneck(c, &n, "ops end by their deadlines",
			   "a longer deadline, a higher priority, or less load");
	if (c->json)
		json_array_end(&c->out);
	else if (!n)
		puts("no bottleneck");
	return n;
}

static void show_analysis(struct ctl *c, const struct analysis *v)
{
	double all = v->stage[0] + v->stage[1] + v->stage[2];

	say_number(c, "seconds", v->seconds);
	say_number(c, "completed", v->completed);
	say_number(c, "coalesced", v->coalesced);
	say_number(c, "dropped", v->dropped);
	say_number(c, "late", v->late);
	say_number(c, "waiting", v->waiting);
	if (c->json) {
		json_key(&c->out, "stages");
		json_array_begin(&c->out);
	}
	for (int k = 0; k < STAGES; k++) {
		double mean = v->completed > 0 ? v->stage[k] / v->completed : NAN;
		double share = all > 0 ? v->stage[k] / all : NAN;

		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "stage", stages[k].name);
			kv_number(&c->out, "mean_ns", mean);
			kv_number(&c->out, "share", share);
			json_object_end(&c->out);
		} else {
			printf("%-6s", stages[k].name);
			say_ns(mean);
			if (isnan(share))
				printf("        -  an op %s\n", stages[k].what);
			else
				printf(" %6.1f %%  an op %s\n", share * 100, stages[k].what);
		}
	}
	if (c->json)
		json_array_end(&c->out);
}

int run_bridge_analyze(struct ctl *c)
{
	struct rows a = { 0 }, b = { 0 };
	struct analysis v = { 0 };
	int64_t ms, begin;
	struct wire *w;
	int n = 0, ret = perf_length(c, "duration", "10s", &ms);

	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	begin = perf_now_ms();
	ret = two_looks(c, w, ms, &a, &b);
	if (!ret) {
		v.seconds = (double)(perf_now_ms() - begin) / 1e3;
		analyse(&a, &b, &v);
		if (c->json)
			json_object_begin(&c->out);
		show_analysis(c, &v);
		if (opt_given(c, "show-bottlenecks"))
			n = bottlenecks(c, w, &v);
		end_json(c);
	}
	rows_free(&a);
	rows_free(&b);
	wire_close(w);
	return ret ? ret : n ? EXIT_FINDING : EXIT_OK;
}
