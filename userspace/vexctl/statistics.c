// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs about health and statistics: status, stats, events; and two that change state,
 * reset and self-test.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nearest.h"
#include "term.h"
#include "vexctl.h"
#include "wire.h"

/* ---- status ---- */

#define COMPLAINTS	8

/**
 * struct summary - contents of status; the module judges
 * @version: of the module
 * @simd: variant of the arithmetic in use
 * @kernel: release of the kernel
 * @uptime_ns: since load
 * @collections: number of collections
 * @hit_rate: of the pools
 * @complaints: number of entries of @complaint
 * @complaint: what needs attention; none if all is well
 */
struct summary {
	char version[32];
	char simd[32];
	char kernel[80];
	uint64_t uptime_ns;
	uint32_t collections;
	double hit_rate;
	unsigned int complaints;
	char complaint[COMPLAINTS][160];
};

static int read_summary(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	struct summary *s = arg;
	struct nlattr *one;
	int rem;

	snprintf(s->version, sizeof(s->version), "%s", wire_text(a, VEXFS_A_MODULE_VERSION));
	snprintf(s->simd, sizeof(s->simd), "%s", wire_text(a, VEXFS_A_MODULE_SIMD));
	snprintf(s->kernel, sizeof(s->kernel), "%s", wire_text(a, VEXFS_A_MODULE_KERNEL));
	s->uptime_ns = wire_u64(a, VEXFS_A_MODULE_UPTIME_NS);
	s->collections = wire_u32(a, VEXFS_A_MODULE_COLLECTIONS);
	s->hit_rate = wire_u32(a, VEXFS_A_MODULE_POOL_HIT_PPM) / 1e6;
	nlmsg_for_each_attr(one, h, GENL_HDRLEN, rem)
		if (nla_type(one) == VEXFS_A_MODULE_ATTENTION && s->complaints < COMPLAINTS)
			snprintf(s->complaint[s->complaints++], sizeof(s->complaint[0]), "%s",
				 nla_get_string(one));
	return 0;
}

static uint64_t held_bytes(const struct rows *rows)
{
	uint64_t total = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (!strcmp(rows->row[i].subject, "pool"))
			total += row_value(&rows->row[i], "held_bytes");
	return total;
}

/* Width of the column of names. */
#define LABEL	13

static void status_text(const struct summary *s, const struct rows *rows)
{
	const struct row *store = rows_find(rows, "store", NULL);
	const struct row *fpu = rows_find(rows, "fpu", NULL);
	const struct row *stack = rows_find(rows, "stack", NULL);

	say(TINT_STRONG, 2, "vexfs %s on %s, up %" PRIu64 " s, arithmetic %s", s->version,
	    s->kernel, s->uptime_ns / 1000000000, s->simd);
	say(TINT_PLAIN, LABEL, "collections  %u, %" PRIu64 " vectors, %" PRIu64 " bytes",
	    s->collections, row_value(store, "vectors"), row_value(store, "bytes"));
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		if (!strcmp(r->subject, "class") && row_value(r, "count"))
			say(TINT_PLAIN, LABEL, "%-12s %" PRIu64 " ops, %" PRIu64
			    " errors, %.1f ops/s, p50 %" PRIu64 " ns, p99 %" PRIu64 " ns", r->name,
			    row_value(r, "count"), row_value(r, "errors"),
			    (double)row_value(r, "rate_10s") / 1000, row_value(r, "p50_ns"),
			    row_value(r, "p99_ns"));
	}
	say(TINT_PLAIN, LABEL, "pools        hit rate %.4f, %" PRIu64 " bytes held", s->hit_rate,
	    held_bytes(rows));
	say(TINT_PLAIN, LABEL, "stack        deepest %" PRIu64 " of %" PRIu64 " bytes, %" PRIu64
	    " violations", row_value(stack, "deepest"), row_value(stack, "limit"),
	    row_value(stack, "violations"));
	say(TINT_PLAIN, LABEL, "fpu          %" PRIu64 " sections, longest %" PRIu64 " ns, %" PRIu64
	    " over budget (also when interrupts or the host took the processor meanwhile)", row_value(fpu, "sections"), row_value(fpu, "longest_ns"),
	    row_value(fpu, "over"));
	for (unsigned int i = 0; i < s->complaints; i++)
		say(TINT_BAD, 2, "attention: %s", s->complaint[i]);
	if (!s->complaints)
		say(TINT_GOOD, 0, "all is well");
}

