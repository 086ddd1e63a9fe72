// SPDX-License-Identifier: GPL-2.0
/*
 * A failing disk: the n-th changing call of a workload fails, for every n, with EIO, with
 * ENOSPC, after half of a write, once or several times in a row. Whatever was acknowledged
 * must exist when the disk works again, and after a power cut at that time. Also a disk that
 * fills up and is freed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "tap.h"

static const enum step workload[] = {
	STEP_PUT_A, STEP_COMMIT, STEP_PUT_B, STEP_META, STEP_COMMIT, STEP_GRAPH, STEP_DELETE_A,
	STEP_PUT_B, STEP_COMMIT, STEP_COMPACT, STEP_REOPEN, STEP_PUT_A, STEP_COMMIT, STEP_KILL,
	STEP_PUT_B, STEP_COMPACT, STEP_COMMIT, STEP_DROP, STEP_PUT_A, STEP_COMMIT,
	STEP_SNAPSHOT, STEP_PUT_A, STEP_COMMIT,
};

struct counts {
	uint64_t runs;
	uint64_t errors;
	uint64_t bad;
};

static void complain(struct counts *n, const struct memfault *f, const char *wrong)
{
	if (n->bad++ < 10)
		printf("# call %llu, %llu in a row, errno %d%s: %s\n", (unsigned long long)f->at,
		       (unsigned long long)f->calls, f->code, f->half ? ", half written" : "",
		       wrong);
}

/* Repeats recovery until the disk works again. */
static int recover(struct model *m, struct counts *n)
{
	int ret;

	n->errors++;
	for (int i = 0; i < 40; i++) {
		ret = model_recover(m);
		if (!ret)
			return 0;
		n->errors++;
	}
	return ret;
}

/* 1 when the fault occurred, 0 when the workload ended before it. */
static int one(const struct memfault *f, struct counts *n)
{
	struct memdisk *d = memdisk_new(f->at), *cut;
	const char *wrong = NULL;
	struct model m;
	bool came;
	int ret;

	n->runs++;
	memdisk_fault(d, f);
	ret = model_start(&m, d, 700, 1500, 1);
	for (size_t i = 0; i < sizeof(workload) / sizeof(*workload); i++) {
		if (ret && recover(&m, n))
			break;
		ret = model_step(&m, workload[i]);
	}
	came = memdisk_faulted(d);
	memdisk_fault(d, NULL);
	if (ret)
		ret = recover(&m, n);
	if (!ret)
		ret = model_step(&m, STEP_COMMIT);
	if (ret)
		wrong = m.err.text;
	for (int how = CUT_PRESENT; !wrong && how <= CUT_TORN; how++) {
		cut = memdisk_cut(d, memdisk_events(d), (enum cut)how, f->at + (unsigned int)how);
		wrong = model_check(&m, cut, memdisk_events(d));
		memdisk_free(cut);
	}
	if (wrong)
		complain(n, f, wrong);
	model_end(&m);
	memdisk_free(d);
	return came;
}

static void every_call(int code, bool half, uint64_t calls)
{
	struct memfault f = { .at = 1, .calls = calls, .code = code, .half = half };
	struct counts n = { 0 };

	while (one(&f, &n))
		f.at++;
	ok(!n.bad && n.errors > 20, "errno %d%s, %llu in a row: %llu runs, %llu errors, %llu wrong",
	   code, half ? " after half of a write" : "", (unsigned long long)calls,
	   (unsigned long long)n.runs, (unsigned long long)n.errors, (unsigned long long)n.bad);
}

/* The disk fills up during the workload, stays full, and is freed. */
static void full_disk(void)
{
	struct counts n = { 0 };
	struct memfault none = { .code = ENOSPC };

	for (uint64_t limit = 400; limit < 12000; limit += 97) {
		struct memdisk *d = memdisk_new(limit), *cut;
		const char *wrong = NULL;
		struct model m;
		int ret;

		memdisk_limit(d, limit);
		ret = model_start(&m, d, 700, 3000, limit);
		for (int i = 0; !ret && i < 60; i++) {
			ret = model_step(&m, STEP_RANDOM);
			if (!ret)
				ret = model_step(&m, STEP_COMMIT);
		}
		n.runs++;
		n.errors += ret == -ENOSPC;
		for (int i = 0; ret && i < 5; i++)
			ret = model_recover(&m);
		memdisk_limit(d, 0);
		if (ret)
			ret = model_recover(&m);
		if (!ret)
			ret = model_step(&m, STEP_COMMIT);
		if (ret)
			wrong = m.err.text;
		cut = memdisk_cut(d, memdisk_events(d), CUT_ABSENT, limit);
		if (!wrong)
			wrong = model_check(&m, cut, memdisk_events(d));
		none.at = limit;
		if (wrong)
			complain(&n, &none, wrong);
		memdisk_free(cut);
		model_end(&m);
		memdisk_free(d);
	}
	ok(!n.bad && n.errors > 20, "a full disk that is freed: %llu runs, %llu full, %llu wrong",
	   (unsigned long long)n.runs, (unsigned long long)n.errors, (unsigned long long)n.bad);
}

static int put_row(struct store_coll *c, uint64_t id, uint8_t op)
{
	uint8_t row[16] = { (uint8_t)id };
	struct store_rows r = {
		.first_seq = store_durable_seq(c) + 1, .count = 1, .puts = 1, .ids = &id, .ops = &op,
		.attrs = row, .vectors = row,
	};
	int ret = store_append(c, &r, NULL);

	return ret ? ret : store_commit(c, NULL);
}

