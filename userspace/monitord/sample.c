// SPDX-License-Identifier: GPL-2.0
/* Samples the statistics of module and machine into the history. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "monitord.h"

/* Interval for retries to open the history. */
#define RETRY_NS	30000000000ull
/* Collections are read at least so often, for what changes without an op. */
#define COLLECTIONS_NS	30000000000ull

static int read_module(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	(void)h;
	*(uint64_t *)arg = wire_u64(a, VEXFS_A_MODULE_UPTIME_NS);
	return 0;
}

/* Of another module or history the numbers are others. */
static void forget_rows(struct monitor *m)
{
	for (size_t i = 0; i < m->row_ids_n; i++)
		m->row_ids[i].n = 0;
}

void disconnect_module(struct monitor *m)
{
	wire_close(m->wire);
	wire_close(m->events);
	m->wire = m->events = NULL;
	m->uptime_ns = m->kept_ns = m->next_settings_ns = 0;
	forget_rows(m);
}

void connect_module(struct monitor *m)
{
	struct vexfs_error err;

	if (m->wire)
		return;
	m->wire = wire_connect(&err);
	if (!m->wire)
		return;
	m->events = wire_connect(&err);
	if (m->events && wire_listen(m->events, VEXFS_A_SUBSCRIPTION_EVENTS)) {
		wire_close(m->events);
		m->events = NULL;
	}
	say_log(m, LOG_INFO, "vexfs is loaded");
}

static void open_history(struct monitor *m)
{
	struct history_error err;
	char to[400];

	if (m->h || m->turn_ns < m->retry_ns)
		return;
	m->h = history_open(m->conf.database, HISTORY_WRITE, &err);
	if (!m->h && err.code == EUCLEAN && !history_set_aside(m->conf.database, to, sizeof(to))) {
		say_log(m, LOG_ERR, "%s; it was renamed to %s, and a new one was created", err.text, to);
		m->h = history_open(m->conf.database, HISTORY_WRITE, &err);
	}
	if (!m->h) {
		say_log(m, LOG_ERR, "%s; trying again in 30 s", err.text);
		m->retry_ns = now_ns() + RETRY_NS;
		return;
	}
	m->identity[0] = '\0';
	m->states = 0;
	m->kept_ns = m->next_settings_ns = 0;
	forget_rows(m);
	for (int i = 0; i < METRICS; i++)
		m->ids[i] = -1;
}

static void lose_history(struct monitor *m, const struct history_error *err)
{
	say_log(m, LOG_ERR, "%s", err->text);
	m->lost++;
	if (err->code == ENOSPC)
		return;		/* it goes on when there is space again */
	history_close(m->h);
	m->h = NULL;
	m->retry_ns = now_ns() + (err->code == EUCLEAN ? 0 : RETRY_NS);
}

/* @scale: smallest step that is kept. */
static int number_of(struct monitor *m, const char *name, const char *unit, enum history_kind kind,
		     bool sketch, double scale)
{
	struct history_series s = { .kind = kind, .sketch = sketch, .scale = scale };
	struct history_error err;

	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.unit, sizeof(s.unit), "%s", unit);
	return history_series(m->h, &s, &err);
}

/* Appends @text at @at: there are a thousand names per sample, and snprintf() is slow. */
static void end_name(char *name, size_t at, const char *text)
{
	size_t len = strnlen(text, HISTORY_NAME - 1 - at);

	memcpy(name + at, text, len);
	name[at + len] = '\0';
}

/* Length of "SUBJECT/NAME/", or "SUBJECT/", as it fits. */
static size_t begin_name(char *name, const char *subject, const char *of)
{
	int len = snprintf(name, HISTORY_NAME, "%s%s%s/", subject, *of ? "/" : "", of);

	return len < HISTORY_NAME ? (size_t)len : HISTORY_NAME - 1;
}

static void put_metrics(struct monitor *m)
{
	for (int i = 0; i < METRICS; i++) {
		double v = m->values[i] / metrics[i].scale;

		if (isnan(v) || fabs(v) > 9e18)
			continue;
		if (m->ids[i] < 0)
			m->ids[i] = number_of(m, metrics[i].name, metrics[i].unit, HISTORY_GAUGE,
					      metrics[i].sort <= METRIC_HITS, metrics[i].scale);
		history_put(m->h, m->ids[i], llround(v));
	}
}

