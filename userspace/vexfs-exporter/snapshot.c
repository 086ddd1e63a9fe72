// SPDX-License-Identifier: GPL-2.0
/*
 * Takes a snapshot of the module: one netlink dump after another over one connection,
 * which is made again after the module was reloaded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "snapshot.h"

/* How often to repeat a dump that was overtaken by changes. */
#define DUMP_TRIES	10
/* A sanity limit, above the module's own. */
#define MOST		(1u << 24)
/* Elements of a new list, a power of two: most need no more, and growing leaves holes. */
#define LIST_FIRST	128u

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t latency_edge(unsigned int bucket)
{
	unsigned int octave = bucket / 4, part = bucket % 4;

	if (!octave)
		return 16u * (part + 1);
	return (1ull << (5 + octave)) + (part + 1) * (1ull << (3 + octave));
}

/* Makes space for one more element of @size bytes in a list of @n; NULL without memory. */
static void *grow(void *list, size_t *n, size_t size)
{
	char *more;

	if (*n >= MOST)
		return NULL;
	/* From LIST_FIRST on the list doubles whenever the number is a power of two. */
	if (!*n || (*n >= LIST_FIRST && !(*n & (*n - 1)))) {
		more = realloc(*(void **)list, (*n ? 2 * *n : LIST_FIRST) * size);
		if (!more)
			return NULL;
		*(void **)list = more;
	}
	more = *(char **)list + *n * size;
	memset(more, 0, size);
	(*n)++;
	return more;
}

static void copy(char *to, size_t size, struct nlattr **a, int type)
{
	snprintf(to, size, "%s", wire_text(a, type));
}

/* ---- version and load ---- */

static int on_module(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	struct snapshot *a = arg;
	struct nlattr *one;
	int rem;

	copy(a->version, sizeof(a->version), at, VEXFS_A_MODULE_VERSION);
	copy(a->kernel, sizeof(a->kernel), at, VEXFS_A_MODULE_KERNEL);
	copy(a->simd, sizeof(a->simd), at, VEXFS_A_MODULE_SIMD);
	a->uptime_ns = wire_u64(at, VEXFS_A_MODULE_UPTIME_NS);
	a->hit_rate = wire_u32(at, VEXFS_A_MODULE_POOL_HIT_PPM) / 1e6;
	nlmsg_for_each_attr(one, h, GENL_HDRLEN, rem)
		if (nla_type(one) == VEXFS_A_MODULE_ATTENTION &&
		    a->complaints < SNAPSHOT_COMPLAINTS)
			snprintf(a->complaint[a->complaints++], sizeof(a->complaint[0]), "%s",
				 nla_get_string(one));
	return 0;
}

/* ---- rows, their meanings, histograms ---- */

static int on_row(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	struct snapshot *a = arg;
	struct row *r = grow(&a->rows.row, &a->rows.n, sizeof(*r));

	if (!r)
		return -ENOMEM;
	row_parse(h, at, r);
	return 0;
}

static int on_counter_doc(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	struct counter_docs *docs = arg;
	struct counter_doc *f = grow(&docs->doc, &docs->n, sizeof(*f));

	(void)h;
	if (!f)
		return -ENOMEM;
	copy(f->subject, sizeof(f->subject), at, VEXFS_A_COUNTER_DOC_SUBJECT);
	copy(f->name, sizeof(f->name), at, VEXFS_A_COUNTER_DOC_NAME);
	copy(f->unit, sizeof(f->unit), at, VEXFS_A_COUNTER_DOC_UNIT);
	copy(f->doc, sizeof(f->doc), at, VEXFS_A_COUNTER_DOC_DOC);
	f->gauge = at[VEXFS_A_COUNTER_DOC_GAUGE];
	return 0;
}

static int on_latency(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	struct nlattr *buckets = at[VEXFS_A_LATENCY_BUCKETS];
	struct snapshot *a = arg;
	struct latency *l = grow(&a->latency, &a->latencies, sizeof(*l));
	size_t bytes;

	(void)h;
	if (!l)
		return -ENOMEM;
	copy(l->op, sizeof(l->op), at, VEXFS_A_LATENCY_OP);
	copy(l->class, sizeof(l->class), at, VEXFS_A_LATENCY_CLASS);
	l->count = wire_u64(at, VEXFS_A_LATENCY_COUNT);
	l->sum_ns = wire_u64(at, VEXFS_A_LATENCY_SUM_NS);
	bytes = buckets ? (size_t)nla_len(buckets) : 0;
	if (bytes > sizeof(l->bucket))
		bytes = sizeof(l->bucket);
	if (bytes)
		memcpy(l->bucket, nla_data(buckets), bytes - bytes % sizeof(uint64_t));
	return 0;
}

