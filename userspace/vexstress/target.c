// SPDX-License-Identifier: GPL-2.0
/*
 * The standard jobs by which targets are measured. A rate whose recall is below its condition
 * is missed.
 */
#include "coll.h"
#include "kstat.h"
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A fraction of a second cannot tell a slow module from a busy host. A target that a short
 * attempt misses gets one longer attempt, whatever its result, and both are judged together.
 * This rule is fixed before anything is measured.
 */
#define SHORT_ATTEMPT	3.0	/* seconds */
#define LONG_ATTEMPT	4.0
/* Sums over the attempts of all jobs. */
static struct {
	uint64_t ops, errors;
	unsigned int broken;	/* jobs that did not run to the end */
	uint64_t recall_queries;
	double recall_sum;
	uint64_t pool_allocs, pool_hits;
	struct vs_hist fast, slow;	/* time in the kernel of an op, by the variant */
	uint64_t fast_distances, slow_distances;
	struct paced {		/* ops at a rate */
		struct vs_hist raw, available;	/* latencies */
		double good, worker_s, unavailable_s, s;
	} point, bridge;
} total;
static unsigned int processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 256 ? 256 : (unsigned int)n;
}

/* A standard job: the options of the command line, and what the target needs. */
static void standard(struct vx_job *job, const struct vx_job *base, const char *name,
		     const char *workload)
{
	*job = *base;
	snprintf(job->name, sizeof(job->name), "%s", name);
	job->workload = vx_workload_find(workload);
	if (!job->threads)
		job->threads = processors();
}

/* What ends the run early. */
struct tally {
	bool wrong;
	int killed_by;
};

/* Runs one job and keeps its result; an enum vx_exit or VX_SKIPPED. */
static int run_one(json_t *result, struct vx_job *job, struct vx_outcome *out, struct tally *t)
{
	struct vx_job *list[1] = { job };
	int ret = vx_run_group(list, 1, out);

	if (ret)
		return ret;
	total.ops += out->all.ops;
	total.errors += out->all.errors;
	if (out->killed_by)
		total.broken++;
	t->wrong = t->wrong || out->wrong;
	if (out->killed_by)
		t->killed_by = out->killed_by;
	if (out->wrong)
		vx_say("%s: wrong answers: %s", job->name, out->message);
	else if (out->all.errors || out->killed_by)
		vx_say("%s: %llu of %llu ops failed%s%s", job->name,
		       (unsigned long long)out->all.errors, (unsigned long long)out->all.ops,
		       out->message[0] ? ": " : "", out->message);
	vx_result_add(result, out);
	return VX_OK;
}

/*
 * Nanoseconds in the kernel per distance, of the median op, since some ops are preempted.
 */
static double cost_of(const struct vs_hist *kernel, uint64_t distances)
{
	return distances ? (double)vs_hist_quantile(kernel, 0.5) * (double)kernel->count /
			   (double)distances : 0;
}

static int run_variant(json_t *result, struct vx_job *job, const char *variant,
		       struct vx_outcome *out, struct tally *t, struct vs_hist *kernel,
		       uint64_t *distances)
{
	int ret;

	snprintf(job->name, sizeof(job->name), "simd-%.40s", variant);
	if (vx_param_set("simd", variant))
		return VX_SKIPPED;
	ret = run_one(result, job, out, t);
	if (!ret) {
		vs_hist_merge(kernel, &out->all.kernel);
		*distances += out->distances;
	}
	vx_outcome_free(out);
	return ret;
}

