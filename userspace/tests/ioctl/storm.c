// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-storm: inserts, updates, deletes, reads, searches and drops on all CPUs
 * at once, and a check of every answer. It keeps, for every id, which versions
 * there have been, so that it can tell what an answer may contain: only vectors
 * that existed at some moment of the op, with the right distance, in order, none
 * twice, and none missing that was there all the time.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "tests/ioctl/raw.h"

#define NAME	"storm"
#define DIM	24u
#define K	12u
#define QUERIES	8u

/*
 * An id's life is a count: odd is deleted (or not yet there), even a version that
 * is stored. Its one writer raises @begun before it asks the kernel for the next
 * step and @ended after the answer.
 */
struct life {
	_Atomic uint32_t begun;
	_Atomic uint32_t ended;
};

struct record {
	uint32_t id;
	uint32_t version;
};

static unsigned int nids = 3000, seconds = 10, nwriters, nreaders;
static const char *index_name = "none", *plant = "";
static struct life *lives;
static atomic_bool stop;
static atomic_ulong ops[7], faults, late, walks;
static bool keep;

enum { PUTS, DELETES, GETS, SEARCHES, DROPS, FILTERED, WALKS };

static uint64_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

static uint64_t rnd(uint64_t *s)
{
	return mix(*s += 0x9e3779b97f4a7c15ULL);
}

/* The vector of an id's version; small whole numbers, so that sums are exact. */
static void vector(float *v, uint32_t id, uint32_t version)
{
	uint64_t s = (uint64_t)id << 32 | version;

	for (unsigned int i = 0; i < DIM; i++)
		v[i] = (int)(rnd(&s) % 65) - 32;
}

static float distance(const float *a, const float *b)
{
	float d = 0;

	for (unsigned int i = 0; i < DIM; i++)
		d += (a[i] - b[i]) * (a[i] - b[i]);
	return d;
}