/* ---- settings, collections, events ---- */

static int on_setting(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	const char *key = wire_text(at, VEXFS_A_TUNABLE_KEY);
	struct snapshot *a = arg;
	bool on = at[VEXFS_A_TUNABLE_VALUE] &&
		  nla_get_u64(at[VEXFS_A_TUNABLE_VALUE]) != 0;

	(void)h;
	if (!strcmp(key, "pool_enabled"))
		a->pools_enabled = on;
	else if (!strcmp(key, "stack_optimize"))
		a->stack_optimize = on;
	else if (!strcmp(key, "bridge_coalesce"))
		a->bridge_coalesce = on;
	return 0;
}

static const int counter_attr[COLLECTION_COUNTERS] = {
	[COLLECTION_CHANGES] = VEXFS_A_COLLECTION_SEQ,
	[COLLECTION_SEARCHES] = VEXFS_A_COLLECTION_SEARCHES,
	[COLLECTION_READS] = VEXFS_A_COLLECTION_READS,
	[COLLECTION_PUTS] = VEXFS_A_COLLECTION_PUTS,
	[COLLECTION_DELETES] = VEXFS_A_COLLECTION_DELETES,
	[COLLECTION_OTHERS] = VEXFS_A_COLLECTION_OTHERS,
	[COLLECTION_ERRORS] = VEXFS_A_COLLECTION_ERRORS,
};

static int on_collection(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	struct snapshot *a = arg;
	struct collection *c = grow(&a->collection, &a->collections, sizeof(*c));

	(void)h;
	if (!c)
		return -ENOMEM;
	copy(c->name, sizeof(c->name), at, VEXFS_A_COLLECTION_NAME);
	c->serial = wire_u64(at, VEXFS_A_COLLECTION_SERIAL);
	c->user_ns = wire_u32(at, VEXFS_A_COLLECTION_USER_NS);
	c->dim = wire_u32(at, VEXFS_A_COLLECTION_DIM);
	c->type = wire_u32(at, VEXFS_A_COLLECTION_TYPE);
	c->index = wire_u32(at, VEXFS_A_COLLECTION_INDEX);
	c->index_state = wire_u32(at, VEXFS_A_COLLECTION_INDEX_STATE);
	c->vectors = wire_u64(at, VEXFS_A_COLLECTION_COUNT);
	c->bytes = wire_u64(at, VEXFS_A_COLLECTION_BYTES);
	a->counts_ops = at[VEXFS_A_COLLECTION_SEARCHES];
	for (unsigned int i = 0; i < COLLECTION_COUNTERS; i++)
		c->counter[i] = wire_u64(at, counter_attr[i]);
	c->index_done = wire_u64(at, VEXFS_A_COLLECTION_INDEX_DONE);
	c->index_bytes = wire_u64(at, VEXFS_A_COLLECTION_INDEX_BYTES);
	return 0;
}

static int on_event(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	struct snapshot *a = arg;
	struct happening *e;

	(void)h;
	if (a->events == SNAPSHOT_EVENTS) {
		memmove(a->event, a->event + 1, sizeof(a->event) - sizeof(a->event[0]));
		a->events--;
	}
	e = &a->event[a->events++];
	memset(e, 0, sizeof(*e));
	copy(e->kind, sizeof(e->kind), at, VEXFS_A_EVENT_KIND);
	copy(e->subject, sizeof(e->subject), at, VEXFS_A_EVENT_SUBJECT);
	e->time_ns = wire_u64(at, VEXFS_A_EVENT_TIME_NS);
	e->a = wire_u64(at, VEXFS_A_EVENT_A);
	e->b = wire_u64(at, VEXFS_A_EVENT_B);
	return 0;
}

/* ---- the snapshot ---- */

/*
 * Dumps into the list whose length is *@n. If changes overtake every attempt, the last
 * one is used: each row of it is correct by itself.
 */
