// SPDX-License-Identifier: GPL-2.0
/*
 * What does vexstress add to a saturating workload? It runs the same mix once under the
 * engine, which draws and prepares every op, reads clocks, fills histograms and has a
 * parent process, and once as a bare loop of ioctl() over requests prepared beforehand,
 * in turn. Writes rows like the other benchmarks.
 */
#include "coll.h"
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 21
#define SLICES 20

/* A request, ready to be sent. */
struct request {
	unsigned long op;
	union {
		struct vexfs_search search;
		struct vexfs_put put;
		struct vexfs_get get;
		struct vexfs_delete del;
	} r;
	uint64_t id;
	uint32_t attr;
};

#define REQUESTS	8192
#define RESULTS		64

/*
 * The mix of a workload, prepared beforehand. At its end the collection is as it was at
 * the beginning, so that it can be repeated.
 */
struct script {
	struct request *list;
	size_t n, at;
	uint64_t *live, *dead;
	size_t nlive, ndead;
	uint64_t ids[RESULTS];
	float distances[RESULTS];
	uint32_t counts[1];
	float *row;
};

static void add_put(struct script *sc, const struct vx_coll *c, struct vs_rng *rng)
{
	struct request *q = &sc->list[sc->n++];

	q->op = VEXFS_IOC_PUT;
	if (sc->ndead) {
		q->id = sc->dead[--sc->ndead];
		sc->live[sc->nlive++] = q->id;
	} else {
		q->id = sc->live[vs_rng_below(rng, sc->nlive)];
	}
	vx_attr(q->id, &q->attr);
	q->r.put.size = sizeof(q->r.put);
	q->r.put.flags = VEXFS_PUT_UPSERT;
	q->r.put.count = 1;
	q->r.put.ids = (uintptr_t)&q->id;
	q->r.put.vectors = (uintptr_t)(c->pool + vs_rng_below(rng, VX_POOL_ROWS) * c->dim);
	q->r.put.attrs = (uintptr_t)&q->attr;
}

static void add_request(struct script *sc, const struct vx_job *job, unsigned int action,
			struct vs_rng *rng)
{
	const struct vx_coll *c = job->coll;
	struct request *q = &sc->list[sc->n];
	size_t at;

	if (action == VX_UPSERT) {
		add_put(sc, c, rng);
		return;
	}
	sc->n++;
	at = vs_rng_below(rng, sc->nlive);
	q->id = sc->live[at];
	if (action == VX_EXACT) {
		q->op = VEXFS_IOC_SEARCH;
		q->r.search.size = sizeof(q->r.search);
		q->r.search.flags = VEXFS_SEARCH_EXACT;
		q->r.search.count = 1;
		q->r.search.k = (uint32_t)job->k;
		q->r.search.queries = (uintptr_t)(c->queries + vs_rng_below(rng, c->nqueries) * c->dim);
		q->r.search.ids = (uintptr_t)sc->ids;
		q->r.search.distances = (uintptr_t)sc->distances;
		q->r.search.counts = (uintptr_t)sc->counts;
	} else if (action == VX_GET) {
		q->op = VEXFS_IOC_GET;
		q->r.get.size = sizeof(q->r.get);
		q->r.get.count = 1;
		q->r.get.ids = (uintptr_t)&q->id;
		q->r.get.vectors = (uintptr_t)sc->row;
	} else {
		q->op = VEXFS_IOC_DELETE;
		q->r.del.size = sizeof(q->r.del);
		q->r.del.count = 1;
		q->r.del.ids = (uintptr_t)&q->id;
		sc->live[at] = sc->live[--sc->nlive];
		sc->dead[sc->ndead++] = q->id;
	}
}

static int write_script(struct script *sc, const struct vx_job *job)
{
	const struct vx_kind *kinds = job->workload->kinds;
	const struct vx_coll *c = job->coll;
	struct vs_rng rng;
	size_t i, k;

	vs_rng_seed(&rng, 1);
	/* Every delete may need a put at the end. */
	sc->list = calloc(2 * REQUESTS, sizeof(*sc->list));
	sc->live = malloc(c->base * sizeof(*sc->live));
	sc->dead = malloc(c->base * sizeof(*sc->dead));
	sc->row = malloc(c->dim * sizeof(*sc->row));
	if (!sc->list || !sc->live || !sc->dead || !sc->row || job->k > RESULTS)
		return -1;
	for (i = 0; i < c->base; i++)
		sc->live[i] = i;
	sc->nlive = c->base;
	for (i = 0; i < REQUESTS; i++) {
		unsigned int at = (unsigned int)vs_rng_below(&rng, 100);

		for (k = 0; kinds[k + 1].name && at >= kinds[k].share; k++)
			at -= kinds[k].share;
		add_request(sc, job, kinds[k].action, &rng);
	}
	while (sc->ndead)
		add_put(sc, c, &rng);
	return 0;
}

static void free_script(struct script *sc)
{
	free(sc->list);
	free(sc->live);
	free(sc->dead);
	free(sc->row);
}

/* System calls only, for the given time; ops per second, or -1 if one fails. */
static double send_all(struct script *sc, int fd, double seconds)
{
	uint64_t begin = vs_ticks(), end = begin, ops = 0;

	while ((double)vs_to_ns(end - begin) / 1e9 < seconds) {
		unsigned int n;

		for (n = 0; n < 64; n++) {
			struct request *q = &sc->list[sc->at];

			if (ioctl(fd, q->op, &q->r) < 0) {
				vx_say("a request of the bare loop failed: %s", strerror(errno));
				return -1;
			}
			sc->at = sc->at + 1 < sc->n ? sc->at + 1 : 0;
		}
		ops += n;
		end = vs_ticks();
	}
	return (double)ops / ((double)vs_to_ns(end - begin) / 1e9);
}

