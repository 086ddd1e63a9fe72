// SPDX-License-Identifier: GPL-2.0
/* "vexctl performance stack". */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "term.h"

#define RECORDS	64

/**
 * struct record - a violation, from the file stack in debugfs
 * @seq: its number
 * @depth: bytes of stack
 * @pid: the task
 * @comm: its name
 * @op: the op
 * @symbol: the function
 */
struct record {
	uint64_t seq;
	unsigned int depth;
	int pid;
	char comm[32];
	char op[32];
	char symbol[128];
};

static size_t read_records(char *text, struct record *r)
{
	size_t n = 0;

	for (char *s = strstr(text, "# number"); s && n < RECORDS; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (*s == '\n')
			break;
		if (sscanf(s, "%" SCNu64 " %*u %u %d %31s %31s %127s", &r[n].seq, &r[n].depth, &r[n].pid,
			   r[n].comm, r[n].op, r[n].symbol) == 6)
			n++;
		else if (*s != '#')
			break;
	}
	return n;
}

static double figure(const struct rows *rows, const char *counter)
{
	const struct row *r = rows_find(rows, "stack", NULL);

	return r ? (double)row_value(r, counter) : NAN;
}

static const char *const settings[] = {
	"stack_limit", "stack_alarm", "stack_heap_threshold", "stack_large_threshold",
	"stack_aggressive", "stack_optimize", "stack_reuse",
};

static int show_status(struct ctl *c, struct wire *w, const struct rows *rows)
{
	say_number(c, "deepest", figure(rows, "deepest"));
	say_number(c, "violations", figure(rows, "violations"));
	say_number(c, "alarms", figure(rows, "alarms"));
	say_settings(c, w, settings, sizeof(settings) / sizeof(settings[0]));
	return EXIT_OK;
}

int run_stack_status(struct ctl *c)
{
	return show_rows(c, "stack", show_status);
}

static void show_records(struct ctl *c, const struct record *r, size_t n)
{
	if (c->json) {
		json_key(&c->out, "records");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < n; i++) {
		if (!c->json) {
			printf("  %" PRIu64 ": %u bytes in %s, op %s, %s[%d]\n", r[i].seq, r[i].depth,
			       shown(r[i].symbol), shown(r[i].op), shown(r[i].comm), r[i].pid);
			continue;
		}
		json_object_begin(&c->out);
		json_kv_u64(&c->out, "number", r[i].seq);
		json_kv_u64(&c->out, "depth", r[i].depth);
		json_kv_i64(&c->out, "pid", r[i].pid);
		json_kv_string(&c->out, "command", r[i].comm);
		json_kv_string(&c->out, "op", r[i].op);
		json_kv_string(&c->out, "symbol", r[i].symbol);
		json_object_end(&c->out);
	}
	if (c->json)
		json_array_end(&c->out);
}

static int show_violations(struct ctl *c, struct wire *w, const struct rows *rows)
{
	bool details = opt_given(c, "details");
	double n = figure(rows, "violations");
	static struct record r[RECORDS];
	static char text[1 << 16];

	(void)w;
	if (c->json || opt_given(c, "count") || !details)
		say_number(c, "violations", n);
	if (details && debug_file("stack", text, sizeof(text)))
		show_records(c, r, read_records(text, r));
	return n > 0 ? EXIT_FINDING : EXIT_OK;
}

int run_stack_violations(struct ctl *c)
{
	return show_rows(c, "stack", show_violations);
}

static void show_depths(struct ctl *c, const struct rows *rows)
{
	if (c->json) {
		say_number(c, "deepest", figure(rows, "deepest"));
		say_number(c, "violations", figure(rows, "violations"));
		say_number(c, "alarms", figure(rows, "alarms"));
	} else {
		printf("%s deepest %.0f of %.0f bytes, %.0f violations, %.0f alarms\n",
		       time_text(perf_now_ms()) + 11, figure(rows, "deepest"),
		       figure(rows, "limit"), figure(rows, "violations"), figure(rows, "alarms"));
	}
}

int run_stack_monitor(struct ctl *c)
{
	return watch_rows(c, "stack", show_depths);
}

static int deeper(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
	uint64_t u = row_value(x, "stack_max"), v = row_value(y, "stack_max");

	return u < v ? 1 : u > v ? -1 : strcmp(x->name, y->name);
}

