// SPDX-License-Identifier: GPL-2.0
/*
 * The graph as a user meets it, in a lab: built in the background and stopped,
 * filtered at every selectivity, classified, churned by several threads while
 * others search and check. Prints TAP. Recall is compared with exact answers of
 * the same collection, never with the clock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "vexfs.h"

enum {
	DIM = 32, N = 12000, NQ = 100, NQ_CHURN = 300, K = 10, CHURNERS = 2, ROUNDS = 24,
	CHURN_EF = 48, TURNOVER_EF = 32
};

static const char name[] = "e2e-graph";
static float vectors[2 * N][DIM];
static float queries[NQ_CHURN][DIM];
static uint32_t attrs[2 * N];
static uint64_t seed = 7;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

static void make_vector(float *v)
{
	uint32_t cluster = rnd(40);

	for (uint32_t d = 0; d < DIM; d++)
		v[d] = (float)((cluster * 37 + d * 11) % 23) + (float)rnd(1000) / 30;
}

static bool put(struct vexfs *h, uint64_t first, uint32_t n, struct vexfs_error *err)
{
	uint64_t *ids = malloc(n * sizeof(*ids));
	struct vexfs_put req = { .flags = VEXFS_PUT_UPSERT, .count = n, .ids = (uintptr_t)ids,
				 .vectors = (uintptr_t)vectors[first],
				 .attrs = (uintptr_t)&attrs[first] };

	for (uint32_t i = 0; i < n; i++)
		ids[i] = first + i;
	int bad = vexfs_do_put(h, &req, err);

	free(ids);
	return !bad;
}

static bool search(struct vexfs *h, uint32_t flags, uint32_t ef, const struct vexfs_filter_insn *f,
		   uint64_t *ids, uint32_t *counts, uint32_t *plan)
{
	struct vexfs_search req = { .flags = flags, .count = NQ, .queries = (uintptr_t)queries,
				    .k = K, .ef = ef, .ids = (uintptr_t)ids,
				    .counts = (uintptr_t)counts, .filter = (uintptr_t)f,
				    .filter_len = f ? 4 : 0 };
	struct vexfs_error err;

	if (vexfs_do_search(h, &req, &err)) {
		printf("# search: %s\n", err.text);
		return false;
	}
	if (plan)
		*plan = req.plan;
	return true;
}

/* Of what an exact search finds, how much does the graph find? */
static double recall(struct vexfs *h, uint32_t ef)
{
	static _Thread_local uint64_t exact[NQ * K], found[NQ * K];
	uint32_t counts[NQ], same = 0, all = 0, plan;

	if (!search(h, VEXFS_SEARCH_EXACT, 0, NULL, exact, counts, NULL) ||
	    !search(h, 0, ef, NULL, found, counts, &plan) || plan != VEXFS_PLAN_GRAPH)
		return -1;
	for (uint32_t q = 0; q < NQ; q++)
		for (uint32_t i = 0; i < K; i++) {
			all += exact[q * K + i] != UINT64_MAX;
			for (uint32_t j = 0; j < K; j++)
				same += found[q * K + i] == exact[q * K + j] &&
					exact[q * K + j] != UINT64_MAX;
		}
	return (double)same / all;
}

/*
 * Recall while others write: each query is answered by comparing all, by the graph, and
 * by comparing all again. What both exact answers hold was there in between, and the
 * graph should have found it. Walks that were not made are counted in @scans.
 */
static double recall_between(struct vexfs *h, uint32_t ef, uint32_t *scans)
{
	static const uint32_t flags[3] = { VEXFS_SEARCH_EXACT, 0, VEXFS_SEARCH_EXACT };
	uint32_t same = 0, all = 0;

	for (uint32_t q = 0; q < NQ_CHURN; q++) {
		uint64_t ids[3][K];
		uint32_t counts;

		for (int turn = 0; turn < 3; turn++) {
			struct vexfs_search req = { .flags = flags[turn], .count = 1, .k = K,
						    .queries = (uintptr_t)queries[q],
						    .ef = flags[turn] ? 0 : ef,
						    .ids = (uintptr_t)ids[turn],
						    .counts = (uintptr_t)&counts };
			struct vexfs_error err;

			if (vexfs_do_search(h, &req, &err)) {
				printf("# search: %s\n", err.text);
				return -1;
			}
			*scans += turn == 1 && req.plan != VEXFS_PLAN_GRAPH;
		}
		for (uint32_t i = 0; i < K; i++) {
			bool before = false, found = false;

			for (uint32_t j = 0; j < K; j++) {
				before |= ids[0][j] == ids[2][i];
				found |= ids[1][j] == ids[2][i];
			}
			if (!before || ids[2][i] == UINT64_MAX)
				continue;
			all++;
			same += found;
		}
	}
	return (double)same / all;
}

