// SPDX-License-Identifier: GPL-2.0
/*
 * "vexctl performance bridge": its table of verbs, and the verbs that configure or test the bridge.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge.h"
#include "bridge_show.h"
#include "term.h"

/* ---- changing it ---- */

#define PRIORITIES	3

/* "high:4,medium:2,low:1", in any order; weights that are not named are unchanged. */
static int want_weights(struct ctl *c, struct change_list *l, const char *text)
{
	static const char *const priorities[] = { "high", "medium", "low" };
	static const char *const keys[] = { "bridge_weight_high", "bridge_weight_medium",
					    "bridge_weight_low" };
	const char *s = text;

	while (*s) {
		size_t len = strcspn(s, ","), name = strcspn(s, ":");
		char value[16];
		uint64_t v;
		int i;

		for (i = 0; i < PRIORITIES; i++)
			if (name == strlen(priorities[i]) && !strncmp(s, priorities[i], name))
				break;
		if (i == PRIORITIES || name >= len || len - name - 1 >= sizeof(value))
			return ctl_usage(c, "--priority-weights '%s' is not like high:4,medium:2,low:1",
					 text);
		snprintf(value, sizeof(value), "%.*s", (int)(len - name - 1), s + name + 1);
		if (!parse_u64(value, &v))
			return ctl_usage(c, "--priority-weights: '%s' is no weight", value);
		want_setting(l, keys[i], "%" PRIu64, v);
		s += len + (s[len] == ',');
	}
	return 0;
}

/* A short time with its unit, in microseconds. */
static bool read_us(const char *text, uint64_t *us)
{
	static const struct {
		const char *name;
		double us;
	} units[] = { { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "min", 6e7 }, { "m", 6e7 } };
	size_t len = strspn(text, "0123456789.");
	char number[32];
	double v;

	if (len >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + len, units[i].name))
			continue;
		if (!parse_number(number, &v) || v * units[i].us > 1e12)
			return false;
		*us = (uint64_t)llround(v * units[i].us);
		return true;
	}
	return false;
}

/* An option that is a time, for a setting in units of @unit_us. */
static int want_time(struct ctl *c, struct change_list *l, const char *option, const char *key,
		     uint64_t unit_us)
{
	uint64_t us;

	if (!opt_given(c, option))
		return 0;
	if (!read_us(opt_string(c, option, ""), &us) || us % unit_us)
		return ctl_usage(c, "--%s '%s' is no time that can be set: %s", option,
				 opt_string(c, option, ""), unit_us > 1 ? "10s, 500ms" : "2ms, 500us");
	want_setting(l, key, "%" PRIu64, us / unit_us);
	return 0;
}

int run_bridge_configure(struct ctl *c)
{
	struct change_list l = { 0 };
	int ret = 0;

	if (opt_given(c, "batch-size")) {
		want_setting(&l, "bridge_batch_size", "%" PRIu64, opt_u64(c, "batch-size", 0));
		want_setting(&l, "bridge_coalesce", "1");
	}
	ret = want_time(c, &l, "batch-timeout", "bridge_batch_timeout_us", 1);
	if (!ret && opt_given(c, "enable-priority-scheduling"))
		want_setting(&l, "bridge_priority", "1");
	if (!ret && opt_given(c, "priority-weights"))
		ret = want_weights(c, &l, opt_string(c, "priority-weights", ""));
	/* A threshold of 0 disables lazy completion; a threshold that is named enables it. */
	if (!ret && opt_given(c, "lazy-sync") && !opt_given(c, "sync-threshold"))
		want_setting(&l, "bridge_sync_threshold_us", "2000");
	if (!ret)
		ret = want_time(c, &l, "sync-threshold", "bridge_sync_threshold_us", 1);
	if (!ret)
		ret = want_time(c, &l, "timeout", "bridge_timeout_ms", 1000);
	if (!ret && opt_given(c, "retry-attempts"))
		want_setting(&l, "bridge_retries", "%" PRIu64, opt_u64(c, "retry-attempts", 0));
	if (!ret && opt_given(c, "enable-heartbeat"))
		want_setting(&l, "bridge_heartbeat", "1");
	return ret ? ret : apply_list(c, &l);
}

/* ---- does it work? ---- */

/* Target of a round trip; a lab or a busy machine may miss it, which is printed. */
#define ROUND_TRIPS	20

static int compare_i64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The median of several round trips; -1 with a message in @why. */
static int64_t round_trip(int fd, char *why, size_t size)
{
	int64_t ns[ROUND_TRIPS];

	for (int i = 0; i < ROUND_TRIPS; i++) {
		ns[i] = bridge_round_trip(fd, why, size);
		if (ns[i] < 0)
			return -1;
	}
	qsort(ns, ROUND_TRIPS, sizeof(ns[0]), compare_i64);
	return ns[ROUND_TRIPS / 2];
}

static int open_device(struct ctl *c, int *ret)
{
	int fd = bridge_open(c->device);

	if (fd < 0)
		*ret = ctl_refuse(c, errno, "%s: %s", c->device ? c->device : "/dev/vexfs",
				  strerror(errno));
	return fd;
}