static int dump(struct wire *w, uint8_t cmd, int flag, wire_answer_fn fn, void *arg, size_t *n)
{
	int err = -EINTR;

	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
		struct nl_msg *msg = wire_request(w, cmd, true);

		if (msg && flag && nla_put_flag(msg, flag)) {
			nlmsg_free(msg);
			msg = NULL;
		}
		if (n)
			*n = 0;
		err = wire_call(w, msg, fn, arg);
	}
	return err == -EINTR ? 0 : err;
}

/* Snapshots are freed by several threads. */
static void docs_put(struct counter_docs *docs)
{
	if (!docs || __atomic_sub_fetch(&docs->users, 1, __ATOMIC_ACQ_REL))
		return;
	free(docs->doc);
	free(docs);
}

static int read_docs(struct source *s)
{
	struct counter_docs *docs = calloc(1, sizeof(*docs));
	int err;

	if (!docs)
		return -ENOMEM;
	docs->users = 1;
	err = dump(s->wire, VEXFS_CMD_COUNTER_GET, 0, on_counter_doc, docs, &docs->n);
	if (err)
		docs_put(docs);
	else
		s->docs = docs;
	return err;
}

static int on_admin_gid(struct nlmsghdr *h, struct nlattr **at, void *arg)
{
	(void)h;
	if (at[VEXFS_A_TUNABLE_VALUE])
		*(gid_t *)arg = (gid_t)nla_get_u64(at[VEXFS_A_TUNABLE_VALUE]);
	return 0;
}

/* Does the kernel show all collections to this process? The kernel decides. */
static bool sees_all(struct wire *w)
{
	gid_t group[256], admin = (gid_t)-1;
	struct nl_msg *msg;
	int n;

	if (!geteuid())
		return true;
	msg = wire_request(w, VEXFS_CMD_TUNABLE_GET, false);
	if (msg && nla_put_string(msg, VEXFS_A_TUNABLE_KEY, "admin_gid")) {
		nlmsg_free(msg);
		msg = NULL;
	}
	if (wire_call(w, msg, on_admin_gid, &admin) || admin == (gid_t)-1)
		return false;
	if (getegid() == admin)
		return true;
	n = getgroups(256, group);
	while (n-- > 0)
		if (group[n] == admin)
			return true;
	return false;
}

static int read_all(struct source *s, struct snapshot *a, bool names)
{
	struct wire *w = s->wire;
	int err;

	err = wire_call(w, wire_request(w, VEXFS_CMD_MODULE_GET, false), on_module, a);
	if (!err && !s->docs)
		err = read_docs(s);
	if (!err) {
		__atomic_add_fetch(&s->docs->users, 1, __ATOMIC_RELAXED);
		a->docs = s->docs;
		err = dump(w, VEXFS_CMD_STATS_GET, VEXFS_A_STATS_SINCE_LOAD, on_row, a,
			   &a->rows.n);
	}
	if (!err)
		err = dump(w, VEXFS_CMD_LATENCY_GET, 0, on_latency, a, &a->latencies);
	if (!err)
		err = dump(w, VEXFS_CMD_TUNABLE_GET, 0, on_setting, a, NULL);
	if (!err)
		err = dump(w, VEXFS_CMD_EVENT_GET, 0, on_event, a, &a->events);
	a->may_all = !err && names && sees_all(w);
	if (a->may_all)
		err = dump(w, VEXFS_CMD_COLLECTION_GET, 0, on_collection, a, &a->collections);
	return err;
}

void source_close(struct source *s)
{
	wire_close(s->wire);
	docs_put(s->docs);
	*s = (struct source){ 0 };
}

struct snapshot *snapshot_read(struct source *s, bool names)
{
	struct snapshot *a = calloc(1, sizeof(*a));
	struct vexfs_error why = { 0 };
	int err = 0;

	if (!a)
		return NULL;
	a->users = 1;
	a->began_ns = clock_ns();
	if (!s->wire)
		s->wire = wire_connect(&why);
	if (!s->wire) {
		snprintf(a->why, sizeof(a->why), "%s", why.text);
	} else {
		err = read_all(s, a, names);
		if (err)
			snprintf(a->why, sizeof(a->why), "%s", wire_why(s->wire));
	}
	a->up = s->wire && !err;
	/* A family that was registered again has another number. */
	if (err)
		source_close(s);
	a->took_ns = clock_ns() - a->began_ns;
	return a;
}

void snapshot_free(struct snapshot *a)
{
	if (!a)
		return;
	free(a->rows.row);
	docs_put(a->docs);
	free(a->latency);
	free(a->collection);
	free(a);
}