static bool sound(struct vexfs *h, uint64_t vectors_there)
{
	struct vexfs_check check = { 0 };
	struct vexfs_error err;

	if (vexfs_do_check(h, &check, &err)) {
		printf("# check: %s\n", err.text);
		return false;
	}
	if (check.faults || (vectors_there && check.reachable != vectors_there))
		printf("# %llu faults, %llu reachable: %s\n", (unsigned long long)check.faults,
		       (unsigned long long)check.reachable, check.report);
	return !check.faults && (!vectors_there || check.reachable == vectors_there);
}

/* Waits for @state; 60 seconds are for ever. */
static bool wait_state(struct vexfs *h, uint32_t state)
{
	struct vexfs_stat st;
	struct vexfs_error err;

	for (int i = 0; i < 6000; i++) {
		memset(&st, 0, sizeof(st));
		if (vexfs_do_stat(h, &st, &err))
			return false;
		if (st.index_state == state)
			return true;
		usleep(10000);
	}
	return false;
}

static void build(struct vexfs *h)
{
	struct vexfs_index_req req = { .op = VEXFS_INDEX_OP_BUILD, .m = 12, .ef_construction = 80 };
	struct vexfs_index_req stop = { .op = VEXFS_INDEX_OP_STOP };
	struct vexfs_index_req drop = { .op = VEXFS_INDEX_OP_DROP };
	static uint64_t ids[NQ * K];
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;
	uint32_t counts[NQ], plan = 0;

	ok(!vexfs_do_index(h, &req, &err), "a build starts");
	ok(vexfs_do_index(h, &req, &err) && (err.code == EBUSY || err.code == EEXIST),
	   "a second build is refused: %s", err.text);
	ok(!vexfs_do_index(h, &stop, &err), "the build is stopped");
	vexfs_do_stat(h, &st, &err);
	ok(st.index_state == VEXFS_INDEX_STOPPED || st.index_state == VEXFS_INDEX_READY,
	   "the build has stopped at %llu of %llu", (unsigned long long)st.index_done,
	   (unsigned long long)st.count);
	if (st.index_state == VEXFS_INDEX_STOPPED) {
		search(h, 0, 64, NULL, ids, counts, &plan);
		ok(plan != VEXFS_PLAN_GRAPH, "searches are exact meanwhile (%s)", vexfs_plan_name(plan));
		ok(!vexfs_do_index(h, &req, &err), "the build continues");
	}
	ok(wait_state(h, VEXFS_INDEX_READY), "the build completes");
	ok(sound(h, N), "the graph is consistent, and every vector reachable");
	search(h, 0, 64, NULL, ids, counts, &plan);
	ok(plan == VEXFS_PLAN_GRAPH, "searches walk the graph (%s)", vexfs_plan_name(plan));
	double r = recall(h, 80);

	ok(r >= 0.95, "recall@10 at ef 80: %.3f", r);
	ok(!vexfs_do_index(h, &drop, &err), "the graph is dropped");
	search(h, 0, 64, NULL, ids, counts, &plan);
	ok(plan != VEXFS_PLAN_GRAPH, "searches are exact again");
	req.code = VEXFS_CODE_I8;
	ok(!vexfs_do_index(h, &req, &err) && wait_state(h, VEXFS_INDEX_READY),
	   "the graph is built again, with i8 codes");
	r = recall(h, 80);
	ok(r >= 0.93, "recall@10 at ef 80 by codes: %.3f", r);
	ok(sound(h, N), "the graph with codes is consistent");
	vexfs_do_index(h, &drop, &err);
	req.code = VEXFS_CODE_NONE;
	ok(!vexfs_do_index(h, &req, &err) && wait_state(h, VEXFS_INDEX_READY), "the graph is built again, without codes");
}