#define ID_UNKNOWN	(-1)
#define ID_DERIVED	(-2)

/* The number of a counter, which is created if new; negative on error. */
static int number_in(struct monitor *m, const struct row *r, unsigned int k)
{
	const char *c = r->counter[k].name;
	char name[HISTORY_NAME];
	int id;

	if (counter_is_derived(c))
		return ID_DERIVED;
	end_name(name, begin_name(name, r->subject, r->name), c);
	id = history_find(m->h, name);
	return id >= 0 ? id : number_of(m, name, "", counter_is_level(r->subject, c) ?
					HISTORY_GAUGE : HISTORY_COUNTER, false, 1);
}

/*
 * Rows come in the same order, and those of a subject have the same counters as long as the
 * module is loaded. A row at another place gets its numbers anew.
 */
static struct row_ids *ids_of(struct monitor *m, size_t i, const struct row *r)
{
	struct row_ids *ids;

	if (i >= m->row_ids_n) {
		size_t n = i + 64;
		struct row_ids *more = realloc(m->row_ids, n * sizeof(*more));

		if (!more)
			return NULL;
		memset(more + m->row_ids_n, 0, (n - m->row_ids_n) * sizeof(*more));
		m->row_ids = more;
		m->row_ids_n = n;
	}
	ids = &m->row_ids[i];
	if (ids->n == r->n && !strcmp(ids->name, r->name) && !strcmp(ids->subject, r->subject))
		return ids;
	memcpy(ids->subject, r->subject, sizeof(ids->subject));
	memcpy(ids->name, r->name, sizeof(ids->name));
	ids->n = r->n;
	for (unsigned int k = 0; k < ROW_COUNTERS; k++)
		ids->id[k] = ID_UNKNOWN;
	return ids;
}

static void put_rows(struct monitor *m, const struct look *l)
{
	for (size_t i = 0; i < l->rows.n; i++) {
		const struct row *r = &l->rows.row[i];
		struct row_ids *ids = ids_of(m, i, r);
		bool errors = !strcmp(r->subject, "errors");

		for (unsigned int k = 0; ids && k < r->n; k++) {
			/* Counters that are still 0 are not written: there are hundreds. */
			if (errors && !r->counter[k].value)
				continue;
			if (ids->id[k] == ID_UNKNOWN)
				ids->id[k] = number_in(m, r, k);
			history_put(m->h, ids->id[k], (int64_t)(r->counter[k].value & INT64_MAX));
		}
	}
}

static void put_and_keep(struct monitor *m, int id, int64_t value)
{
	history_put(m->h, id, value);
	if (m->kept_n == m->kept_room) {
		size_t room = m->kept_room ? 2 * m->kept_room : 256;
		struct kept *more = realloc(m->kept, room * sizeof(*more));

		if (!more) {
			m->kept_ns = 0;
			return;
		}
		m->kept = more;
		m->kept_room = room;
	}
	m->kept[m->kept_n++] = (struct kept){ id, value };
}

static int put_collection(struct nlmsghdr *h, struct nlattr **a, void *arg)
{
	static const struct {
		const char *name, *unit;
		enum history_kind kind;
		int attr;
	} kept[] = {
		{ "vectors", "vectors", HISTORY_GAUGE, VEXFS_A_COLLECTION_COUNT },
		{ "bytes", "bytes", HISTORY_GAUGE, VEXFS_A_COLLECTION_BYTES },
		{ "changes", "changes", HISTORY_COUNTER, VEXFS_A_COLLECTION_SEQ },
	};
	struct monitor *m = arg;
	char name[HISTORY_NAME];
	size_t at = begin_name(name, "collection", wire_text(a, VEXFS_A_COLLECTION_NAME));

	(void)h;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		int id;

		end_name(name, at, kept[i].name);
		id = history_find(m->h, name);
		if (id < 0)
			id = number_of(m, name, kept[i].unit, kept[i].kind, false, 1);
		put_and_keep(m, id, (int64_t)wire_u64(a, kept[i].attr));
	}
	return 0;
}

/* Differs when ops ran, or collections came, went or grew. */
static uint64_t activity_of(const struct look *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->rows.n; i++) {
		const struct row *r = &l->rows.row[i];

		if (!strcmp(r->subject, "class"))
			sum = sum * 31 + row_value(r, "count");
		else if (!strcmp(r->subject, "store"))
			for (unsigned int k = 0; k < r->n; k++)
				sum = sum * 31 + r->counter[k].value;
	}
	return sum;
}

