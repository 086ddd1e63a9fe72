// SPDX-License-Identifier: GPL-2.0
/*
 * Targets: promised value, measured value, verdict. A rate whose recall is below its
 * condition is missed. A target that cannot be measured is skipped with the reason and
 * never counted as met. A target is judged over all its attempts together.
 */
#include "coll.h"
#include "ini.h"
#include "kstat.h"
#include "verdict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_FILE	"/etc/vexfs/vexfs.conf"

/* The jobs that targets are measured by; each is run when a target needs it. */
enum standard { STD_NONE, STD_VECTOR, STD_SEMANTIC, STD_POINT, STD_PACED, STD_POOLS, STD_SIMD,
		STD_FUSE, STD_BRIDGE };

static const struct metric {
	const char *name;
	const char *unit;
	bool higher;
	enum standard job;
	double promised, stretch;
	const char *what;
} metrics[] = {
	{ "vector_ops_per_sec", "ops/s", true, STD_VECTOR, 2120, 21200, "exact ops" },
	{ "semantic_ops_per_sec", "ops/s", true, STD_SEMANTIC, 648, 6480, "graph ops" },
	{ "semantic_recall", "ratio", true, STD_SEMANTIC, 0.95, 0.95, "recall@10 of graph searches" },
	{ "fuse_ops_per_sec", "ops/s", true, STD_FUSE, 4125, 41250, "requests on a mount" },
	{ "pool_hit_rate", "ratio", true, STD_POOLS, 0.90, 0.90, "buffers served from the pools" },
	{ "simd_speedup", "x", true, STD_SIMD, 2.5, 2.5, "arithmetic in use over scalar" },
	{ "stack_depth_bytes", "bytes", false, STD_POOLS, 3072, 3072, "deepest stack of an op" },
	{ "stack_violations", "times", false, STD_POOLS, 0, 0, "ops deeper than the limit" },
	{ "point_ops_per_sec", "ops/s", true, STD_POINT, 16659, 166590, "small ops" },
	{ "point_mean_ms", "ms", false, STD_PACED, 0.060, 0.060, "small ops at that rate, mean" },
	{ "point_p95_ms", "ms", false, STD_PACED, 0.105, 0.105, "95th percentile" },
	{ "point_p99_ms", "ms", false, STD_PACED, 0.328, 0.328, "99th percentile" },
	{ "success_rate", "ratio", true, STD_POINT, 1.0, 1.0, "ops that succeeded, all jobs" },
	{ "bridge_latency_ms", "ms", false, STD_BRIDGE, 1, 1, "asynchronous ops, 99th percentile" },
	{ "bridge_ops_per_sec", "ops/s", true, STD_BRIDGE, 3000, 30000, "asynchronous ops" },
};

#define NMETRICS (ARRAY_SIZE(metrics))

/**
 * struct goal - a target and its attempts
 * @wanted: it is to be measured
 * @f: values over all attempts together
 * @low: confidence interval of the value, lower end
 * @high: upper end
 * @unavailable_s: how long the machine was unavailable to workers that waited
 * @reason: why it was skipped, or a remark on the verdict
 * @attempts: array with one object per attempt
 */
struct goal {
	bool wanted;
	struct vx_figures f;
	double low, high;
	double unavailable_s;
	char reason[256];
	json_t *attempts;
};

/*
 * A fraction of a second cannot tell a slow module from a busy host. A target that a short
 * attempt misses gets one longer attempt, whatever its result, and both are judged together.
 * This rule is fixed before anything is measured.
 */
#define SHORT_ATTEMPT	3.0	/* seconds */
#define LONG_ATTEMPT	4.0

static struct goal goals[NMETRICS];
static char set_name[64];

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

/* A rate over several attempts: ops, seconds, and all slices. */
struct rate {
	double good, seconds;
	double *slices;
	size_t n;
};

static struct rate rates[NMETRICS];

static int index_of(const char *name)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (!strcmp(metrics[i].name, name))
			return (int)i;
	return -1;
}

static struct goal *goal(const char *name)
{
	return &goals[index_of(name)];
}