static void filtered(struct vexfs *h)
{
	static const uint32_t keep[] = { 1 << 20, N / 2, N / 10, N / 100, N / 1000, 3, 1, 0 };
	static uint64_t ids[NQ * K], exact[NQ * K];
	uint32_t counts[NQ], plan;

	for (unsigned int f = 0; f < sizeof(keep) / sizeof(keep[0]); f++) {
		/* The record is the id in network order: below keep[f] matches. */
		const struct vexfs_filter_insn prog[] = {
			{ 0x20, 0, 0, 0 }, { 0x35, 1, 0, keep[f] }, { 0x06, 0, 0, 1 }, { 0x06, 0, 0, 0 },
		};
		uint32_t matches = keep[f] < N ? keep[f] : N, want = matches < K ? matches : K;
		uint32_t wrong = 0, stray = 0, same = 0;

		if (!search(h, VEXFS_SEARCH_EXACT, 0, prog, exact, counts, NULL) ||
		    !search(h, 0, 0, prog, ids, counts, &plan)) {
			ok(false, "filter to %u", matches);
			continue;
		}
		for (uint32_t q = 0; q < NQ; q++) {
			wrong += counts[q] != want;
			for (uint32_t i = 0; i < want; i++) {
				stray += ids[q * K + i] >= matches;
				for (uint32_t j = 0; j < want; j++)
					same += ids[q * K + i] == exact[q * K + j];
			}
		}
		ok(!wrong && !stray && same >= 0.95 * want * NQ,
		   "filter to %u: %u each, none that does not match, %u of %u right, by %s", matches,
		   want, same, want * NQ, vexfs_plan_name(plan));
	}
}

static void classify(struct vexfs *h)
{
	uint64_t id = 77, ids[50];
	struct vexfs_vote votes[8] = { 0 };
	struct vexfs_search sreq = { .flags = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_EXACT |
					      VEXFS_SEARCH_SKIP_SELF,
				     .count = 1, .k = 50, .queries = (uintptr_t)&id,
				     .ids = (uintptr_t)ids };
	struct vexfs_classify req = { .flags = VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF, .k = 50,
				      .query = (uintptr_t)&id, .ef = 400, .field_offset = 3,
				      .field_size = 1, .votes = (uintptr_t)votes, .count = 8 };
	uint32_t count[256] = { 0 }, classes = 0, sum = 0;
	struct vexfs_error err;
	bool sorted = true;

	ok(!vexfs_do_search(h, &sreq, &err) && !vexfs_do_classify(h, &req, &err), "classify");
	/* the last byte of the record is the low byte of the id */
	for (uint32_t i = 0; i < sreq.found; i++)
		classes += !count[ids[i] & 0xff]++;
	for (uint32_t i = 0; i < 8 && i < req.count; i++) {
		sum += votes[i].votes == count[votes[i].value];
		if (i)
			sorted &= votes[i - 1].votes > votes[i].votes ||
				  (votes[i - 1].votes == votes[i].votes &&
				   votes[i - 1].value < votes[i].value);
	}
	ok(sum >= 6 && sorted && req.count + 4 >= classes, "classify: the votes are those of the neighbours, in order");
	req.field_size = 3;
	ok(vexfs_do_classify(h, &req, &err) && err.code == EINVAL, "classify: a field of 3 bytes: %s", err.text);
	req.field_size = 4;
	ok(vexfs_do_classify(h, &req, &err) && err.code == EINVAL, "classify: a field beyond the record: %s",
	   err.text);
}

/* ---- churn ---- */

static atomic_int running;