static void row_json(struct json *j, const struct row *r)
{
	json_object_begin(j);
	json_kv_string(j, "subject", r->subject);
	json_kv_string(j, "row", r->name);
	json_kv_u64(j, "time_ns", r->time_ns);
	for (unsigned int i = 0; i < r->n; i++)
		json_kv_u64(j, r->counter[i].name, r->counter[i].value);
	json_object_end(j);
}

static void rows_json(struct json *j, const char *key, const struct rows *rows)
{
	json_key(j, key);
	json_array_begin(j);
	for (size_t i = 0; i < rows->n; i++)
		row_json(j, &rows->row[i]);
	json_array_end(j);
}

static void status_json(struct ctl *c, const struct summary *s, const struct rows *rows)
{
	struct json *j = &c->out;

	json_object_begin(j);
	json_kv_bool(j, "well", !s->complaints);
	json_key(j, "attention");
	json_array_begin(j);
	for (unsigned int i = 0; i < s->complaints; i++)
		json_string(j, s->complaint[i]);
	json_array_end(j);
	json_kv_string(j, "version", s->version);
	json_kv_string(j, "kernel", s->kernel);
	json_kv_string(j, "simd", s->simd);
	json_kv_u64(j, "uptime_ns", s->uptime_ns);
	json_kv_u64(j, "collections", s->collections);
	json_kv_double(j, "pool_hit_rate", s->hit_rate);
	rows_json(j, "stats", rows);
	json_object_end(j);
	json_finish(j);
}

static int run_status(struct ctl *c)
{
	struct rows rows = { 0 };
	struct summary s = { 0 };
	struct wire *w;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	err = wire_call(w, wire_request(w, VEXFS_CMD_MODULE_GET, false), read_summary, &s);
	if (!err)
		err = rows_read(w, NULL, &rows);
	if (err) {
		ret = wire_fail(c, w, err);
	} else {
		if (c->json)
			status_json(c, &s, &rows);
		else
			status_text(&s, &rows);
		ret = s.complaints ? EXIT_REFUSED : EXIT_OK;
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}

/* ---- stats ---- */

static void stats_text(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		for (unsigned int k = 0; k < r->n; k++)
			printf("%s%s%s %s %" PRIu64 "\n", shown(r->subject), *r->name ? "/" : "",
			       shown(r->name), shown(r->counter[k].name), r->counter[k].value);
	}
}

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = sig;
}

void stop_on_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

bool stop_wanted(void)
{
	return stopped;
}

void end_by_signal(void)
{
	signal(stopped, SIG_DFL);
	raise(stopped);
}

/* For an unknown subject: the nearest name, and all names. */
static int no_subject(struct ctl *c, struct wire *w, const char *name, bool all)
{
	const char *names[64], *near;
	struct rows rows = { 0 };
	char list[300] = "";
	size_t n = 0, used = 0;
	int ret;

	if (all)
		names[n++] = "all";
	if (!rows_read(w, NULL, &rows))
		for (size_t i = 0; i < rows.n && n < 64; i++)
			if (!n || strcmp(names[n - 1], rows.row[i].subject))
				names[n++] = rows.row[i].subject;
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 names[i]);
	near = nearest_name(name, names, n);
	ret = ctl_refuse(c, ENOENT, "there is no subject '%.60s'%s%s%s; there are: %s", name,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
	rows_free(&rows);
	return ret;
}