static void health(struct ctl *c, int *bad, const char *what, bool well, const char *evidence)
{
	*bad += !well;
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "check", what);
		json_kv_bool(&c->out, "well", well);
		json_kv_string(&c->out, "evidence", evidence);
		json_object_end(&c->out);
	} else {
		printf("%-7s %-28s %s\n", well ? "ok" : "BAD", what, shown(evidence));
	}
}

static void check_heartbeat(struct ctl *c, struct wire *w, const struct rows *rows, int *bad)
{
	char text[160], buf[64];
	bool on = strtol(read_setting(w, "bridge_heartbeat", buf, sizeof(buf)), NULL, 10);
	double stalled = 0;

	for (int i = 0; i < BRIDGE_PLACES; i++)
		stalled = fmax(stalled, bridge_figure(rows, bridge_places[i], "stalled_ms"));
	if (!on)
		snprintf(text, sizeof(text), "not watched: bridge_heartbeat is off");
	else
		snprintf(text, sizeof(text), "%.0f ops wait; %.0f ms since one of them went on",
			 bridge_sum(rows, "waiting"), stalled);
	health(c, bad, "heartbeat", !on || stalled <= BRIDGE_STALLED_MS, text);
}

int run_bridge_health(struct ctl *c)
{
	int fd, ret = 0, bad = 0;
	struct rows rows = { 0 };
	char why[200], text[200];
	struct wire *w;
	int64_t ns;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	ret = bridge_read(c, w, &rows);
	fd = ret ? -1 : open_device(c, &ret);
	if (ret)
		goto out;
	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "checks");
		json_array_begin(&c->out);
	}
	ns = round_trip(fd, why, sizeof(why));
	if (ns < 0)
		snprintf(text, sizeof(text), "%s", why);
	else
		snprintf(text, sizeof(text), "%.3f ms, the median of %d", (double)ns / 1e6, ROUND_TRIPS);
	health(c, &bad, "an op there and back", ns >= 0 && (double)ns <= BRIDGE_LIMIT_NS, text);
	check_heartbeat(c, w, &rows, &bad);
	snprintf(text, sizeof(text), "%.0f of %.0f", bridge_sum(&rows, "dropped"), bridge_sum(&rows, "submitted"));
	health(c, &bad, "ops refused", !(bridge_sum(&rows, "dropped") > 0), text);
	snprintf(text, sizeof(text), "%.0f of %.0f", bridge_sum(&rows, "late"), bridge_sum(&rows, "submitted"));
	health(c, &bad, "ops that were late", !(bridge_sum(&rows, "late") > 0), text);
	if (c->json) {
		json_array_end(&c->out);
		kv_number(&c->out, "round_trip_ns", ns < 0 ? NAN : (double)ns);
		json_kv_bool(&c->out, "healthy", !bad);
	}
	end_json(c);
out:
	if (fd >= 0)
		close(fd);
	rows_free(&rows);
	wire_close(w);
	return ret ? ret : bad ? EXIT_FINDING : EXIT_OK;
}

int run_bridge_test(struct ctl *c)
{
	bool all = opt_given(c, "comprehensive");
	int fd, ret = 0, n = 0, bad = 0;

	fd = open_device(c, &ret);
	if (fd < 0)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "cases");
		json_array_begin(&c->out);
	}
	for (int i = 0; i < BRIDGE_CASES; i++) {
		const struct bridge_case *k = &bridge_cases[i];
		char why[200] = "";
		int64_t begin = perf_now_ms();
		bool failed;

		if (k->comprehensive && !all)
			continue;
		failed = k->run(fd, why, sizeof(why));
		bad += failed;
		n++;
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "case", k->name);
			json_kv_bool(&c->out, "ok", !failed);
			json_kv_string(&c->out, "why", why);
			json_kv_i64(&c->out, "ms", perf_now_ms() - begin);
			json_object_end(&c->out);
		} else {
			printf("%-7s %-11s %s%s%s\n", failed ? "FAILED" : "ok", k->name, k->what,
			       failed ? ": " : "", failed ? shown(why) : "");
		}
		fflush(stdout);
	}
	close(fd);
	if (c->json) {
		json_array_end(&c->out);
		json_kv_i64(&c->out, "failed", bad);
	} else {
		printf("%d of %d cases went well\n", n - bad, n);
	}
	end_json(c);
	return bad ? EXIT_FINDING : EXIT_OK;
}

int run_bridge_restart(struct ctl *c)
{
	return manage_once(c, VEXFS_MANAGE_ACTION_BRIDGE_RESTART, -1, false, "drained",
			   "drained (%u ops), and open again\n");
}

static int keep_default(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	(void)h;
	if (a[VEXFS_A_TUNABLE_DEFAULT])
		*(int64_t *)arg = (int64_t)wire_u64(a, VEXFS_A_TUNABLE_DEFAULT);
	return 0;
}

