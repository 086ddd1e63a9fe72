// SPDX-License-Identifier: GPL-2.0
/*
 * Every op of /dev/vexfs while memory fails. What an op had not done it must not
 * have begun: after a refusal the collections hold what they held before, and
 * are sound.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/inject.h"
#include "tests/ioctl/raw.h"

#define DIM	24u
#define ROWS	160u	/* in each collection, ids 1 to ROWS */
#define UPDATED	12u	/* of them */
#define NEW	16u	/* ids NEW_ID and on come and go */
#define NEW_ID	1000u
#define QUERIES	70u
#define K	10u

static float vectors[(ROWS + NEW) * DIM], out[(ROWS + NEW) * DIM];
static uint32_t attrs[ROWS + NEW];
static uint64_t ids[ROWS + NEW], found[QUERIES * K], wanted[QUERIES * K];
static float distances[QUERIES * K];
static uint32_t counts[QUERIES];
static int32_t errors[ROWS + NEW];

/* Where steps work: a collection without an index, and one with a graph. */
static int flat = -1, graph = -1, at = -1, made = -1;

static void check(int fd, uint64_t count)
{
	struct vexfs_check c = { };
	int err = RAW(fd, VEXFS_IOC_CHECK, &c);

	if (err || c.faults)
		wrong("not sound: %s %s", strerror(-err), c.report);
	else if (c.vectors != count)
		wrong("holds %llu vectors, not %llu", (unsigned long long)c.vectors,
		      (unsigned long long)count);
}

/* ---- collections ---- */

static struct vexfs_create spec;
static char layout[] = "lang:u32";

static int create(void)
{
	return RAW(made, VEXFS_IOC_CREATE, &spec);
}

static void open_made(void)
{
	made = raw_open();
	if (made < 0)
		wrong("open: %s", strerror(errno));
}

static void created(int err)
{
	int gone = raw_drop(made, spec.name);

	if (gone != (err ? -ENOENT : 0))
		wrong("create said '%s', drop then '%s'", strerror(-err), strerror(-gone));
	close(made);
}

static int open_and_ask(void)
{
	struct vexfs_info info = { };
	int fd = raw_open(), err = fd < 0 ? -errno : RAW(fd, VEXFS_IOC_INFO, &info);

	if (fd >= 0)
		close(fd);
	return err;
}

static int attach(void)
{
	return raw_attach(made, "faults", VEXFS_ATTACH_READ);
}

static void attached(int err)
{
	if (err && attach())
		wrong("cannot attach after a refusal");
	close(made);
}

static void make_to_drop(void)
{
	made = raw_create("dropped", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	if (made < 0)
		wrong("create: %s", strerror(-made));
}

static int drop(void)
{
	return raw_drop(made, "dropped");
}

static void dropped(int err)
{
	if (err && drop())
		wrong("cannot drop after a refusal");
	close(made);
}

static int list(void)
{
	static struct vexfs_stat stats[8];
	struct vexfs_list l = {
		.stat_size = sizeof(stats[0]), .count = 8, .stats = (uintptr_t)stats,
	};

	return RAW(flat, VEXFS_IOC_LIST, &l);
}

static int stat_it(void)
{
	char text[64];
	struct vexfs_stat s = { .layout = (uintptr_t)text, .layout_len = sizeof(text) };

	return RAW(flat, VEXFS_IOC_STAT, &s);
}

static int set_layout(void)
{
	struct vexfs_set s = {
		.what = VEXFS_SET_LAYOUT, .layout = (uintptr_t)layout, .layout_len = strlen(layout),
	};

	return RAW(flat, VEXFS_IOC_SET, &s);
}

static int map_rows(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, flat, 0);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, 4096);
	return 0;
}

/* ---- vectors ---- */

static uint32_t put_flags, put_done;