/* The variant in use against scalar, in turn: auto, scalar, auto, scalar. */
static int run_simd(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		    struct tally *t)
{
	static struct vs_hist fast, slow;	/* of this attempt */
	uint64_t nfast = 0, nslow = 0;
	double length = base->duration > 0 ? base->duration : vx_set.measure;
	char before[128];
	struct vx_job job;
	int ret = VX_OK, i;

	if (vx_param_get("simd", before, sizeof(before))) {
		vx_goal_skip("simd_speedup", "this module has no parameter simd");
		return VX_OK;
	}
	vx_param_chosen(before);
	memset(&fast, 0, sizeof(fast));
	memset(&slow, 0, sizeof(slow));
	standard(&job, base, "simd", "simd");
	job.threads = 1;
	job.duration = length / 4;
	job.keep = true;
	for (i = 0; i < 2 && !ret && !vx_signal; i++) {
		ret = run_variant(result, &job, before, out, t, &fast, &nfast);
		if (!ret)
			ret = run_variant(result, &job, "scalar", out, t, &slow, &nslow);
	}
	vx_coll_drop(&job);
	if (vx_param_set("simd", before))
		vx_say("cannot set simd back to %s: %s", before, strerror(errno));
	if (ret == VX_SKIPPED) {
		vx_goal_skip("simd_speedup", "the parameter simd cannot be written");
		return VX_OK;
	}
	if (ret)
		return ret;
	if (!cost_of(&fast, nfast) || !cost_of(&slow, nslow)) {
		vx_goal_skip("simd_speedup", "the module did not say how long its searches took");
		return ret;
	}
	vx_goal_attempt("simd_speedup", cost_of(&slow, nslow) / cost_of(&fast, nfast), length);
	vs_hist_merge(&total.fast, &fast);
	vs_hist_merge(&total.slow, &slow);
	total.fast_distances += nfast;
	total.slow_distances += nslow;
	vx_goal_measured("simd_speedup", cost_of(&total.slow, total.slow_distances) /
				 cost_of(&total.fast, total.fast_distances));
	return ret;
}

static int run_vector(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		      struct tally *t)
{
	struct vx_job job;
	int ret;

	standard(&job, base, "vector", "vector");
	ret = run_one(result, &job, out, t);
	if (!ret) {
		vx_goal_rate("vector_ops_per_sec", out);
		if (job.recall >= 0 && job.recall < 1)
			vx_goal_failed("vector_ops_per_sec", "exact searches missed results (recall %.4f)",
			       job.recall);
	} else if (ret == VX_SKIPPED) {
		vx_goal_skip("vector_ops_per_sec", job.note);
	}
	return ret;
}

static int run_semantic(json_t *result, const struct vx_job *base, struct vx_outcome *out,
			struct tally *t)
{
	struct vx_job job;
	int ret;

	standard(&job, base, "semantic", "semantic");
	if ((vx_set.profile == VX_PROFILE_QUICK || vx_set.profile == VX_PROFILE_SMOKE) &&
	    !job.vectors)
		job.vectors = 10000;
	ret = run_one(result, &job, out, t);
	if (!ret) {
		vx_goal_rate("semantic_ops_per_sec", out);
		if (job.recall >= 0) {
			vx_goal_attempt("semantic_recall", job.recall, out->seconds);
			total.recall_queries += job.recall_queries;
			total.recall_sum += job.recall * (double)job.recall_queries;
			vx_goal_measured("semantic_recall", total.recall_sum / (double)total.recall_queries);
		}
		if (job.recall < 0.95)
			vx_goal_failed("semantic_ops_per_sec", "recall is only %.4f", job.recall);
	} else if (ret == VX_SKIPPED) {
		vx_goal_skip("semantic_ops_per_sec", job.note);
		vx_goal_skip("semantic_recall", job.note);
	}
	return ret;
}

static int run_point(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		     struct tally *t)
{
	struct vx_job job;
	int ret;

	standard(&job, base, "point", "point");
	ret = run_one(result, &job, out, t);
	if (!ret)
		vx_goal_rate("point_ops_per_sec", out);
	else if (ret == VX_SKIPPED)
		vx_goal_skip("point_ops_per_sec", job.note);
	return ret;
}

/* The latencies that are judged; a quantile of 0 is the mean. */
static const struct latency {
	const char *name;
	double quantile;
} point_latencies[] = {
	{ "point_mean_ms", 0 }, { "point_p95_ms", 0.95 }, { "point_p99_ms", 0.99 },
}, bridge_latencies[] = {
	{ "bridge_latency_ms", 0.99 },
};

static double latency_ms(const struct vs_hist *h, double quantile)
{
	return (quantile > 0 ? (double)vs_hist_quantile(h, quantile) : vs_hist_mean(h)) / 1e6;
}

static void paced_attempt(const struct latency *list, size_t n, const struct vx_outcome *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(vx_goal(list[i].name)->attempts, json_pack(
			"{s:f, s:f, s:f, s:f, s:f}",
			"measured", latency_ms(&out->all.corrected, list[i].quantile),
			"seconds", out->seconds,
			"without_unavailable", latency_ms(&out->all.available, list[i].quantile),
			"unavailable_s", out->unavailable_s,
			"held_ops_per_s", out->seconds > 0 ?
				(double)(out->all.ops - out->all.errors) / out->seconds : 0.0));
}