__attribute__((format(printf, 1, 2)))
static void fault(const char *fmt, ...)
{
	va_list args;

	if (atomic_fetch_add(&faults, 1) >= 20)
		return;
	va_start(args, fmt);
	printf("FAULT: ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

static int attach(void)
{
	int fd = raw_open(), err = fd < 0 ? -errno :
		raw_attach(fd, NAME, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE);

	if (err) {
		fault("attach: %s", strerror(-err));
		exit(1);
	}
	return fd;
}

/* ---- writers: each has ids of its own ---- */

#define BATCH	64u

/* Some ids are only ever replaced, once they are there. */
static bool stays(uint32_t id)
{
	return id % 5 == 0;
}

static void write_batch(int fd, unsigned int who, uint64_t *s)
{
	uint64_t ids[BATCH];
	float v[BATCH * DIM];
	struct record attrs[BATCH];
	int32_t errors[BATCH];
	unsigned int n = 1 + rnd(s) % BATCH, from, i, j;
	bool delete = rnd(s) % 4 == 0;
	uint32_t done;
	int err;

	/* neighbours in the writer's own list, so that none comes twice */
	from = rnd(s) % (nids / nwriters - n + 1);
	for (i = j = 0; j < n; j++) {
		uint32_t id = (from + j) * nwriters + who;
		struct life *l = &lives[id];
		uint32_t now = atomic_load(&l->ended), next;

		if (delete && stays(id))
			continue;
		next = delete ? now | 1 : (now + 2) & ~1u;
		if (delete && (now & 1))
			next = now;	/* is not there: must be refused */
		atomic_store(&l->begun, next);
		ids[i] = id;
		attrs[i] = (struct record) { id, next };
		vector(v + i++ * DIM, id, next);
	}
	n = i;
	if (!n)
		return;
	if (delete) {
		struct vexfs_delete d = {
			.flags = VEXFS_DELETE_CONTINUE, .count = n,
			.ids = (uintptr_t)ids, .errors = (uintptr_t)errors,
		};

		err = RAW(fd, VEXFS_IOC_DELETE, &d);
		done = d.done;
	} else {
		struct vexfs_put p = raw_put(ids, v, attrs, n);

		p.errors = (uintptr_t)errors;
		err = RAW(fd, VEXFS_IOC_PUT, &p);
		done = p.done;
		if (!err && done != n)
			fault("put of %u stored %u", n, done);
	}
	if (err) {
		fault("%s: %s", delete ? "delete" : "put", strerror(-err));
		exit(1);
	}
	for (i = 0; i < n; i++) {
		struct life *l = &lives[ids[i]];
		bool was = !(atomic_load(&l->ended) & 1);

		if (delete && errors[i] != (was ? 0 : -ENOENT))
			fault("delete of %llu, which is%s there, gave %d",
			      (unsigned long long)ids[i], was ? "" : " not", errors[i]);
		atomic_store(&l->ended, atomic_load(&l->begun));
	}
	atomic_fetch_add(&ops[delete ? DELETES : PUTS], 1);
}

static void *writer(void *arg)
{
	unsigned int who = (uintptr_t)arg;
	uint64_t s = who + 1;
	int fd = attach();

	while (!stop)
		write_batch(fd, who, &s);
	close(fd);
	return NULL;
}

/* ---- readers ---- */

struct seen {
	uint32_t before;	/* ended when the op began */
	uint32_t after;		/* begun when it was over */
};

/* Could version @v of an id be met by an op that saw @s? */
static bool may_be(const struct seen *s, uint32_t v)
{
	return !(v & 1) && v >= s->before && v <= s->after;
}

static void see_before(struct seen *s)
{
	for (unsigned int i = 0; i < nids; i++)
		s[i].before = atomic_load(&lives[i].ended);
}

static void see_after(struct seen *s)
{
	for (unsigned int i = 0; i < nids; i++)
		s[i].after = atomic_load(&lives[i].begun);
}

static void read_batch(int fd, uint64_t *s, struct seen *seen)
{
	uint64_t ids[BATCH];
	float v[BATCH * DIM], want[DIM];
	struct record attrs[BATCH];
	int32_t errors[BATCH];
	struct vexfs_get g = {
		.count = BATCH, .ids = (uintptr_t)ids, .vectors = (uintptr_t)v,
		.attrs = (uintptr_t)attrs, .errors = (uintptr_t)errors,
	};
	unsigned int i;
	int err;

	for (i = 0; i < BATCH; i++)
		ids[i] = rnd(s) % nids;
	see_before(seen);
	err = RAW(fd, VEXFS_IOC_GET, &g);
	see_after(seen);
	if (err)
		fault("get: %s", strerror(-err));
	for (i = 0; i < BATCH && !err; i++) {
		const struct seen *l = &seen[ids[i]];

		if (errors[i]) {
			if (l->before == l->after && !(l->before & 1))
				fault("get: id %llu is there and was not found",
				      (unsigned long long)ids[i]);
			continue;
		}
		vector(want, ids[i], attrs[i].version);
		if (attrs[i].id != ids[i] || !may_be(l, attrs[i].version))
			fault("get: id %llu came as id %u version %u, was %u to %u",
			      (unsigned long long)ids[i], attrs[i].id, attrs[i].version,
			      l->before, l->after);
		else if (memcmp(want, v + i * DIM, sizeof(want)))
			fault("get: id %llu has another vector", (unsigned long long)ids[i]);
	}
	atomic_fetch_add(&ops[GETS], 1);
}

/* Everything about one answer. @even: only ids that are even count. */
static void check_answer(const float *q, const struct seen *seen, bool even, bool exact,
			 const uint64_t *ids, const float *d, const struct record *attrs,
			 uint32_t n)
{
	static _Thread_local uint8_t *found;
	float v[DIM], last = n ? d[n - 1] : -1;
	uint32_t i, there = 0;

	if (!found)
		found = calloc(nids, 1);
	memset(found, 0, nids);
	for (i = 0; i < n; i++) {
		if (ids[i] >= nids || attrs[i].id != ids[i] ||
		    !may_be(&seen[ids[i]], attrs[i].version)) {
			fault("search: id %llu came as id %u version %u",
			      (unsigned long long)ids[i], attrs[i].id, attrs[i].version);
			continue;
		}
		vector(v, ids[i], attrs[i].version);
		if (distance(q, v) != d[i])
			fault("search: id %llu at %g, is at %g", (unsigned long long)ids[i], d[i],
			      distance(q, v));
		if (even && (ids[i] & 1))
			fault("search: id %llu does not pass the filter",
			      (unsigned long long)ids[i]);
		if (i && (d[i] < d[i - 1] || (d[i] == d[i - 1] && ids[i] <= ids[i - 1])))
			fault("search: results %u and %u are out of order", i - 1, i);
		if (found[ids[i]]++)
			fault("search: id %llu twice", (unsigned long long)ids[i]);
	}
	if (!exact)
		return;
	for (i = 0; i < nids; i++) {
		float far;

		if (even && (i & 1))
			continue;
		there += !(seen[i].before & 1) && !(seen[i].after & 1);
		if (found[i] || seen[i].before != seen[i].after || (seen[i].before & 1))
			continue;
		vector(v, i, seen[i].before);
		far = distance(q, v);
		if (n < K || far < last || (far == last && i < ids[n - 1]))
			fault("search: id %u at %g was there all the time and is missing", i, far);
	}
	/* ids that were updated meanwhile were always there, in one version or other */
	if (n < K && n < there)
		atomic_fetch_add(&late, 1);
}

/* What a search that is wrong would have answered: see that it is noticed. */
static void spoil(uint64_t *ids, float *d, struct record *attrs, uint32_t *n)
{
	if (*n < 3)
		return;
	if (!strcmp(plant, "miss")) {
		memmove(ids + 1, ids + 2, (*n - 2) * sizeof(*ids));
		memmove(d + 1, d + 2, (*n - 2) * sizeof(*d));
		memmove(attrs + 1, attrs + 2, (*n - 2) * sizeof(*attrs));
		--*n;
	} else if (!strcmp(plant, "twice")) {
		ids[1] = ids[0];
		d[1] = d[0];
		attrs[1] = attrs[0];
	} else if (!strcmp(plant, "stale")) {
		attrs[1].version -= 1000000;
	} else if (!strcmp(plant, "wrong")) {
		d[1] = nextafterf(d[1], 0);
	}
}

static void search(int fd, uint64_t *s, struct seen *seen)
{
	/* keeps the records whose id is even: its lowest byte comes first */
	static const struct vexfs_filter_insn even[] = {
		{ 0x30, 0, 0, 0 }, { 0x45, 1, 0, 1 }, { 0x06, 0, 0, 1 }, { 0x06, 0, 0, 0 },
	};
	static _Thread_local float q[QUERIES * DIM], d[QUERIES * K];
	static _Thread_local uint64_t ids[QUERIES * K];
	static _Thread_local struct record attrs[QUERIES * K];
	uint32_t counts[QUERIES], nq = rnd(s) % 2 ? 1 : QUERIES, i;
	bool filtered = rnd(s) % 3 == 0;
	bool exact = rnd(s) % 2 || strcmp(index_name, "graph");
	struct vexfs_search r = raw_search(q, nq, K, ids, d, counts);
	int err;

	for (i = 0; i < nq; i++)
		vector(q + i * DIM, 1u << 30, rnd(s));
	r.attrs = (uintptr_t)attrs;
	if (!exact) {
		r.flags &= ~VEXFS_SEARCH_EXACT;
		r.ef = 16;	/* with more, so few vectors would be compared instead */
	}
	if (filtered) {
		r.filter = (uintptr_t)even;
		r.filter_len = sizeof(even) / sizeof(even[0]);
	}
	see_before(seen);
	err = RAW(fd, VEXFS_IOC_SEARCH, &r);
	see_after(seen);
	if (!err && (r.plan == VEXFS_PLAN_GRAPH || r.plan == VEXFS_PLAN_GRAPH_FILTER))
		atomic_fetch_add(&walks, nq);
	if (err)
		fault("search: %s", strerror(-err));
	else if (*plant && exact && rnd(s) % 8 == 0)
		spoil(ids, d, attrs, counts);
	for (i = 0; i < nq && !err; i++)
		check_answer(q + i * DIM, seen, filtered, exact, ids + i * K, d + i * K,
			     attrs + i * K, counts[i]);
	atomic_fetch_add(&ops[filtered ? FILTERED : SEARCHES], 1);
}

/* Everything, some at a time: what was there all the time once, and nothing twice. */
static void walk_all(int fd, uint64_t *s, struct seen *seen)
{
	static _Thread_local uint8_t *met;
	static _Thread_local float v[BATCH * DIM];
	uint64_t ids[BATCH];
	struct record attrs[BATCH];
	float want[DIM];
	struct vexfs_walk w = {
		.ids = (uintptr_t)ids, .vectors = (uintptr_t)v, .attrs = (uintptr_t)attrs,
	};
	unsigned int room = 1 + rnd(s) % BATCH, i;
	int err;

	if (!met)
		met = calloc(nids, 1);
	memset(met, 0, nids);
	see_before(seen);
	do {
		w.count = room;
		err = RAW(fd, VEXFS_IOC_WALK, &w);
		if (err) {
			fault("walk: %s", strerror(-err));
			return;
		}
		if (!strcmp(plant, "walk-miss") && w.count)
			w.count--;
		for (i = 0; i < w.count; i++) {
			if (ids[i] >= nids) {
				fault("walk: id %llu", (unsigned long long)ids[i]);
				continue;
			}
			if (met[ids[i]]++)
				fault("walk: id %llu twice", (unsigned long long)ids[i]);
			vector(want, ids[i], attrs[i].version);
			if (attrs[i].id != ids[i] || attrs[i].version < seen[ids[i]].before ||
			    memcmp(want, v + i * DIM, sizeof(want)))
				fault("walk: id %llu has another vector or a stale one",
				      (unsigned long long)ids[i]);
		}
	} while (w.cursor);
	see_after(seen);
	for (i = 0; i < nids; i++) {
		bool there = !(seen[i].before & 1) &&
			     (stays(i) || seen[i].before == seen[i].after);

		if (there && !met[i])
			fault("walk: id %u was there all the time and is missing", i);
	}
	atomic_fetch_add(&ops[WALKS], 1);
}

static void *reader(void *arg)
{
	uint64_t s = 1000 + (uintptr_t)arg;
	struct seen *seen = calloc(nids, sizeof(*seen));
	int fd = attach();

	while (!stop) {
		unsigned int what = rnd(&s) % 8;

		if (what > 2)
			search(fd, &s, seen);
		else if (what > 1)
			walk_all(fd, &s, seen);
		else
			read_batch(fd, &s, seen);
	}
	close(fd);
	free(seen);
	return NULL;
}

/* ---- collections that come and go under everybody's hands ---- */

static void *dropper(void *arg)
{
	static float v[1000 * DIM], q[DIM];
	static uint64_t ids[1000];
	uint64_t out[K], s = 77;

	(void)arg;
	while (!stop) {
		struct vexfs_put p = raw_put(ids, v, NULL, 1000);
		struct vexfs_search r = raw_search(q, 1, K, out, NULL, NULL);
		int fd = raw_create("storm-short", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), fd2, err;

		if (fd < 0) {
			fault("create: %s", strerror(-fd));
			break;
		}
		for (unsigned int i = 0; i < 1000; i++) {
			ids[i] = rnd(&s);
			vector(v + i * DIM, i, 0);
		}
		fd2 = raw_open();
		err = raw_attach(fd2, "storm-short", VEXFS_ATTACH_READ) ?: RAW(fd, VEXFS_IOC_PUT, &p) ?:
		      RAW(fd2, VEXFS_IOC_SEARCH, &r);
		if (err || p.done != 1000 || r.found != K)
			fault("short life: %s, %u stored, %u found", strerror(-err), p.done, r.found);
		err = raw_drop(fd, "storm-short");
		if (err)
			fault("drop: %s", strerror(-err));
		if (RAW(fd2, VEXFS_IOC_SEARCH, &r) != -ENOENT)
			fault("a dropped collection still answers");
		close(fd2);
		close(fd);
		atomic_fetch_add(&ops[DROPS], 1);
	}
	return NULL;
}

/* ---- the end: what is there is what should be ---- */

static void final_check(int fd)
{
	struct vexfs_check c = { };
	struct vexfs_stat st = { };
	unsigned int alive = 0, i;
	int err;

	for (i = 0; i < nids; i++)
		alive += !(atomic_load(&lives[i].ended) & 1);
	err = RAW(fd, VEXFS_IOC_STAT, &st) ?: RAW(fd, VEXFS_IOC_CHECK, &c);
	if (err)
		fault("check: %s", strerror(-err));
	if (st.count != alive || c.vectors != alive)
		fault("%u vectors should be there, %llu are counted, %llu found", alive,
		      (unsigned long long)st.count, (unsigned long long)c.vectors);
	if (c.faults)
		fault("the collection has %llu faults: %s", (unsigned long long)c.faults, c.report);
}

static void usage(FILE *to)
{
	fputs("usage: vexfs-storm [options]\n"
	      "Inserts, updates, deletes, reads, searches and drops, all at once; checks every answer.\n"
	      "  -d, --duration S   seconds (default 10)\n"
	      "  -n, --ids N        ids (default 3000)\n"
	      "  -w, --writers N    writers (default: one a CPU)\n"
	      "  -r, --readers N    readers (default: one a CPU)\n"
	      "  -i, --index NAME   none, graph or codes: none with codes beside the rows (default none)\n"
	      "  -k, --keep         leave the collection, 'storm', behind\n"
	      "  -p, --plant WHAT   spoil an exact answer now and then: miss, twice, stale or wrong;\n"
	      "                     or walks: walk-miss\n"
	      "  -h, --help         this\n"
	      "Exit status: 0 all answers right, 1 not, 2 usage.\n", to);
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	/* strtoul() would take -1 for a large number. */
	if (*text < '0' || *text > '9' || *end || !n || n > 1000000) {
		fprintf(stderr, "vexfs-storm: '%s' is not a number from 1 to 1000000\n", text);
		exit(2);
	}
	return n;
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "duration", 1, NULL, 'd' }, { "ids", 1, NULL, 'n' }, { "writers", 1, NULL, 'w' },
		{ "readers", 1, NULL, 'r' }, { "index", 1, NULL, 'i' }, { "plant", 1, NULL, 'p' },
		{ "keep", 0, NULL, 'k' }, { "help", 0, NULL, 'h' }, { },
	};
	int o;

	while ((o = getopt_long(argc, argv, "d:n:w:r:i:p:kh", known, NULL)) != -1) {
		switch (o) {
		case 'd':
			seconds = number(optarg);
			break;
		case 'n':
			nids = number(optarg);
			break;
		case 'w':
			nwriters = number(optarg);
			break;
		case 'r':
			nreaders = number(optarg);
			break;
		case 'i':
			index_name = optarg;
			break;
		case 'p':
			plant = optarg;
			break;
		case 'k':
			keep = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc ||
	    (strcmp(index_name, "none") && strcmp(index_name, "graph") &&
	     strcmp(index_name, "codes")) ||
	    (*plant && strcmp(plant, "miss") && strcmp(plant, "twice") &&
	     strcmp(plant, "stale") && strcmp(plant, "wrong") && strcmp(plant, "walk-miss"))) {
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct vexfs_create c;
	pthread_t threads[256];
	unsigned int n = 0, i;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int fd, err;

	nwriters = nreaders = cpus > 100 ? 100 : cpus < 2 ? 2 : cpus;
	options(argc, argv);
	if (nwriters + nreaders > 255 || nids / nwriters < BATCH) {
		fputs("vexfs-storm: too many threads, or too few ids for them\n", stderr);
		return 2;
	}
	lives = calloc(nids, sizeof(*lives));
	for (i = 0; i < nids; i++)
		lives[i].begun = lives[i].ended = 1;
	fd = raw_open();
	c = raw_spec(NAME, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, sizeof(struct record));
	c.index = strcmp(index_name, "graph") ? VEXFS_INDEX_NONE : VEXFS_INDEX_GRAPH;
	c.code = strcmp(index_name, "codes") ? VEXFS_CODE_NONE : VEXFS_CODE_I8;
	err = fd < 0 ? -errno : RAW(fd, VEXFS_IOC_CREATE, &c);
	if (err) {
		fprintf(stderr, "vexfs-storm: cannot make a collection: %s\n", strerror(-err));
		return 1;
	}
	for (i = 0; i < nwriters; i++)
		pthread_create(&threads[n++], NULL, writer, (void *)(uintptr_t)i);
	for (i = 0; i < nreaders; i++)
		pthread_create(&threads[n++], NULL, reader, (void *)(uintptr_t)i);
	pthread_create(&threads[n++], NULL, dropper, NULL);
	for (i = 0; i < seconds && !faults; i++)
		sleep(1);
	stop = true;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	final_check(fd);
	if (!strcmp(index_name, "graph") && !walks)
		fault("no search walked the graph");
	if (!keep)
		raw_drop(fd, NAME);
	printf("%lu puts, %lu deletes, %lu gets, %lu searches, %lu filtered, %lu walks, %lu short lives\n",
	       ops[PUTS], ops[DELETES], ops[GETS], ops[SEARCHES], ops[FILTERED], ops[WALKS],
	       ops[DROPS]);
	if (walks)
		printf("%lu queries answered by walks\n", walks);
	printf("%lu answers short of a vector that was updated meanwhile\n", late);
	printf("%lu faults\n", faults);
	return faults ? 1 : 0;
}