/* "metric = value", checked. */
static int set_goal(const char *name, const char *text, char *why, size_t size)
{
	const char *names[NMETRICS], *near;
	char *end;
	double v;
	size_t i;
	int at;

	at = index_of(name);
	if (at < 0) {
		for (i = 0; i < NMETRICS; i++)
			names[i] = metrics[i].name;
		near = nearest_name(name, names, NMETRICS);
		snprintf(why, size, "unknown metric '%s'%s%s%s", name,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return -1;
	}
	errno = 0;
	v = text ? strtod(text, &end) : 0;
	if (!text || end == text || *end || errno || !isfinite(v) || v < 0) {
		snprintf(why, size, "%s cannot be '%s': a number of %s is expected", name,
			 text ? text : "", metrics[at].unit);
		return -1;
	}
	goals[at].wanted = true;
	goals[at].f.target = v;
	return 0;
}

struct reading {
	const char *section;	/* the section that counts; others are ignored */
	int n;
};

static int on_line(void *arg, const char *section, const char *key, const char *value, char *why,
		   size_t size)
{
	struct reading *r = arg;

	if (!key || strcmp(section, r->section))
		return 0;
	r->n++;
	return set_goal(key, value, why, size);
}

/* How many targets the section of a file holds; -1 for a mistake, which was said. */
static int read_section(const char *path, const char *section, bool must)
{
	struct reading r = { section, 0 };
	char why[600];

	if (!must && access(path, F_OK))
		return 0;
	if (ini_read(path, on_line, &r, why, sizeof(why))) {
		vx_say("targets in %s", why);
		return -1;
	}
	return r.n;
}

static void forget(void)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++) {
		json_decref(goals[i].attempts);
		free(rates[i].slices);
	}
	memset(goals, 0, sizeof(goals));
	memset(rates, 0, sizeof(rates));
	memset(&total, 0, sizeof(total));
	for (i = 0; i < NMETRICS; i++) {
		goals[i].f.higher = metrics[i].higher;
		goals[i].attempts = json_array();
	}
}

int vx_target_check_settings(void)
{
	const char *set = vx_set.target_set ? vx_set.target_set : "promised";
	const char *config = vx_set.config ? vx_set.config : CONFIG_FILE;
	bool stretch = !strcmp(set, "stretch");
	char section[80];
	size_t i;
	int n;

	forget();
	snprintf(set_name, sizeof(set_name), "%s", vx_set.target_file ? vx_set.target_file : set);
	if (vx_set.target_file) {
		if (vx_set.target_set) {
			vx_say("a file of targets and --target-set contradict each other");
			return -1;
		}
		n = read_section(vx_set.target_file, "targets", true);
		if (!n)
			vx_say("%s holds no targets in a section [targets]",
			       vx_set.target_file);
		return n > 0 ? 0 : -1;
	}
	if (strcmp(set, "promised") && !stretch) {
		snprintf(section, sizeof(section), "targets.%s", set);
		n = read_section(config, section, true);
		if (!n)
			vx_say("there is no target set '%s': promised, stretch, or a section [%s] in %s",
			       set, section, config);
		return n > 0 ? 0 : -1;
	}
	for (i = 0; i < NMETRICS; i++) {
		goals[i].wanted = true;
		goals[i].f.target = stretch ? metrics[i].stretch : metrics[i].promised;
	}
	/* The site's own values replace the promised ones. */
	return !stretch && read_section(config, "targets", vx_set.config) < 0 ? -1 : 0;
}

/* The value of a target over all attempts so far. */
static void measured(const char *name, double v)
{
	struct goal *g = goal(name);

	g->f.measured = true;
	g->f.got = g->f.without = g->low = g->high = v;
	if (!g->f.failed)
		g->reason[0] = 0;
}

/* One more attempt, by itself. */
static void attempt(const char *name, double v, double seconds)
{
	json_array_append_new(goal(name)->attempts,
			      json_pack("{s:f, s:f}", "measured", v, "seconds", seconds));
}

/* A condition of the target does not hold: no later attempt changes that. */
static void failed(const char *name, const char *why, double v)
{
	struct goal *g = goal(name);

	g->f.failed = true;
	snprintf(g->reason, sizeof(g->reason), why, v);
}

/* One attempt at a rate: ops and seconds of all attempts are summed. */
static void rate_attempt(const char *name, const struct vx_outcome *out)
{
	struct rate *r = &rates[index_of(name)];
	struct vs_rules rules = VS_RULES_DEFAULT;
	double good = (double)(out->all.ops - out->all.errors);
	double *more = realloc(r->slices, (r->n + out->nslices + 1) * sizeof(*more));
	struct vs_interval iv;
	size_t i;

	attempt(name, out->seconds > 0 ? good / out->seconds : 0, out->seconds);
	r->good += good;
	r->seconds += out->seconds;
	measured(name, r->seconds > 0 ? r->good / r->seconds : 0);
	if (!more)
		return;
	r->slices = more;
	for (i = 0; i < out->nslices; i++)
		r->slices[r->n++] = out->slices[i].ops_per_s;
	rules.resamples = 2000;
	iv = vs_bootstrap_mean(r->slices, r->n, &rules);
	goal(name)->low = iv.low;
	goal(name)->high = iv.high;
}