static int stats_once(struct ctl *c, struct wire *w, struct rows *rows)
{
	int err = rows_read(w, c->argc ? c->argv[0] : NULL, rows);

	if (err == -ENOENT && c->argc)
		return no_subject(c, w, c->argv[0], false);
	if (err)
		return wire_fail(c, w, err);
	if (!c->json) {
		stats_text(rows);
	} else {
		json_object_begin(&c->out);
		rows_json(&c->out, "stats", rows);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	fflush(stdout);
	return EXIT_OK;
}

static int run_stats(struct ctl *c)
{
	double every = opt_number(c, "watch", 0);
	uint64_t count = opt_u64(c, "count", 0);
	struct rows rows = { 0 };
	struct wire *w;
	int ret = 0;

	if (opt_given(c, "watch") && (every < 0.1 || every > 86400))
		return ctl_usage(c, "--watch takes 0.1 to 86400 seconds");
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	if (every > 0)
		stop_on_signals();
	for (uint64_t i = 0;; ) {
		ret = stats_once(c, w, &rows);
		if (ret || every <= 0 || stopped || ++i == count)
			break;
		if (!c->json)
			putchar('\n');
		usleep((useconds_t)(every * 1e6));
		if (stopped)
			break;
		ctl_json_start(c);
	}
	rows_free(&rows);
	wire_close(w);
	return ret;
}

/* ---- events ---- */

static bool is_trouble(const char *kind)
{
	static const char *const troubles[] = { "stack-violation", "pool-exhausted", "variant-disabled" };

	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (!strcmp(kind, troubles[i]))
			return true;
	return false;
}

static void event_text(struct nlattr **a)
{
	const char *kind = wire_text(a, VEXFS_A_EVENT_KIND);
	enum tint t = is_trouble(kind) ? TINT_BAD : !strcmp(kind, "slow-op") ? TINT_WARN : TINT_PLAIN;

	if (wire_u64(a, VEXFS_A_EVENT_LOST))
		printf("(%" PRIu64 " events lost)\n", wire_u64(a, VEXFS_A_EVENT_LOST));
	printf("%" PRIu64 " %.6f %s%s%s %s pid %d %" PRIu64 " %" PRIu64 "\n",
	       wire_u64(a, VEXFS_A_EVENT_SEQ), (double)wire_u64(a, VEXFS_A_EVENT_TIME_NS) / 1e9,
	       tint(t), shown(kind), untint(), shown(wire_text(a, VEXFS_A_EVENT_SUBJECT)),
	       (int32_t)wire_u32(a, VEXFS_A_EVENT_PID), wire_u64(a, VEXFS_A_EVENT_A),
	       wire_u64(a, VEXFS_A_EVENT_B));
}

static void event_json(struct json *j, struct nlattr **a)
{
	json_object_begin(j);
	json_kv_string(j, "kind", wire_text(a, VEXFS_A_EVENT_KIND));
	json_kv_u64(j, "seq", wire_u64(a, VEXFS_A_EVENT_SEQ));
	json_kv_u64(j, "time_ns", wire_u64(a, VEXFS_A_EVENT_TIME_NS));
	json_kv_string(j, "subject", wire_text(a, VEXFS_A_EVENT_SUBJECT));
	json_kv_i64(j, "pid", (int32_t)wire_u32(a, VEXFS_A_EVENT_PID));
	json_kv_u64(j, "a", wire_u64(a, VEXFS_A_EVENT_A));
	json_kv_u64(j, "b", wire_u64(a, VEXFS_A_EVENT_B));
	json_kv_u64(j, "lost", wire_u64(a, VEXFS_A_EVENT_LOST));
	json_object_end(j);
}

/* Prints one recorded event: a line, or a member of the open array. */
static int show_event(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	struct ctl *c = arg;

	(void)h;
	if (c->json)
		event_json(&c->out, a);
	else
		event_text(a);
	return 0;
}

/* Prints one new event at once: a line or a JSON value of its own. */
static int follow_event(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	struct ctl *c = arg;

	(void)h;
	if (c->json) {
		ctl_json_start(c);
		event_json(&c->out, a);
		json_finish(&c->out);
	} else {
		event_text(a);
	}
	fflush(stdout);
	return 0;
}

static int list_events(struct ctl *c, struct wire *w)
{
	int err;

	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "events");
		json_array_begin(&c->out);
	}
	err = wire_call(w, wire_request(w, VEXFS_CMD_EVENT_GET, true), show_event, c);
	if (!err && c->json) {
		json_array_end(&c->out);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return err;
}

static int run_events(struct ctl *c)
{
	bool follow = opt_given(c, "follow");
	struct wire *w;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	err = follow ? wire_listen(w, VEXFS_A_SUBSCRIPTION_EVENTS) : list_events(c, w);
	stop_on_signals();
	while (!err && follow && !stop_wanted()) {
		err = wire_receive(w, 0, follow_event, c);
		if (err == -ENOBUFS) {
			fprintf(stderr, "vexctl: events were lost: they came faster than they were read\n");
			err = 0;
		}
	}
	if (err && !stop_wanted())
		ret = wire_fail(c, w, err);
	wire_close(w);
	return ret;
}

/* ---- reset, self-test ---- */

static int run_reset(struct ctl *c)
{
	struct nl_msg *msg;
	struct wire *w;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	msg = wire_request(w, VEXFS_CMD_RESET, false);
	if (msg && nla_put_string(msg, VEXFS_A_STATS_SUBJECT, c->argv[0])) {
		wire_close(w);
		return ctl_usage(c, "'%s' is too long for a subject", c->argv[0]);
	}
	err = wire_call(w, msg, NULL, NULL);
	if (err == -ENOENT) {
		ret = no_subject(c, w, c->argv[0], true);
	} else if (err) {
		ret = wire_fail(c, w, err);
	} else if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "reset", c->argv[0]);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	wire_close(w);
	return ret;
}