/* New vectors. */
static int put(void)
{
	struct vexfs_put p = raw_put(ids + ROWS, vectors + ROWS * DIM, attrs + ROWS, NEW);
	int err;

	p.flags = put_flags;
	p.errors = (uintptr_t)errors;
	err = RAW(at, VEXFS_IOC_PUT, &p);
	put_done = p.done;
	return err;
}

/* The first @put_done are there and as they should be, the rest is not. */
static void stored(int err)
{
	struct vexfs_get g = {
		.count = NEW, .ids = (uintptr_t)(ids + ROWS), .vectors = (uintptr_t)out,
		.errors = (uintptr_t)errors,
	};
	struct vexfs_delete d = { .count = put_done, .ids = (uintptr_t)(ids + ROWS) };

	if (!err && put_done != NEW)
		wrong("stored %u of %u, and said nothing", put_done, NEW);
	if (RAW(at, VEXFS_IOC_GET, &g) || g.done != put_done)
		wrong("%u are said to be stored, %u are there", put_done, g.done);
	if (memcmp(out, vectors + ROWS * DIM, put_done * DIM * sizeof(float)))
		wrong("vectors that were stored are not what they were");
	check(at, ROWS + put_done);
	if (put_done && (RAW(at, VEXFS_IOC_DELETE, &d) || d.done != put_done))
		wrong("cannot delete what was stored");
}

/* Some of them again, as they are. */
static int update(void)
{
	struct vexfs_put p = raw_put(ids, vectors, attrs, UPDATED);

	p.flags = VEXFS_PUT_UPDATE;
	return RAW(at, VEXFS_IOC_PUT, &p);
}

static void unchanged(int err)
{
	struct vexfs_get g = {
		.count = ROWS, .ids = (uintptr_t)ids, .vectors = (uintptr_t)out,
	};

	(void)err;
	if (RAW(at, VEXFS_IOC_GET, &g) || memcmp(out, vectors, ROWS * DIM * sizeof(float)))
		wrong("vectors are not what they were");
	check(at, ROWS);
}

static void put_more(void)
{
	put_flags = VEXFS_PUT_UPSERT;
	if (put())
		wrong("put: cannot prepare");
}

static uint32_t deleted;

static int delete_more(void)
{
	struct vexfs_delete d = { .count = NEW, .ids = (uintptr_t)(ids + ROWS) };
	int err = RAW(at, VEXFS_IOC_DELETE, &d);

	deleted = d.done;
	return err;
}

static void delete_rest(int err)
{
	struct vexfs_delete d = {
		.count = NEW - deleted, .ids = (uintptr_t)(ids + ROWS + deleted),
	};

	if (!err && deleted != NEW)
		wrong("deleted %u of %u, and said nothing", deleted, NEW);
	if (deleted < NEW && (RAW(at, VEXFS_IOC_DELETE, &d) || d.done != NEW - deleted))
		wrong("%u were said to be deleted; the rest cannot be", deleted);
	check(at, ROWS);
}

static int get(void)
{
	struct vexfs_get g = {
		.count = ROWS, .ids = (uintptr_t)ids, .vectors = (uintptr_t)out,
		.attrs = (uintptr_t)errors,
	};

	return RAW(at, VEXFS_IOC_GET, &g);
}

static int walk(void)
{
	struct vexfs_walk w = {
		.count = ROWS, .ids = (uintptr_t)found, .vectors = (uintptr_t)out,
	};

	return RAW(at, VEXFS_IOC_WALK, &w);
}

static int distance(void)
{
	struct vexfs_distance d = {
		.count = ROWS, .query = (uintptr_t)vectors, .ids = (uintptr_t)ids,
		.distances = (uintptr_t)out,
	};

	return RAW(at, VEXFS_IOC_DISTANCE, &d);
}

/* ---- searches ---- */

static struct vexfs_search search_req;
/* Keeps what is odd in the last byte of its record. */
static struct vexfs_filter_insn odd[] = {
	{ .code = 0x30, .k = 3 },	/* load a byte */
	{ .code = 0x54, .k = 1 },	/* and */
	{ .code = 0x16 },		/* return it */
};