/* Settings that differ from their defaults. */
static int want_defaults(struct wire *w, struct change_list *l)
{
	for (size_t i = 0; i < BRIDGE_SETTINGS; i++) {
		struct nl_msg *msg = wire_request(w, VEXFS_CMD_TUNABLE_GET, false);
		int64_t value = INT64_MIN;
		char buf[64];
		int err;

		if (msg && nla_put_string(msg, VEXFS_A_TUNABLE_KEY, bridge_settings[i])) {
			nlmsg_free(msg);
			return -EMSGSIZE;
		}
		err = wire_call(w, msg, keep_default, &value);
		if (err)
			return err;
		if (value != INT64_MIN &&
		    value != strtoll(read_setting(w, bridge_settings[i], buf, sizeof(buf)), NULL, 10))
			want_setting(l, bridge_settings[i], "%" PRId64, value);
	}
	return 0;
}

int run_bridge_reset(struct ctl *c)
{
	struct change_list l = { 0 };
	struct wire *w;
	uint32_t done;
	int ret = 0, err;

	w = wire_open(c, &ret);
	if (!w)
		return ret;
	err = want_defaults(w, &l);
	if (err) {
		ret = wire_fail(c, w, err);
		goto out;
	}
	if (c->json)
		json_object_begin(&c->out);
	ret = change_settings(c, w, &l);
	if (!ret)
		ret = manage(c, w, VEXFS_MANAGE_ACTION_BRIDGE_RESET, -1,
			     opt_given(c, "preserve-data"), &done);
	if (!ret) {
		say_number(c, "cancelled", done);
		end_json(c);
	}
out:
	wire_close(w);
	return ret;
}

static const struct opt latency_opts[] = {
	{ "current", 0, OPT_FLAG, NULL, "means of the next second, too" },
	{ "detailed", 0, OPT_FLAG, NULL, "each stage: queue, run, reap" }, { 0 },
};

static const struct opt analyze_opts[] = {
	{ "duration", 0, OPT_STRING, "TIME", "how long to watch, default 10s" },
	{ "show-bottlenecks", 0, OPT_FLAG, NULL, "what holds ops up, and what helps" }, { 0 },
};

static const struct opt configure_opts[] = {
	{ "batch-size", 0, OPT_U64, "N", "queries that are answered together at most" },
	{ "batch-timeout", 0, OPT_STRING, "TIME", "longest wait for further searches under load, as 5ms" },
	{ "enable-priority-scheduling", 0, OPT_FLAG, NULL, "heed the priorities of requests" },
	{ "priority-weights", 0, OPT_STRING, "LIST", "shares, as high:4,medium:2,low:1" },
	{ "lazy-sync", 0, OPT_FLAG, NULL, "add statistics up every 2 ms at most, however many read" },
	{ "sync-threshold", 0, OPT_STRING, "TIME", "add statistics up when they are older, 2ms say" },
	{ "timeout", 0, OPT_STRING, "TIME", "when a waiting op without a deadline is due, 10s say" },
	{ "retry-attempts", 0, OPT_U64, "N", "for asynchronous ops that have changed nothing" },
	{ "enable-heartbeat", 0, OPT_FLAG, NULL, "note when workers were last heard of" }, { 0 },
};

static const struct opt test_opts[] = {
	{ "comprehensive", 0, OPT_FLAG, NULL, "timeouts, cancelling, retries and wrong requests, too" },
	{ 0 },
};

static const struct opt reset_opts[] = {
	{ "preserve-data", 0, OPT_FLAG, NULL, "keep what is queued" }, { 0 },
};

#define BRIDGE	"performance bridge "

const struct verb bridge_verbs[] = {
	{ BRIDGE "status", "", 0, 0, "show what ops of each priority do, and the settings", NULL, NULL,
	  run_bridge_status },
	{ BRIDGE "latency", "", 0, 0, "show how long ops wait and run",
	  "Since the counters were reset. The exit code is 1 when more than 1 of 100 ops waits for longer "
	  "than 1 ms.", latency_opts,
	  run_bridge_latency },
	{ BRIDGE "queue-status", "", 0, 0, "show what waits, and what was refused, late or cancelled",
	  NULL, NULL, run_bridge_queue },
	{ BRIDGE "analyze", "", 0, 0, "say where ops spend their time",
	  "With --show-bottlenecks the exit code is 1 when there is one.", analyze_opts,
	  run_bridge_analyze },
	{ BRIDGE "configure", "", 0, 0, "set batches, priorities and limits, all or nothing", NULL,
	  configure_opts, run_bridge_configure },
	{ BRIDGE "health-check", "", 0, 0, "send an op there and back, and look at the workers",
	  "The exit code is 1 when something is not well.", NULL, run_bridge_health },
	{ BRIDGE "test", "", 0, 0, "try the bridge with ops that do nothing",
	  "The exit code is 1 when one of them does not come to what it should.", test_opts,
	  run_bridge_test },
	{ BRIDGE "restart", "", 0, 0, "wait until no op runs, start new workers, then go on with what is queued", NULL, NULL,
	  run_bridge_restart },
	{ BRIDGE "reset", "", 0, 0, "default settings, and counters that begin anew",
	  "What is queued is cancelled unless --preserve-data is given.", reset_opts,
	  run_bridge_reset },
	{ 0 },
};