/**
 * struct selftest - results of a self-test
 * @c: the call
 * @failed: cases that differed
 */
struct selftest {
	struct ctl *c;
	uint32_t failed;
};

static int show_selftest(struct nlmsghdr *h, struct nlattr **attrs, void *arg)
{
	struct nlattr *tb[VEXFS_A_VARIANT_MAX + 1], *a;
	struct selftest *t = arg;
	struct json *j = &t->c->out;
	int rem;

	t->failed = wire_u32(attrs, VEXFS_A_SELFTEST_FAILED);
	if (t->c->json) {
		json_object_begin(j);
		json_kv_u64(j, "failed", t->failed);
		json_key(j, "variants");
		json_array_begin(j);
	}
	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem) {
		if (nla_type(a) != VEXFS_A_SELFTEST_VARIANT ||
		    nla_parse_nested(tb, VEXFS_A_VARIANT_MAX, a, NULL) < 0)
			continue;
		if (!t->c->json) {
			say(wire_u32(tb, VEXFS_A_VARIANT_FAILED) ? TINT_BAD : TINT_PLAIN, 9,
			    "%-8s %s, %u cases, %u failed", wire_text(tb, VEXFS_A_VARIANT_NAME),
			    wire_u32(tb, VEXFS_A_VARIANT_USABLE) ? "usable" : "not usable",
			    wire_u32(tb, VEXFS_A_VARIANT_CASES),
			    wire_u32(tb, VEXFS_A_VARIANT_FAILED));
			continue;
		}
		json_object_begin(j);
		json_kv_string(j, "name", wire_text(tb, VEXFS_A_VARIANT_NAME));
		json_kv_bool(j, "usable", wire_u32(tb, VEXFS_A_VARIANT_USABLE));
		json_kv_u64(j, "cases", wire_u32(tb, VEXFS_A_VARIANT_CASES));
		json_kv_u64(j, "failed", wire_u32(tb, VEXFS_A_VARIANT_FAILED));
		json_object_end(j);
	}
	if (t->c->json) {
		json_array_end(j);
		json_object_end(j);
		json_finish(j);
	}
	return 0;
}

static int run_selftest(struct ctl *c)
{
	struct selftest t = { .c = c };
	struct wire *w;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	err = wire_call(w, wire_request(w, VEXFS_CMD_SELFTEST, false), show_selftest, &t);
	ret = err ? wire_fail(c, w, err) : t.failed ? EXIT_REFUSED : EXIT_OK;
	wire_close(w);
	return ret;
}

static const struct opt stats_opts[] = {
	{ "watch", 'w', OPT_NUMBER, "SECONDS", "repeat at this interval in seconds" },
	{ "count", 'n', OPT_U64, "N", "with --watch: stop after N repetitions" },
	{ 0 },
};

static const struct opt events_opts[] = {
	{ "follow", 'f', OPT_FLAG, NULL, "wait for new events and print them" },
	{ 0 },
};

const struct verb statistics_verbs[] = {
	{ "status", "", 0, 0, "show health and statistics",
	  "One screen: what is loaded, how many ops of each class and how fast, pools, stack and "
	  "FPU sections, and what needs attention. The exit code is 0 when all is well and 1 when "
	  "something needs attention.\n\n"
	  "The length of an FPU section includes interrupts and, in a virtual machine, time that "
	  "the host took the processor away. So a few sections over the budget are normal; many "
	  "are not, see fpu in debugfs.", NULL, run_status },
	{ "stats", "[SUBJECT]", 0, 1, "print the statistics",
	  "One value per line: SUBJECT/ROW NAME VALUE. Subjects are class, op, errors, pool, stack, "
	  "timed, lock, events, bridge, fpu, simd and store; all of them without an argument. With --watch and -j one "
	  "JSON value per repetition.", stats_opts, run_stats },
	{ "events", "", 0, 0, "print recent events",
	  "Stack violations, exhausted pools, slow ops, switched variants, changed settings, "
	  "collections created or dropped. A line is: number, seconds on the monotonic clock, kind, "
	  "subject, pid, and two numbers that depend on the kind. With -j one object with the "
	  "array \"events\"; with --follow and -j one object per line for each event.", events_opts, run_events },
	{ "selftest", "", 0, 0, "compare every variant of the arithmetic with the scalar one",
	  "The exit code is 1 when one differs; the module has then disabled it.", NULL,
	  run_selftest },
	{ "reset", "SUBJECT", 1, 1, "reset the statistics of a subject",
	  "Totals since load stay. \"all\" resets every subject that can be reset.", NULL, run_reset },
	{ 0 },
};
