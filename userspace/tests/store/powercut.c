// SPDX-License-Identifier: GPL-2.0
/*
 * Power cuts: every workload of up to three operations, each with and without a commit
 * after it, and long random workloads. The disk is rebuilt as of every flush and at points
 * between, the store is opened and compared with the model. Recovery itself is cut as well.
 *
 *	powercut [CUTS]		at least CUTS cuts; "hard": all workloads
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "tap.h"

struct counts {
	uint64_t workloads;
	uint64_t cuts;
	uint64_t nested;
	uint64_t bad;
};

static void complain(struct counts *n, const char *what, const char *wrong, size_t at,
		     enum cut how, uint64_t seed)
{
	static const char *const names[] = { "present", "absent", "torn" };

	if (n->bad++ < 10)
		printf("# %s: cut after change %zu, unflushed %s, seed %llu: %s\n", what, at,
		       names[how], (unsigned long long)seed, wrong);
}

/* One cut; a second one while it recovers. */
static void cut_at(const struct model *m, size_t at, enum cut how, uint64_t seed,
		   const char *what, struct counts *n)
{
	struct memdisk *cut = memdisk_cut(m->disk, at, how, seed), *again;
	struct store_error err;
	struct store *s;
	const char *wrong;

	n->cuts++;
	if (seed % 4 == 0 && !store_open(memdisk_io(cut), &m->opts, &s, &err)) {
		struct store_coll *c;
		size_t keys;

		store_keys(s, &keys);
		for (size_t i = 0; i < keys; i++)
			if (!store_coll_open(s, store_keys(s, &keys)[i], &c, &err))
				store_coll_abandon(c);
		store_close(s);
		again = memdisk_cut(cut, memdisk_events(cut) ? seed / 4 %
				    (memdisk_events(cut) + 1) : 0, CUT_TORN, seed);
		memdisk_free(cut);
		cut = again;
		n->nested++;
	}
	wrong = model_check(m, cut, at);
	if (wrong)
		complain(n, what, wrong, at, how, seed);
	memdisk_free(cut);
}

static void cut_all(const struct model *m, uint64_t *seed, unsigned int between,
		    const char *what, struct counts *n)
{
	size_t events = memdisk_events(m->disk);

	for (size_t i = 0; i < events; i++) {
		if (!memdisk_is_flush(m->disk, i) && mem_random(seed) % 8 >= between)
			continue;
		/* Right before the flush, when most changes are unflushed, and right after it. */
		cut_at(m, i, CUT_ABSENT, mem_random(seed), what, n);
		cut_at(m, i, CUT_TORN, mem_random(seed), what, n);
		cut_at(m, i + 1, CUT_TORN, mem_random(seed), what, n);
		cut_at(m, i + 1, CUT_PRESENT, mem_random(seed), what, n);
	}
}

static bool run(struct model *m, struct memdisk *d, const enum step *steps, unsigned int n,
		unsigned int commits, uint32_t row_bytes, uint64_t segment_max, uint64_t seed)
{
	int ret = model_start(m, d, row_bytes, segment_max, seed);

	for (unsigned int i = 0; !ret && i < n; i++) {
		ret = model_step(m, steps[i]);
		if (!ret && (commits >> i & 1))
			ret = model_step(m, STEP_COMMIT);
	}
	if (ret)
		printf("# a workload fails without a fault: %s\n", m->err.text);
	return !ret;
}

/* Workload @code: its length, its steps, and which of them are committed. */
static void enumerated(uint64_t code, unsigned int len, uint64_t *seed, struct counts *n)
{
	unsigned int commits = (unsigned int)(code % (1u << len));
	enum step steps[3];
	struct model m;
	struct memdisk *d = memdisk_new(*seed);
	char what[60];

	snprintf(what, sizeof(what), "workload %u/%llu", len, (unsigned long long)code);
	code >>= len;
	for (unsigned int i = 0; i < len; i++, code /= STEP_ENUMERATED)
		steps[i] = (enum step)(code % STEP_ENUMERATED);
	/* Tiny segments, so that three operations cross from one to the next. */
	if (run(&m, d, steps, len, commits, 700, 1500, *seed))
		cut_all(&m, seed, 1, what, n);
	else
		n->bad++;
	n->workloads++;
	model_end(&m);
	memdisk_free(d);
}

static uint64_t workloads_of(unsigned int len)
{
	uint64_t n = 1;

	for (unsigned int i = 0; i < len; i++)
		n *= 2 * STEP_ENUMERATED;
	return n;
}

static void storm(uint64_t *seed, struct counts *n)
{
	static const uint32_t rows[] = { 24, 200, 700, 4000 };
	static const uint64_t segments[] = { 1000, 6000, 60000 };
	uint64_t own = mem_random(seed);
	enum step steps[60];
	struct memdisk *d = memdisk_new(own);
	struct model m;
	char what[60];

	for (unsigned int i = 0; i < 60; i++) {
		uint64_t r = mem_random(seed);

		steps[i] = r % 10 < 6 ? STEP_RANDOM : r % 10 < 7 ? STEP_COMMIT :
			   (enum step)(r / 10 % STEP_ENUMERATED);
	}
	snprintf(what, sizeof(what), "storm %llx", (unsigned long long)own);
	if (run(&m, d, steps, 60, (unsigned int)mem_random(seed), rows[own % 4],
		segments[own / 4 % 3], own))
		cut_all(&m, seed, 1, what, n);
	else
		n->bad++;
	n->workloads++;
	model_end(&m);
	memdisk_free(d);
}

int main(int argc, char **argv)
{
	uint64_t want = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000;
	bool hard = argc > 2 && !strcmp(argv[2], "hard");
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	struct counts n = { 0 }, storms = { 0 };

	for (unsigned int len = 1; len <= (hard ? 3 : 2); len++)
		for (uint64_t code = 0; code < workloads_of(len); code++)
			enumerated(code, len, &seed, &n);
	/* Of workloads of three operations a sample, unless all were requested. */
	for (unsigned int i = 0; !hard && i < 100; i++)
		enumerated(mem_random(&seed) % workloads_of(3), 3, &seed, &n);
	ok(!n.bad, "%llu workloads of up to three operations, %llu cuts (%llu of them cut again "
	   "while recovering), %llu wrong", (unsigned long long)n.workloads,
	   (unsigned long long)n.cuts, (unsigned long long)n.nested, (unsigned long long)n.bad);
	while (n.cuts + storms.cuts < want || storms.workloads < 20)
		storm(&seed, &storms);
	ok(!storms.bad, "%llu random workloads, %llu cuts (%llu cut again), %llu wrong",
	   (unsigned long long)storms.workloads, (unsigned long long)storms.cuts,
	   (unsigned long long)storms.nested, (unsigned long long)storms.bad);
	return done();
}