/* Latencies of all ops of all attempts, with and without unavailable time. */
static void judge_paced(const struct latency *list, size_t n, const struct paced *p, double due)
{
	double missing = p->worker_s > 0 ? p->unavailable_s / p->worker_s : 0;
	double held = p->s > 0 ? p->good / p->s : 0;
	size_t i;

	for (i = 0; i < n; i++) {
		struct vx_goal *g = vx_goal(list[i].name);

		vx_goal_measured(list[i].name, latency_ms(&p->raw, list[i].quantile));
		g->f.without = latency_ms(&p->available, list[i].quantile);
		g->f.due = due;
		g->f.held = held;
		g->f.held_without = missing < 1 ? held / (1 - missing) : held;
		g->unavailable_s = p->unavailable_s;
		if (held < VX_HELD * due)
			snprintf(g->reason, sizeof(g->reason), "at %.0f ops/s, not %.0f", held, due);
	}
}

/* Latency is measured at the rate of its target, from when an op was due. */
static int run_at_rate(json_t *result, struct vx_job *job, struct vx_outcome *out, struct tally *t,
		       const struct latency *list, size_t n, struct paced *p)
{
	size_t i;
	int ret = run_one(result, job, out, t);

	if (!ret) {
		paced_attempt(list, n, out);
		vs_hist_merge(&p->raw, &out->all.corrected);
		vs_hist_merge(&p->available, &out->all.available);
		p->good += (double)(out->all.ops - out->all.errors);
		p->s += out->seconds;
		p->worker_s += out->seconds * job->threads;
		p->unavailable_s += out->unavailable_s;
		judge_paced(list, n, p, job->rate);
	} else if (ret == VX_SKIPPED) {
		for (i = 0; i < n; i++)
			vx_goal_skip(list[i].name, job->note);
	}
	return ret;
}

static int run_paced(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		     struct tally *t)
{
	struct vx_job job;

	standard(&job, base, "point-paced", "point");
	job.rate = vx_goal("point_ops_per_sec")->wanted ? vx_goal("point_ops_per_sec")->f.target : 16659;
	job.think = 0;
	return run_at_rate(result, &job, out, t, point_latencies, ARRAY_SIZE(point_latencies),
			   &total.point);
}

/* The rate of a closed loop, and the latency at the promised rate; half of the time each. */
static int run_bridge(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		      struct tally *t)
{
	const struct vx_goal *ops = vx_goal("bridge_ops_per_sec");
	double length = base->duration > 0 ? base->duration : vx_set.measure;
	struct vx_job job;
	int ret;

	standard(&job, base, "bridge", "bridge");
	/* One process has many ops in flight; the other processors run the module's workers. */
	job.threads = base->threads ? base->threads : 1;
	job.batch = 1;
	job.think = 0;
	job.duration = length / 2;
	ret = run_one(result, &job, out, t);
	if (ret == VX_SKIPPED) {
		vx_goal_skip("bridge_ops_per_sec", job.note);
		vx_goal_skip("bridge_latency_ms", job.note);
	}
	if (ret)
		return ret;
	vx_goal_rate("bridge_ops_per_sec", out);
	vx_outcome_free(out);
	snprintf(job.name, sizeof(job.name), "bridge-paced");
	job.rate = ops->wanted ? ops->f.target : 3000;
	return run_at_rate(result, &job, out, t, bridge_latencies, ARRAY_SIZE(bridge_latencies),
			   &total.bridge);
}

static int run_pools(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		     struct tally *t)
{
	uint64_t allocs, hits, allocs_after, hits_after;
	bool known = !vx_counter("pool", "allocs", &allocs) &&
		     !vx_counter("pool", "hits", &hits);
	struct vx_job job;
	int ret;

	standard(&job, base, "pools", "pools");
	ret = run_one(result, &job, out, t);
	if (ret)
		return ret;
	if (!known || vx_counter("pool", "allocs", &allocs_after) ||
	    vx_counter("pool", "hits", &hits_after)) {
		vx_goal_skip("pool_hit_rate", "the module's counters cannot be read in debugfs");
	} else if (allocs_after == allocs) {
		vx_goal_skip("pool_hit_rate", "no op took a buffer from the pools");
	} else {
		vx_goal_attempt("pool_hit_rate", (double)(hits_after - hits) /
					 (double)(allocs_after - allocs), out->seconds);
		total.pool_hits += hits_after - hits;
		total.pool_allocs += allocs_after - allocs;
		vx_goal_measured("pool_hit_rate", (double)total.pool_hits / (double)total.pool_allocs);
	}
	return ret;
}