static void plain_search(uint32_t n, uint32_t flags)
{
	search_req = raw_search(vectors, n, K, found, distances, counts);
	search_req.flags = flags;
}

static int search(void)
{
	struct vexfs_search s = search_req;

	memset(found, 0, sizeof(found));
	return RAW(at, VEXFS_IOC_SEARCH, &s);
}

/* The answer of a search that nothing befell. */
static void note_answer(void)
{
	if (search())
		wrong("search: cannot prepare");
	memcpy(wanted, found, sizeof(wanted));
}

static void same_answer(int err)
{
	if (!err && memcmp(wanted, found, sizeof(wanted)))
		wrong("answered otherwise than without failures");
}

static int classify(void)
{
	struct vexfs_vote votes[8];
	struct vexfs_classify c = {
		.k = K, .query = (uintptr_t)vectors, .field_size = 4, .votes = (uintptr_t)votes,
		.count = 8, .filter_len = 3, .filter = (uintptr_t)odd,
	};

	return RAW(at, VEXFS_IOC_CLASSIFY, &c);
}

static int check_op(void)
{
	struct vexfs_check c = { };
	int err = RAW(at, VEXFS_IOC_CHECK, &c);

	return err ? err : c.faults ? -EIO : 0;
}

/* ---- the index ---- */

static int index_op(uint32_t op)
{
	struct vexfs_index_req r = { .op = op };

	if (op == VEXFS_INDEX_OP_BUILD) {
		r.m = 8;
		r.ef_construction = 32;
	}
	return RAW(flat, VEXFS_IOC_INDEX, &r);
}

static int build(void)
{
	return index_op(VEXFS_INDEX_OP_BUILD);
}

static uint32_t index_state(void)
{
	struct vexfs_stat s = { };

	if (RAW(flat, VEXFS_IOC_STAT, &s))
		wrong("cannot stat");
	return s.index_state;
}

static void built(int err)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	if (!err)
		while (index_state() == VEXFS_INDEX_BUILDING)
			nanosleep(&ms, NULL);
	else if (index_state() != VEXFS_INDEX_ABSENT)
		wrong("the build was refused, and yet there is an index");
	check(flat, ROWS);
	if (!err && index_op(VEXFS_INDEX_OP_DROP))
		wrong("cannot drop the index");
}

static void run(const char *name, const char *suffix, void (*before)(void), int (*call)(void),
		void (*after)(int err))
{
	char text[96];
	struct step s = { .name = text, .before = before, .call = call, .after = after };

	snprintf(text, sizeof(text), "%s%s", name, suffix);
	try_step(&s);
}

static void run_create(const char *name, const char *suffix, uint8_t type, uint8_t metric,
		       uint8_t index, uint32_t code)
{
	spec = raw_spec("made", DIM, type, metric, 4);
	spec.index = index;
	spec.code = code;
	spec.layout = (uintptr_t)layout;
	spec.layout_len = strlen(layout);
	run(name, suffix, open_made, create, created);
}

static void run_vectors(const char *where, const char *suffix)
{
	char tail[64];

	snprintf(tail, sizeof(tail), ", %s%s", where, suffix);
	put_flags = VEXFS_PUT_INSERT;
	run("insert", tail, NULL, put, stored);
	put_flags = VEXFS_PUT_UPSERT;
	run("upsert", tail, NULL, put, stored);
	run("update", tail, NULL, update, unchanged);
	run("delete", tail, put_more, delete_more, delete_rest);
	run("get", tail, NULL, get, NULL);
	run("walk", tail, NULL, walk, NULL);
	run("distance", tail, NULL, distance, NULL);
	run("check", tail, NULL, check_op, NULL);
}