static void *churn(void *arg)
{
	uint64_t first = (uint64_t)(uintptr_t)arg, ids[500];
	struct vexfs_error err;
	struct vexfs *h;
	bool good = true;

	if (vexfs_open(NULL, name, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		return "open";
	for (int r = 0; r < ROUNDS && good; r++) {
		struct vexfs_delete del = { .count = 500, .ids = (uintptr_t)ids };
		uint64_t at = first + (uint64_t)(r % 6) * 500;

		for (int i = 0; i < 500; i++)
			ids[i] = at + (uint64_t)i;
		good = !vexfs_do_delete(h, &del, &err) && put(h, at, 500, &err);
	}
	if (!good)
		printf("# churn: %s\n", err.text);
	vexfs_close(h);
	atomic_fetch_sub(&running, 1);
	return good ? NULL : "failed";
}

static void storm(struct vexfs *h)
{
	uint32_t scans = 0;
	double quiet = recall_between(h, CHURN_EF, &scans), worst = 1, r, after;
	pthread_t tid[CHURNERS];
	bool all_sound = true, all_well = true;
	int searches = 0;
	void *ret;

	running = CHURNERS;
	for (uintptr_t i = 0; i < CHURNERS; i++)
		if (pthread_create(&tid[i], NULL, churn, (void *)(i * (N / CHURNERS))))
			exit(1);
	while (running) {
		r = recall_between(h, CHURN_EF, &scans);
		worst = r < worst ? r : worst;
		all_sound &= sound(h, 0);
		searches++;
	}
	for (int i = 0; i < CHURNERS; i++) {
		pthread_join(tid[i], &ret);
		all_well &= !ret;
	}
	after = recall_between(h, CHURN_EF, &scans);
	ok(all_well, "%d writers deleted and stored %d vectors each", CHURNERS, ROUNDS * 500);
	ok(all_sound, "the graph was consistent at %d checks meanwhile", searches);
	ok(!scans, "all searches were walks");
	ok(worst >= quiet - 0.01, "recall@10 at ef %d: %.4f quiet, %.4f at worst in %d rounds of churn",
	   CHURN_EF, quiet, worst, searches);
	ok(after >= quiet - 0.01, "recall@10 at ef %d: %.4f before, %.4f after", CHURN_EF, quiet,
	   after);
	ok(sound(h, N), "afterwards the graph is consistent, and every vector reachable");
}

/* ---- turnovers ---- */

/* Every vector deleted and stored again in random order, ten times over. */
static void turnovers(void)
{
	enum { MANY = 3000, TIMES = 10, PART = 250 };
	struct vexfs_create req = { .dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2,
				    .attr_size = 4, .index = VEXFS_INDEX_GRAPH };
	static uint64_t order[MANY];
	struct vexfs_stat before = { 0 }, after = { 0 };
	struct vexfs_error err = { 0 };
	uint32_t scans = 0, tries;
	double fresh, churned;
	struct vexfs *h;
	bool well;

	vexfs_do_drop(NULL, "e2e-turnover", &err);
	if (!ok(!vexfs_do_create(NULL, &req, "e2e-turnover", NULL, &h, &err), "create"))
		return;
	well = put(h, 0, MANY, &err) && !vexfs_do_stat(h, &before, &err);
	fresh = recall_between(h, TURNOVER_EF, &scans);
	for (uint64_t i = 0; i < MANY; i++)
		order[i] = i;
	for (int t = 0; t < TIMES && well; t++) {
		for (uint32_t i = MANY - 1; i; i--) {
			uint32_t j = rnd(i + 1);
			uint64_t id = order[i];

			order[i] = order[j];
			order[j] = id;
		}
		for (uint32_t at = 0; at < MANY && well; at += PART) {
			struct vexfs_delete del = { .count = PART, .ids = (uintptr_t)(order + at) };

			well = !vexfs_do_delete(h, &del, &err);
			for (uint32_t i = at; i < at + PART && well; i++)
				well = put(h, order[i], 1, &err);
		}
	}
	ok(well, "%d turnovers of %d vectors: %s", TIMES, MANY, well ? "done" : err.text);
	churned = recall_between(h, TURNOVER_EF, &scans);
	/* freed slots come back after their readers have gone */
	for (tries = 0; tries < 200; tries++) {
		if (vexfs_do_stat(h, &after, &err) || after.bytes <= before.bytes * 11 / 10)
			break;
		usleep(50000);
	}
	ok(!scans && churned >= fresh - 0.015, "recall@10 at ef %d: %.4f fresh, %.4f after turnovers",
	   TURNOVER_EF, fresh, churned);
	ok(after.bytes <= before.bytes * 11 / 10, "memory: %llu bytes fresh, %llu after turnovers",
	   (unsigned long long)before.bytes, (unsigned long long)after.bytes);
	ok(sound(h, MANY), "after turnovers the graph is consistent, and every vector reachable");
	fflush(stdout);
	ok(!system("vexctl check e2e-turnover | sed 's/^/# /'; vexctl check e2e-turnover >/dev/null"),
	   "vexctl check says so, too");
	vexfs_close(h);
	ok(!vexfs_do_drop(NULL, "e2e-turnover", &err), "drop");
}

int main(void)
{
	struct vexfs_create req = { .dim = DIM, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2,
				    .attr_size = 4 };
	struct vexfs_error err;
	struct vexfs *h;

	for (uint32_t i = 0; i < 2 * N; i++) {
		make_vector(vectors[i]);
		attrs[i] = __builtin_bswap32(i);
	}
	for (uint32_t i = 0; i < NQ_CHURN; i++)
		make_vector(queries[i]);
	vexfs_do_drop(NULL, name, &err);
	if (!ok(!vexfs_do_create(NULL, &req, name, NULL, &h, &err), "create"))
		return done();
	ok(put(h, 0, N, &err), "store");
	build(h);
	filtered(h);
	classify(h);
	storm(h);
	vexfs_close(h);
	ok(!vexfs_do_drop(NULL, name, &err), "drop");
	turnovers();
	return done();
}