static void put_collections(struct monitor *m, const struct look *l)
{
	uint64_t activity = activity_of(l);

	if (m->kept_ns && activity == m->kept_for && m->turn_ns - m->kept_ns < COLLECTIONS_NS) {
		for (size_t i = 0; i < m->kept_n; i++)
			history_put(m->h, m->kept[i].id, m->kept[i].value);
		return;
	}
	m->kept_n = 0;
	m->kept_for = activity;
	m->kept_ns = m->turn_ns;
	if (wire_call(m->wire, wire_request(m->wire, VEXFS_CMD_COLLECTION_GET, true), put_collection,
		      m))
		m->kept_ns = 0;
}

/*
 * Identifies the boot and the load of the module. A module that was loaded anew has another
 * family, so that each load has a connection of its own.
 */
static void check_epoch(struct monitor *m, bool loaded)
{
	struct history_error err;
	char boot[64] = "", identity[120];
	uint64_t uptime = 0;

	if (*m->identity && loaded == (m->uptime_ns != 0))
		return;
	if (loaded)
		wire_call(m->wire, wire_request(m->wire, VEXFS_CMD_MODULE_GET, false), read_module,
			  &uptime);
	m->uptime_ns = uptime;
	host_file("", "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	boot[strcspn(boot, "\n")] = '\0';
	/* In units of ten seconds: the exact value varies a little when it is computed again. */
	snprintf(identity, sizeof(identity), "boot %s, module %s%llu", boot,
		 uptime ? "loaded at 10 s * " : "not loaded",
		 uptime ? (unsigned long long)((now_ns() - uptime) / 10000000000ull) : 0ull);
	if (strcmp(identity, m->identity)) {
		snprintf(m->identity, sizeof(m->identity), "%s", identity);
		if (history_epoch(m->h, m->turn_ms, identity, &err))
			lose_history(m, &err);
	}
}

static void tidy(struct monitor *m)
{
	const struct history_limits limits = {
		(int64_t)(m->conf.raw_days * 86400), (int64_t)(m->conf.mid_days * 86400),
		(int64_t)(m->conf.long_days * 86400), (int64_t)(m->conf.size_mb * 1048576),
	};
	struct history_error err;
	int64_t now = m->turn_ms;

	/* A clock that was set back must not delay it for long. */
	if (!m->h || (now < m->next_tidy_ms && m->next_tidy_ms - now < 600000))
		return;
	m->next_tidy_ms = now - now % 300000 + 300000 + 2000;
	if (history_tidy(m->h, now, &limits, &err))
		lose_history(m, &err);
}

static void sample(struct monitor *m)
{
	struct look *l = &m->look[m->turn];
	struct history_error err;

	if (!m->files)
		m->files = host_files_new();
	l->files = m->files;
	connect_module(m);
	if (look_take(m->wire, "", l) && m->wire) {
		say_log(m, LOG_WARNING, "vexfs does not answer: %s", wire_why(m->wire));
		disconnect_module(m);
	}
	metrics_between(m->looked ? &m->look[!m->turn] : NULL, l, m->values);
	if (!m->looked)	/* rates of the module cover other intervals than ours */
		for (int i = 0; i < METRICS; i++)
			if (metrics[i].sort <= METRIC_HITS && metrics[i].sort != METRIC_MEMORY)
				m->values[i] = NAN;
	m->turn = !m->turn;
	telemetry_sample(m, m->values);
	open_history(m);
	if (m->looked)
		watch_bridge(m, &m->look[m->turn], l);
	m->looked = true;
	if (m->h)
		check_epoch(m, l->loaded);
	if (!m->h)
		return;
	put_metrics(m);
	put_rows(m, l);
	if (m->wire)
		put_collections(m, l);
	if (history_sample(m->h, m->turn_ms, &err))
		lose_history(m, &err);
	else
		m->samples++;
	tidy(m);
}

void take_turn(struct monitor *m)
{
	m->turn_ns = now_ns();
	m->turn_ms = now_ms();
	sample(m);
	note_states(m);
	watch_pools(m);
	watch_hangs(m);
	judge(m);
	push_alerts(m);
	telemetry_export(m, false);
}