/* Ops by their depth since load. */
static void deepest_ops(struct ctl *c, const struct rows *ops)
{
	const struct row *list[128];
	size_t n = 0;

	for (size_t i = 0; i < ops->n && n < 128; i++)
		if (row_value(&ops->row[i], "stack_max"))
			list[n++] = &ops->row[i];
	qsort(list, n, sizeof(list[0]), deeper);
	if (c->json) {
		json_key(&c->out, "ops");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < n; i++) {
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "op", list[i]->name);
			json_kv_u64(&c->out, "deepest", row_value(list[i], "stack_max"));
			json_object_end(&c->out);
		} else {
			printf("  %-16s %6" PRIu64 " bytes\n", list[i]->name,
			       row_value(list[i], "stack_max"));
		}
	}
	if (c->json)
		json_array_end(&c->out);
}

/* Functions in which ops exceeded the limit, and how often. */
static void hotspots(struct ctl *c, const struct record *r, size_t n)
{
	if (c->json) {
		json_key(&c->out, "hotspots");
		json_array_begin(&c->out);
	}
	for (size_t i = 0; i < n; i++) {
		unsigned int times = 0, most = 0;
		bool first = true;

		for (size_t k = 0; k < n; k++) {
			if (strcmp(r[i].symbol, r[k].symbol))
				continue;
			first &= k >= i;
			times++;
			most = r[k].depth > most ? r[k].depth : most;
		}
		if (!first)
			continue;
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "symbol", r[i].symbol);
			json_kv_u64(&c->out, "times", times);
			json_kv_u64(&c->out, "deepest", most);
			json_object_end(&c->out);
		} else {
			printf("  %-40s %u times, at most %u bytes\n", shown(r[i].symbol), times, most);
		}
	}
	if (c->json)
		json_array_end(&c->out);
	else if (!n)
		puts("  no op was too deep");
}

int run_stack_analyze(struct ctl *c)
{
	static struct record r[RECORDS];
	static char text[1 << 16];
	struct rows ops = { 0 };
	struct wire *w;
	int64_t ms;
	int ret = perf_length(c, "duration", "10s", &ms);

	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	stop_on_signals();
	perf_sleep(ms);
	ret = read_rows(c, w, "op", &ops);
	if (!ret) {
		if (c->json)
			json_object_begin(&c->out);
		else
			puts("deepest of each op:");
		deepest_ops(c, &ops);
		if (opt_given(c, "show-hotspots")) {
			if (!c->json)
				puts("where it was too deep:");
			if (debug_file("stack", text, sizeof(text)))
				hotspots(c, r, read_records(text, r));
		}
		end_json(c);
	}
	rows_free(&ops);
	wire_close(w);
	return ret;
}

int run_stack_configure(struct ctl *c)
{
	struct change_list l = { 0 };

	if (opt_given(c, "limit")) {
		want_setting(&l, "stack_limit", "%" PRIu64, opt_u64(c, "limit", 0));
		/* An alarm above the limit would never be raised. */
		if (opt_u64(c, "limit", 0) < 2800)
			want_setting(&l, "stack_alarm", "%" PRIu64, opt_u64(c, "limit", 0));
	}
	if (opt_given(c, "heap-threshold"))
		want_setting(&l, "stack_heap_threshold", "%" PRIu64, opt_u64(c, "heap-threshold", 0));
	if (opt_given(c, "large-allocation-threshold"))
		want_setting(&l, "stack_large_threshold", "%" PRIu64,
			     opt_u64(c, "large-allocation-threshold", 0));
	if (opt_given(c, "aggressive-heap"))
		want_setting(&l, "stack_aggressive", "1");
	if (opt_given(c, "enable-optimization"))
		want_setting(&l, "stack_optimize", "1");
	if (opt_given(c, "stack-reuse"))
		want_setting(&l, "stack_reuse", "1");
	return apply_list(c, &l);
}

/* Requests by size since load, from the file pools in debugfs. */
static void add_sizes(double sizes[32], char *text, double sign)
{
	for (char *s = strstr(text, "up_to_bytes"); s && (s = strchr(s, '\n')); ) {
		unsigned long long bytes;
		double n;
		int b = 0;

		s++;
		if (sscanf(s, "%llu %lf", &bytes, &n) != 2)
			break;
		while (b < 31 && bytes > 64ull << b)
			b++;
		sizes[b] += sign * n;
	}
}