static void skip(const char *name, const char *reason)
{
	struct goal *g = goal(name);

	if (!g->f.measured)
		snprintf(g->reason, sizeof(g->reason), "%s", reason);
}

static bool needs(enum standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (goals[i].wanted && metrics[i].job == job)
			return true;
	return false;
}

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
		skip("simd_speedup", "this module has no parameter simd");
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
		skip("simd_speedup", "the parameter simd cannot be written");
		return VX_OK;
	}
	if (ret)
		return ret;
	if (!cost_of(&fast, nfast) || !cost_of(&slow, nslow)) {
		skip("simd_speedup", "the module did not say how long its searches took");
		return ret;
	}
	attempt("simd_speedup", cost_of(&slow, nslow) / cost_of(&fast, nfast), length);
	vs_hist_merge(&total.fast, &fast);
	vs_hist_merge(&total.slow, &slow);
	total.fast_distances += nfast;
	total.slow_distances += nslow;
	measured("simd_speedup", cost_of(&total.slow, total.slow_distances) /
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
		rate_attempt("vector_ops_per_sec", out);
		if (job.recall >= 0 && job.recall < 1)
			failed("vector_ops_per_sec", "exact searches missed results (recall %.4f)",
			       job.recall);
	} else if (ret == VX_SKIPPED) {
		skip("vector_ops_per_sec", job.note);
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
		rate_attempt("semantic_ops_per_sec", out);
		if (job.recall >= 0) {
			attempt("semantic_recall", job.recall, out->seconds);
			total.recall_queries += job.recall_queries;
			total.recall_sum += job.recall * (double)job.recall_queries;
			measured("semantic_recall", total.recall_sum / (double)total.recall_queries);
		}
		if (job.recall < 0.95)
			failed("semantic_ops_per_sec", "recall is only %.4f", job.recall);
	} else if (ret == VX_SKIPPED) {
		skip("semantic_ops_per_sec", job.note);
		skip("semantic_recall", job.note);
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
		rate_attempt("point_ops_per_sec", out);
	else if (ret == VX_SKIPPED)
		skip("point_ops_per_sec", job.note);
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
		json_array_append_new(goal(list[i].name)->attempts, json_pack(
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
		struct goal *g = goal(list[i].name);

		measured(list[i].name, latency_ms(&p->raw, list[i].quantile));
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
			skip(list[i].name, job->note);
	}
	return ret;
}

static int run_paced(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		     struct tally *t)
{
	struct vx_job job;

	standard(&job, base, "point-paced", "point");
	job.rate = goal("point_ops_per_sec")->wanted ? goal("point_ops_per_sec")->f.target : 16659;
	job.think = 0;
	return run_at_rate(result, &job, out, t, point_latencies, ARRAY_SIZE(point_latencies),
			   &total.point);
}

/* The rate of a closed loop, and the latency at the promised rate; half of the time each. */
static int run_bridge(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		      struct tally *t)
{
	const struct goal *ops = goal("bridge_ops_per_sec");
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
		skip("bridge_ops_per_sec", job.note);
		skip("bridge_latency_ms", job.note);
	}
	if (ret)
		return ret;
	rate_attempt("bridge_ops_per_sec", out);
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
		skip("pool_hit_rate", "the module's counters cannot be read in debugfs");
	} else if (allocs_after == allocs) {
		skip("pool_hit_rate", "no op took a buffer from the pools");
	} else {
		attempt("pool_hit_rate", (double)(hits_after - hits) /
					 (double)(allocs_after - allocs), out->seconds);
		total.pool_hits += hits_after - hits;
		total.pool_allocs += allocs_after - allocs;
		measured("pool_hit_rate", (double)total.pool_hits / (double)total.pool_allocs);
	}
	return ret;
}