static void run_searches(const char *where, const char *suffix)
{
	char tail[64];

	snprintf(tail, sizeof(tail), ", %s%s", where, suffix);
	plain_search(1, VEXFS_SEARCH_EXACT);
	run("exact search", tail, note_answer, search, same_answer);
	plain_search(QUERIES, VEXFS_SEARCH_EXACT);
	run("exact search of many", tail, note_answer, search, same_answer);
	plain_search(QUERIES, 0);
	run("search of many", tail, note_answer, search, same_answer);
	plain_search(1, VEXFS_SEARCH_RANGE);
	search_req.radius = raw_f32(1e30f);
	run("search of a range", tail, note_answer, search, same_answer);
	plain_search(1, 0);
	search_req.filter = (uintptr_t)odd;
	search_req.filter_len = 3;
	run("search with a filter", tail, note_answer, search, same_answer);
	plain_search(8, VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF);
	search_req.queries = (uintptr_t)ids;
	run("search by id", tail, note_answer, search, same_answer);
	run("classify", tail, NULL, classify, NULL);
}

/* A collection with rows 1 to ROWS, made while nothing fails. */
static int prepare(const char *name, uint8_t index)
{
	struct vexfs_create c = raw_spec(name, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 4);
	struct vexfs_put p = raw_put(ids, vectors, attrs, ROWS);
	int fd = raw_open();

	c.index = index;
	c.m = index ? 8 : 0;
	c.ef_construction = index ? 32 : 0;
	if (fd < 0 || RAW(fd, VEXFS_IOC_CREATE, &c) || RAW(fd, VEXFS_IOC_PUT, &p)) {
		wrong("cannot make the collection %s", name);
		exit(1);
	}
	return fd;
}

void try_device(const char *suffix)
{
	unsigned int i;

	/* There before it matters: a page that cannot be had makes a copy fail. */
	memset(out, 1, sizeof(out));
	memset(found, 1, sizeof(found));
	memset(distances, 1, sizeof(distances));
	memset(counts, 1, sizeof(counts));
	memset(errors, 1, sizeof(errors));
	srandom(1);
	for (i = 0; i < (ROWS + NEW) * DIM; i++)
		vectors[i] = (float)(random() % 129 - 64);
	for (i = 0; i < ROWS + NEW; i++) {
		ids[i] = i < ROWS ? i + 1 : NEW_ID + i;
		attrs[i] = (uint32_t)random();
	}
	flat = prepare("faults", VEXFS_INDEX_NONE);
	graph = prepare("faults-graph", VEXFS_INDEX_GRAPH);

	run("open and ask", suffix, NULL, open_and_ask, NULL);
	run_create("create", suffix, VEXFS_TYPE_F32, VEXFS_METRIC_L2, VEXFS_INDEX_NONE, 0);
	run_create("create, bf16", suffix, VEXFS_TYPE_BF16, VEXFS_METRIC_COS, VEXFS_INDEX_NONE, 0);
	run_create("create with a graph", suffix, VEXFS_TYPE_F32, VEXFS_METRIC_L2,
		   VEXFS_INDEX_GRAPH, 0);
	run_create("create with a graph and codes", suffix, VEXFS_TYPE_F32, VEXFS_METRIC_COS,
		   VEXFS_INDEX_GRAPH, VEXFS_CODE_B1);
	run("attach", suffix, open_made, attach, attached);
	run("drop", suffix, make_to_drop, drop, dropped);
	run("list", suffix, NULL, list, NULL);
	run("stat", suffix, NULL, stat_it, NULL);
	run("set", suffix, NULL, set_layout, NULL);
	run("map", suffix, NULL, map_rows, NULL);
	at = flat;
	run_vectors("no index", suffix);
	run_searches("no index", suffix);
	at = graph;
	run_vectors("graph", suffix);
	run_searches("graph", suffix);
	run("build", suffix, NULL, build, built);

	result(!raw_drop(flat, "faults") && !raw_drop(flat, "faults-graph"),
	       "the collections are dropped%s", suffix);
	close(flat);
	close(graph);
}