/*
 * In a process of its own, like a worker: the lab's kernel decides where it runs and what
 * a system call costs there, which is not the engine's cost.
 */
static double in_child(struct script *sc, int fd, double seconds)
{
	double rate = -1;
	int status, out[2];
	pid_t pid;

	if (pipe(out))
		return -1;
	pid = fork();
	if (!pid) {
		/* The first third is warm-up, as in the engine. */
		rate = send_all(sc, fd, seconds / 3);
		if (rate > 0)
			rate = send_all(sc, fd, seconds);
		_exit(write(out[1], &rate, sizeof(rate)) != sizeof(rate));
	}
	close(out[1]);
	if (pid > 0 && (read(out[0], &rate, sizeof(rate)) != sizeof(rate) ||
			waitpid(pid, &status, 0) != pid || status))
		rate = -1;
	close(out[0]);
	return rate;
}

/* Ops per second of a bare loop of ioctl() over the same mix. */
static double bare(const struct vx_job *from, double seconds)
{
	struct vx_job job = *from;
	struct script sc = { 0 };
	double rate = -1;

	if (!vx_coll_setup(&job) && !write_script(&sc, &job))
		rate = in_child(&sc, vexfs_fd(job.coll->handle), seconds);
	vx_coll_drop(&job);
	free_script(&sc);
	return rate;
}

/*
 * The same under the engine; @outside: the fraction of the time between its calls, for
 * each slice.
 */
static double engine(const struct vx_job *from, struct vx_outcome *out, double *outside)
{
	struct vx_job job = *from, *list[1] = { &job };
	double rate = -1;
	size_t i;

	if (!vx_run_group(list, 1, out) && out->seconds > 0) {
		rate = (double)out->all.ops / out->seconds;
		/* By slices: the parent may be late between reading a clock and the sums. */
		for (i = 0; i < out->nslices && i < SLICES; i++)
			outside[i] = 1 - out->slices[i].mean_ns * out->slices[i].ops_per_s / 1e9;
		for (; i < SLICES; i++)
			outside[i] = 0;
	}
	vx_outcome_free(out);
	return rate;
}

static int rows(json_t *list, const char *workload, double seconds, struct vx_outcome *out)
{
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS], outside[ROUNDS * SLICES], a, b, r;
	char name[64];
	struct vx_job job;
	int i;

	vx_job_defaults(&job);
	job.threads = 1;
	job.workload = vx_workload_find(workload);
	snprintf(job.name, sizeof(job.name), "%s", workload);
	vx_set.measure = seconds;
	vx_set.warmup = seconds / 3;
	vx_set.warmup_fixed = true;
	vx_set.samples = SLICES;
	vx_set.quiet = true;
	for (i = 0; i < ROUNDS; i++) {
		/* The order alternates, so that drift affects both. */
		if (i & 1)
			ours[i] = engine(&job, out, outside + (size_t)i * SLICES);
		theirs[i] = bare(&job, seconds);
		if (!(i & 1))
			ours[i] = engine(&job, out, outside + (size_t)i * SLICES);
		if (ours[i] <= 0 || theirs[i] <= 0)
			return -1;
	}
	/* Each pair ran side by side: takes the median of their ratios. */
	for (i = 0; i < ROUNDS; i++)
		ratio[i] = ours[i] / theirs[i];
	a = vs_quantile(ours, ROUNDS, 0.5);
	b = vs_quantile(theirs, ROUNDS, 0.5);
	r = vs_quantile(ratio, ROUNDS, 0.5);
	snprintf(name, sizeof(name), "%s under vexstress", workload);
	printf("%-24s %12.0f ops/s, bare loop %12.0f ops/s, ratio %.4f (%.4f to %.4f)\n", name, a, b,
	       r, vs_quantile(ratio, ROUNDS, 0.25), vs_quantile(ratio, ROUNDS, 0.75));
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:b}", "name", name, "peer", "bare loop",
		"unit", "ops/s", "ours", a, "theirs", b, "ratio", r, "goal", 0.97, "pass", r >= 0.97));
	/*
	 * The time that a worker spends outside its calls is all that a bare loop could
	 * save. Other users of the machine affect both, so this holds where the two rates
	 * differ by more than that.
	 */
	r = vs_quantile(outside, ROUNDS * SLICES, 0.5);
	snprintf(name, sizeof(name), "%s outside of calls", workload);
	printf("%-24s %12.2f %% of the time (%.2f to %.2f)\n", name, 100 * r,
	       100 * vs_quantile(outside, ROUNDS * SLICES, 0.25), 100 * vs_quantile(outside, ROUNDS * SLICES, 0.75));
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:b}", "name", name, "peer", "the whole run",
		"unit", "share", "ours", r, "theirs", 1.0, "ratio", r, "goal", 0.03, "pass",
		r <= 0.03));
	return 0;
}

int main(int argc, char **argv)
{
	struct vx_outcome *out = calloc(1, sizeof(*out));
	json_t *list = json_array();
	static const char *const workloads[] = { "vector", "simd" };
	size_t i;
	int ret = 0;

	if (argc != 2 || !out) {
		fputs("usage: vexstress-overhead FILE.json\n", stderr);
		return VX_USAGE;
	}
	vs_clock_init();
	vx_set.debugfs = "/sys/kernel/debug/vexfs";
	for (i = 0; i < ARRAY_SIZE(workloads) && !ret; i++)
		if (rows(list, workloads[i], 0.5, out))
			ret = VX_NO_DEVICE;
	if (!ret && vx_write_json(argv[1], list))
		ret = VX_MISSED;
	json_decref(list);
	free(out);
	return ret;
}