int run_stack_heap(struct ctl *c)
{
	static const char *const counters[] = { "scratch_stack", "scratch_heap", "scratch_large",
						"scratch_failed", "scratch_bytes" };
	double sizes[32] = { 0 };
	static char text[1 << 16];
	struct rows a = { 0 }, b = { 0 };
	struct wire *w;
	int64_t ms;
	bool by_size = opt_given(c, "show-allocation-sizes");
	int ret = perf_length(c, "duration", "10s", &ms);

	if (ret)
		return ret;
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = read_rows(c, w, "stack", &a);
	if (!ret && by_size && debug_file("pools", text, sizeof(text)))
		add_sizes(sizes, text, -1);
	stop_on_signals();
	perf_sleep(ms);
	if (!ret)
		ret = read_rows(c, w, "stack", &b);
	if (!ret && by_size && debug_file("pools", text, sizeof(text)))
		add_sizes(sizes, text, 1);
	if (ret)
		goto out;
	if (c->json)
		json_object_begin(&c->out);
	say_number(c, "seconds", (double)ms / 1e3);
	for (size_t i = 0; i < 5; i++)
		say_number(c, counters[i], figure(&b, counters[i]) - figure(&a, counters[i]));
	if (by_size && c->json) {
		json_key(&c->out, "sizes");
		json_array_begin(&c->out);
	}
	for (int i = 0; i < 32 && by_size; i++) {
		if (sizes[i] <= 0)
			continue;
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_u64(&c->out, "up_to_bytes", 64ull << i);
			kv_number(&c->out, "requests", sizes[i]);
			json_object_end(&c->out);
		} else {
			printf("  up to %12llu bytes %12.0f\n", 64ull << i, sizes[i]);
		}
	}
	if (by_size && c->json)
		json_array_end(&c->out);
	end_json(c);
out:
	rows_free(&a);
	rows_free(&b);
	wire_close(w);
	return ret;
}

int run_stack_clear(struct ctl *c)
{
	return manage_once(c, VEXFS_MANAGE_ACTION_STACK_CLEAR, -1, false, "failed",
			   "the counters of violations and alarms were reset\n");
}

int run_stack_forget(struct ctl *c)
{
	return manage_once(c, VEXFS_MANAGE_ACTION_STACK_FORGET, -1, false, "failed",
			   "the records and the deepest op were cleared\n");
}


static const struct opt violations_opts[] = {
	{ "count", 0, OPT_FLAG, NULL, "how many" },
	{ "details", 0, OPT_FLAG, NULL, "the last ones: function, depth, process" }, { 0 },
};

static const struct opt monitor_opts[] = {
	{ "real-time", 0, OPT_FLAG, NULL, "every second instead of every five" },
	{ "duration", 0, OPT_STRING, "TIME", "stop after this time, default 300s" }, { 0 },
};

static const struct opt analyze_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "how long to watch, default 10s" },
	{ "show-hotspots", 0, OPT_FLAG, NULL, "functions above the limit" }, { 0 },
};

static const struct opt configure_opts[] = {
	{ "limit", 0, OPT_U64, "BYTES", "stack that an op may use" },
	{ "heap-threshold", 0, OPT_U64, "BYTES", "larger scratch comes from the pools" },
	{ "large-allocation-threshold", 0, OPT_U64, "BYTES", "larger scratch leaves the reserve alone" },
	{ "aggressive-heap", 0, OPT_FLAG, NULL, "take all scratch from the pools" },
	{ "enable-optimization", 0, OPT_FLAG, NULL, "apply the thresholds" },
	{ "stack-reuse", 0, OPT_FLAG, NULL, "use buffers that are on the stack anyway, while it is flat" },
	{ 0 },
};

static const struct opt heap_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "how long to watch, default 10s" },
	{ "show-allocation-sizes", 0, OPT_FLAG, NULL, "requests by size" }, { 0 },
};

#define STACK	"performance stack "

const struct verb stack_verbs[] = {
	{ STACK "status", "", 0, 0, "show limits and the deepest stack", NULL, NULL,
	  run_stack_status },
	{ STACK "violations", "", 0, 0, "show ops that exceeded the stack limit",
	  "The exit code is 1 when there are any.", violations_opts, run_stack_violations },
	{ STACK "monitor", "", 0, 0, "show depth and violations repeatedly", NULL, monitor_opts,
	  run_stack_monitor },
	{ STACK "analyze", "", 0, 0, "show the deepest ops and functions", NULL, analyze_opts,
	  run_stack_analyze },
	{ STACK "configure", "", 0, 0, "set limits and thresholds, all or nothing", NULL, configure_opts,
	  run_stack_configure },
	{ STACK "heap-analysis", "", 0, 0, "show where scratch memory came from", NULL, heap_opts, run_stack_heap },
	{ STACK "clear-violations", "", 0, 0, "set the count of violations to 0",
	  "Totals since load are kept, and so are records and the deepest op.", NULL,
	  run_stack_clear },
	{ STACK "reset-monitoring", "", 0, 0, "clear the records and the deepest op", NULL, NULL,
	  run_stack_forget },
	{ 0 },
};