static void read_stack(void)
{
	uint64_t deepest, violations;

	if (vx_counter("stack", "deepest", &deepest) ||
	    vx_counter("stack", "violations", &violations)) {
		skip("stack_depth_bytes", "the module's counters cannot be read in debugfs");
		skip("stack_violations", "the module's counters cannot be read in debugfs");
		return;
	}
	if (!deepest) {
		skip("stack_depth_bytes", "no op has measured its stack");
		skip("stack_violations", "no op has measured its stack");
		return;
	}
	measured("stack_depth_bytes", (double)deepest);
	measured("stack_violations", (double)violations);
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
			rate_attempt("fuse_ops_per_sec", out);
		else if (ret == VX_SKIPPED)
			skip("fuse_ops_per_sec", job.note);
		if (!i)
			vx_outcome_free(out);
	}
	return ret;
}

/* Its job ended early: the target counts as missed, not as skipped. */
static void broken(enum standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++) {
		if (metrics[i].job != job)
			continue;
		goals[i].f.failed = goals[i].f.broken = true;
		snprintf(goals[i].reason, sizeof(goals[i].reason), "its job did not run to the end");
	}
}

static json_t *number_or_null(bool known, double v)
{
	return known && isfinite(v) ? json_real(v) : json_null();
}

/* targets[], how many came to which verdict, and overall_success into the result. */
static void judge(json_t *result, struct vx_count *c)
{
	json_t *list = json_array();
	size_t i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < NMETRICS; i++) {
		const struct goal *g = &goals[i];
		enum vx_verdict v = vx_verdict_of(&g->f);

		if (!g->wanted)
			continue;
		c->of[v]++;
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:f, s:o, s:o, s:f, s:o, s:o, s:O, s:s, s:b, s:b, s:s}",
			"name", metrics[i].name, "unit", metrics[i].unit,
			"direction", metrics[i].higher ? "higher" : "lower", "target", g->f.target,
			"measured", number_or_null(g->f.measured, g->f.got),
			"without_unavailable", number_or_null(g->f.measured, g->f.without),
			"unavailable_s", g->unavailable_s,
			"ci_low", number_or_null(g->f.measured, g->low),
			"ci_high", number_or_null(g->f.measured, g->high),
			"attempts", g->attempts, "verdict", vx_verdict_word(v),
			"pass", (int)(v == VX_V_MET), "skipped", (int)(v == VX_V_SKIPPED),
			"reason", g->reason));
	}
	json_object_set_new(result, "target_set", vx_json_text(set_name));
	json_object_set_new(result, "targets", list);
	json_object_set_new(result, "verdicts", json_pack(
		"{s:i, s:i, s:i, s:i}", "met", (int)c->of[VX_V_MET],
		"missed", (int)c->of[VX_V_MISSED], "cannot_tell", (int)c->of[VX_V_CANNOT_TELL],
		"skipped", (int)c->of[VX_V_SKIPPED]));
	json_object_set_new(result, "overall_success", c->of[VX_V_MISSED] ? json_false() :
			    c->of[VX_V_CANNOT_TELL] || !c->of[VX_V_MET] ? json_null() :
			    json_true());
}

typedef int (*job_fn)(json_t *r, const struct vx_job *b, struct vx_outcome *o, struct tally *t);

static bool met_by(enum standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (goals[i].wanted && goals[i].f.measured && metrics[i].job == job &&
		    vx_verdict_of(&goals[i].f) != VX_V_MET)
			return false;
	return true;
}

/* Runs a target's job, and once more for longer if it was short and did not meet. */
static int run_job(enum standard job, job_fn run, json_t *result, const struct vx_job *base,
		   struct vx_outcome *out, struct tally *t)
{
	double length = base->duration > 0 ? base->duration : vx_set.measure;
	struct vx_job longer = *base;
	int ret;

	ret = run(result, base, out, t);
	vx_outcome_free(out);
	if (!ret && length < SHORT_ATTEMPT && !base->ops && !t->wrong && !t->killed_by &&
	    !vx_signal && !met_by(job)) {
		longer.duration = LONG_ATTEMPT;
		ret = run(result, &longer, out, t);
		vx_outcome_free(out);
	}
	return ret;
}

