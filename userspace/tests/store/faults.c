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

int main(void)
{
	every_call(EIO, false, 1);
	every_call(EIO, false, 3);
	every_call(EIO, false, 20);
	every_call(ENOSPC, false, 1);
	every_call(ENOSPC, true, 1);
	every_call(EIO, true, 4);
	full_disk();
	return done();
}