/* As the daemon does it: a compaction whenever one is wanted. */
static void compaction_ends(uint64_t segment_max, uint64_t ids, uint64_t rows_max, const char *what)
{
	const struct store_meta meta = {
		.name = "many", .dim = 4, .type = 1, .metric = 1, .row_bytes = 16, .m = 16,
	};
	struct store_opts opts = { .segment_max = segment_max };
	struct memdisk *d = memdisk_new(5);
	struct store_error err = { 0 };
	struct store_coll *c = NULL;
	struct store_info info = { 0 };
	unsigned int calls = 0;
	struct store *s;
	int ret = store_open(memdisk_io(d), &opts, &s, &err);

	if (!ret)
		ret = store_coll_create(s, &meta, 0, &c, &err);
	for (uint64_t i = 0; !ret && i < 2000; i++) {
		ret = put_row(c, i % ids, i < ids ? STORE_INSERT : STORE_UPDATE);
		while (!ret && i % 1000 == 999 && calls < 20 && store_coll_wants_compaction(c)) {
			ret = store_coll_compact(c, NULL, NULL, &err);
			calls++;
		}
	}
	if (c)
		store_coll_info(c, &info);
	ok(!ret && calls < 20 && info.live == ids && info.rows <= rows_max,
	   "compaction ends with %s: %u calls, %llu rows", what, calls,
	   (unsigned long long)info.rows);
	store_coll_abandon(c);
	store_close(s);
	memdisk_free(d);
}

static void say_bad(void *arg, bool bad, const char *text)
{
	if (bad && !*(const char **)arg)
		*(const char **)arg = strdup(text);
}

/* The disk as it is now, or after a power cut: @colls collections, and no damage. */
static const char *store_has(struct memdisk *d, size_t colls)
{
	const struct store_opts opts = { .read_only = true };
	const char *wrong = NULL;
	struct store_check check = { .report = say_bad, .arg = &wrong };
	struct store_error err = { 0 };
	struct store *s;
	size_t n;

	if (store_open(memdisk_io(d), &opts, &s, &err))
		return strdup(err.text);
	if (store_check(s, &check, &err) && !wrong)
		wrong = strdup(err.text);
	store_keys(s, &n);
	if (!wrong && n != colls)
		wrong = strdup("the copy is there in half, or a failed one is there");
	store_close(s);
	return wrong;
}

/* A collection is copied to a disk that fails; afterwards nothing is left, and it can be repeated. */
static const char *copy_once(struct model *m, const struct memfault *f, bool *came, int *ret)
{
	struct memdisk *d = memdisk_new(f->at), *cut;
	const char *wrong = NULL;
	struct store_error err;
	struct store *to;

	if (store_open(memdisk_io(d), NULL, &to, &err))
		return "the store for the copy cannot be made";
	memdisk_fault(d, f);
	*ret = store_coll_copy(m->c, to, NULL, NULL, &err);
	*came = memdisk_faulted(d);
	memdisk_fault(d, NULL);
	if (*ret)
		wrong = store_has(d, 0);
	if (!wrong && *ret && store_coll_copy(m->c, to, NULL, NULL, &err))
		wrong = strdup(err.text);
	for (int how = CUT_PRESENT; !wrong && how <= CUT_TORN; how++) {
		cut = memdisk_cut(d, memdisk_events(d), (enum cut)how, f->at + (unsigned int)how);
		wrong = store_has(cut, 1);
		memdisk_free(cut);
	}
	store_close(to);
	memdisk_free(d);
	return wrong;
}

static void copies(int code)
{
	static const enum step first[] = {
		STEP_PUT_A, STEP_COMMIT, STEP_PUT_B, STEP_META, STEP_COMMIT, STEP_GRAPH,
		STEP_COMPACT, STEP_PUT_B, STEP_COMMIT,
	};
	struct memfault f = { .calls = 1, .code = code };
	struct memdisk *d = memdisk_new(1);
	struct counts n = { 0 };
	struct model m;
	bool came = true;
	int ret = model_start(&m, d, 700, 1500, 1);

	for (size_t i = 0; !ret && i < sizeof(first) / sizeof(*first); i++)
		ret = model_step(&m, first[i]);
	ok(!ret, "a collection to be copied");
	while (!ret && came) {
		int failed = 0;
		const char *wrong;

		f.at++;
		n.runs++;
		wrong = copy_once(&m, &f, &came, &failed);
		n.errors += failed != 0;
		if (wrong)
			complain(&n, &f, wrong);
	}
	ok(!n.bad && n.errors > 10, "copies, errno %d: %llu runs, %llu errors, %llu wrong", code,
	   (unsigned long long)n.runs, (unsigned long long)n.errors, (unsigned long long)n.bad);
	model_end(&m);
	memdisk_free(d);
}

int main(void)
{
	every_call(EIO, false, 1);
	every_call(EIO, false, 3);
	every_call(EIO, false, 20);
	every_call(ENOSPC, false, 1);
	every_call(ENOSPC, true, 1);
	every_call(EIO, true, 4);
	full_disk();
	compaction_ends(1 << 20, 1, 1200, "one vector that is replaced again and again");
	compaction_ends(64 << 20, 100, 2000, "replaced vectors in the segment that is being written");
	compaction_ends(2048, 2000, 2000, "many segments, all of them long");
	copies(EIO);
	copies(ENOSPC);
	return done();
}