static void read_stack(void)
{
	uint64_t deepest, violations;

	if (vx_counter("stack", "deepest", &deepest) ||
	    vx_counter("stack", "violations", &violations)) {
		vx_goal_skip("stack_depth_bytes", "the module's counters cannot be read in debugfs");
		vx_goal_skip("stack_violations", "the module's counters cannot be read in debugfs");
		return;
	}
	if (!deepest) {
		vx_goal_skip("stack_depth_bytes", "no op has measured its stack");
		vx_goal_skip("stack_violations", "no op has measured its stack");
		return;
	}
	vx_goal_measured("stack_depth_bytes", (double)deepest);
	vx_goal_measured("stack_violations", (double)violations);
}

/* Metadata and data, half of the time each; neighbours are for the graph's targets. */
static int run_fuse(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		    struct tally *t)
{
	static const char *const workload[] = { "fuse-meta", "fuse-io" };
	double length = base->duration > 0 ? base->duration : vx_set.measure;
	struct vx_job job;
	int ret = VX_OK, i;

	for (i = 0; i < 2 && !ret && !vx_signal; i++) {
		standard(&job, base, workload[i], workload[i]);
		job.duration = length / 2;
		ret = run_one(result, &job, out, t);
		if (!ret)
			vx_goal_rate("fuse_ops_per_sec", out);
		else if (ret == VX_SKIPPED)
			vx_goal_skip("fuse_ops_per_sec", job.note);
		if (!i)
			vx_outcome_free(out);
	}
	return ret;
}
typedef int (*job_fn)(json_t *r, const struct vx_job *b, struct vx_outcome *o, struct tally *t);
/* Runs a target's job, and once more for longer if it was short and did not meet. */
static int run_job(enum vx_standard job, job_fn run, json_t *result, const struct vx_job *base,
		   struct vx_outcome *out, struct tally *t)
{
	double length = base->duration > 0 ? base->duration : vx_set.measure;
	struct vx_job longer = *base;
	int ret;

	ret = run(result, base, out, t);
	vx_outcome_free(out);
	if (!ret && length < SHORT_ATTEMPT && !base->ops && !t->wrong && !t->killed_by &&
	    !vx_signal && !vx_goals_met(job)) {
		longer.duration = LONG_ATTEMPT;
		ret = run(result, &longer, out, t);
		vx_outcome_free(out);
	}
	return ret;
}

int vx_target_run(json_t *result, const struct vx_job *base)
{
	static const struct {
		enum vx_standard job;
		job_fn run;
	} plan[] = {
		{ VX_STD_VECTOR, run_vector }, { VX_STD_SEMANTIC, run_semantic },
		{ VX_STD_POINT, run_point }, { VX_STD_PACED, run_paced }, { VX_STD_POOLS, run_pools },
		{ VX_STD_SIMD, run_simd }, { VX_STD_FUSE, run_fuse }, { VX_STD_BRIDGE, run_bridge },
	};
	struct vx_outcome *out = calloc(1, sizeof(*out));
	struct tally t = { false, 0 };
	struct vx_count count;
	int ret = VX_OK;
	size_t i;

	if (!out)
		return VX_MISSED;
	for (i = 0; i < ARRAY_SIZE(plan) && !vx_signal && !t.killed_by; i++) {
		if (!vx_goals_need(plan[i].job))
			continue;
		ret = run_job(plan[i].job, plan[i].run, result, base, out, &t);
		if (ret == VX_NO_DEVICE || ret == VX_USAGE)
			goto out;
		if (t.killed_by || (ret != VX_OK && ret != VX_SKIPPED)) {
			total.broken++;
			vx_goals_broken(plan[i].job);
		}
	}
	read_stack();
	if (total.ops) {
		vx_goal_measured("success_rate", (double)(total.ops - total.errors) / (double)total.ops);
		if (total.broken)
			vx_goal_failed("success_rate", "%.0f jobs did not run to the end", total.broken);
	}
	vx_goals_unmeasured(vx_signal ? "the run was ended before" : "nothing was measured");
	vx_goals_judge(result, &count);
	ret = vx_count_status(&count, vx_set.strict);
	/* Also where success_rate is not asked for. */
	if (total.errors || total.broken)
		ret = VX_MISSED;
	if (t.wrong)
		ret = VX_WRONG;
	if (t.killed_by)
		ret = 128 + t.killed_by;
out:
	free(out);
	return ret;
}