int vx_target_run(json_t *result, const struct vx_job *base)
{
	static const struct {
		enum standard job;
		job_fn run;
	} plan[] = {
		{ STD_VECTOR, run_vector }, { STD_SEMANTIC, run_semantic },
		{ STD_POINT, run_point }, { STD_PACED, run_paced }, { STD_POOLS, run_pools },
		{ STD_SIMD, run_simd }, { STD_FUSE, run_fuse }, { STD_BRIDGE, run_bridge },
	};
	struct vx_outcome *out = calloc(1, sizeof(*out));
	struct tally t = { false, 0 };
	struct vx_count count;
	int ret = VX_OK;
	size_t i;

	if (!out)
		return VX_MISSED;
	for (i = 0; i < ARRAY_SIZE(plan) && !vx_signal && !t.killed_by; i++) {
		if (!needs(plan[i].job))
			continue;
		ret = run_job(plan[i].job, plan[i].run, result, base, out, &t);
		if (ret == VX_NO_DEVICE || ret == VX_USAGE)
			goto out;
		if (t.killed_by || (ret != VX_OK && ret != VX_SKIPPED)) {
			total.broken++;
			broken(plan[i].job);
		}
	}
	read_stack();
	if (total.ops) {
		measured("success_rate", (double)(total.ops - total.errors) / (double)total.ops);
		if (total.broken)
			failed("success_rate", "%.0f jobs did not run to the end", total.broken);
	}
	for (i = 0; i < NMETRICS; i++)
		if (!goals[i].f.measured && !goals[i].reason[0])
			snprintf(goals[i].reason, sizeof(goals[i].reason), "%s",
				 vx_signal ? "the run was ended before" : "nothing was measured");
	judge(result, &count);
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

char *vx_target_remark(const json_t *t)
{
	const json_t *attempts = json_object_get(t, "attempts"), *a;
	const char *reason = json_string_value(json_object_get(t, "reason"));
	double missing = json_number_value(json_object_get(t, "unavailable_s"));
	const char *comma = "";
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	if (json_array_size(attempts) > 1) {
		fprintf(f, "%zu attempts together:", json_array_size(attempts));
		json_array_foreach(attempts, i, a)
			fprintf(f, "%s %s in %.1f s", i ? "," : "",
				vx_figure(json_number_value(json_object_get(a, "measured"))),
				json_number_value(json_object_get(a, "seconds")));
		comma = "; ";
	}
	if (missing > 0 && !json_is_true(json_object_get(t, "pass"))) {
		fprintf(f, "%s%s without the %.3f s that the machine was unavailable", comma,
			vx_figure(json_number_value(json_object_get(t, "without_unavailable"))),
			missing);
		comma = "; ";
	}
	if (reason && *reason)
		fprintf(f, "%s%s", comma, reason);
	fclose(f);
	return text;
}

void vx_target_print(const json_t *result)
{
	json_t *t;
	size_t i;

	printf("%-22s %14s %14s  %-11s\n", "target", "wanted", "measured", "verdict");
	json_array_foreach(json_object_get(result, "targets"), i, t) {
		const char *verdict = json_string_value(json_object_get(t, "verdict"));
		bool higher = !strcmp(json_string_value(json_object_get(t, "direction")), "higher");
		char goal_text[32], got[32] = "-", *remark = vx_target_remark(t);

		snprintf(goal_text, sizeof(goal_text), "%s %s", higher ? ">=" : "<=",
			 vx_figure(json_number_value(json_object_get(t, "target"))));
		if (json_is_number(json_object_get(t, "measured")))
			snprintf(got, sizeof(got), "%s",
				 vx_figure(json_number_value(json_object_get(t, "measured"))));
		printf("%-22s %14s %14s  %-11s %-6s%s%s\n",
		       json_string_value(json_object_get(t, "name")), goal_text, got,
		       strcmp(verdict, "missed") ? verdict : "MISSED",
		       json_string_value(json_object_get(t, "unit")),
		       remark && *remark ? " " : "", remark ? remark : "");
		free(remark);
	}
	printf("\n%s\n", vx_target_closing(result));
}

const char *vx_target_closing(const json_t *result)
{
	const json_t *c = json_object_get(result, "verdicts");
	static char text[160];
	int met = (int)json_integer_value(json_object_get(c, "met"));
	int missed = (int)json_integer_value(json_object_get(c, "missed"));
	int doubt = (int)json_integer_value(json_object_get(c, "cannot_tell"));
	int skipped = (int)json_integer_value(json_object_get(c, "skipped"));

	snprintf(text, sizeof(text),
		 "%d met, %d missed, %d cannot tell, %d skipped: %d of %d targets measured", met,
		 missed, doubt, skipped, met + missed + doubt, met + missed + doubt + skipped);
	return text;
}
