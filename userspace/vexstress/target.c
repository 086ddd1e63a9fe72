// SPDX-License-Identifier: GPL-2.0
/*
 * Targets: what was promised, what this machine delivers, met or missed. A
 * rate whose recall fell below its condition is missed; what cannot be
 * measured is skipped with the reason and never counted as met.
 */
#include "coll.h"
#include "ini.h"
#include "kstat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_FILE	"/etc/vexfs/vexfs.conf"

/* The jobs that targets are measured by; each is run when a target needs it. */
enum standard { STD_NONE, STD_VECTOR, STD_SEMANTIC, STD_POINT, STD_PACED, STD_POOLS, STD_SIMD };

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
	{ "fuse_ops_per_sec", "ops/s", true, STD_NONE, 4125, 41250, "requests on a mount" },
	{ "pool_hit_rate", "ratio", true, STD_POOLS, 0.90, 0.90, "buffers served from the pools" },
	{ "simd_speedup", "x", true, STD_SIMD, 2.5, 2.5, "arithmetic in use over scalar" },
	{ "stack_depth_bytes", "bytes", false, STD_POOLS, 3072, 3072, "deepest stack of an op" },
	{ "stack_violations", "times", false, STD_POOLS, 0, 0, "ops deeper than the limit" },
	{ "point_ops_per_sec", "ops/s", true, STD_POINT, 16659, 166590, "small ops" },
	{ "point_mean_ms", "ms", false, STD_PACED, 0.060, 0.060, "small ops at that rate, mean" },
	{ "point_p95_ms", "ms", false, STD_PACED, 0.105, 0.105, "95th percentile" },
	{ "point_p99_ms", "ms", false, STD_PACED, 0.328, 0.328, "99th percentile" },
	{ "success_rate", "ratio", true, STD_POINT, 1.0, 1.0, "ops that succeeded, all jobs" },
	{ "bridge_latency_ms", "ms", false, STD_NONE, 1, 1, "asynchronous ops" },
	{ "bridge_ops_per_sec", "ops/s", true, STD_NONE, 3000, 30000, "asynchronous ops" },
};

#define NMETRICS (ARRAY_SIZE(metrics))

struct goal {
	bool wanted;
	double value;
	bool measured;
	double got, low, high;
	unsigned int looks;
	double away;		/* share of the time that was set apart */
	char reason[256];
};

/* A short look that finds a target missed is followed by up to three longer ones. */
#define LOOKS		4
#define MOST_AWAY	0.25	/* of the time may be set apart: beyond it nothing was measured */
#define LONG_LOOK	3.0	/* seconds: what was seen for so long stands */

static struct goal goals[NMETRICS];
static char set_name[64];

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
	goals[at].value = v;
	return 0;
}

struct reading {
	const char *section;	/* the one that counts; others are somebody else's */
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

int vx_target_check_settings(void)
{
	const char *set = vx_set.target_set ? vx_set.target_set : "promised";
	const char *config = vx_set.config ? vx_set.config : CONFIG_FILE;
	bool stretch = !strcmp(set, "stretch");
	char section[80];
	size_t i;
	int n;

	memset(goals, 0, sizeof(goals));
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
		goals[i].value = stretch ? metrics[i].stretch : metrics[i].promised;
	}
	/* The site's own figures count in place of the promised ones. */
	return !stretch && read_section(config, "targets", vx_set.config) < 0 ? -1 : 0;
}

static void measured(const char *name, double v)
{
	struct goal *g = goal(name);

	g->measured = true;
	g->got = g->low = g->high = v;
	g->looks++;
	g->reason[0] = 0;
}

static void with_interval(const char *name, const struct vx_outcome *out)
{
	struct vs_rules rules = VS_RULES_DEFAULT;
	double *v = malloc((out->nslices + 1) * sizeof(*v));
	struct vs_interval iv;
	size_t i;

	if (!v)
		return;
	for (i = 0; i < out->nslices; i++)
		v[i] = out->slices[i].ops_per_s;
	rules.resamples = 2000;
	iv = vs_bootstrap_mean(v, out->nslices, &rules);
	goal(name)->low = iv.low;
	goal(name)->high = iv.high;
	free(v);
}

static void skip(const char *name, const char *reason)
{
	struct goal *g = goal(name);

	if (!g->measured)
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

/* A standard job: what the command line says, and what the target needs. */
static void standard(struct vx_job *job, const struct vx_job *base, const char *name,
		     const char *workload)
{
	*job = *base;
	snprintf(job->name, sizeof(job->name), "%s", name);
	job->workload = vx_workload_find(workload);
	if (!job->threads)
		job->threads = processors();
}

struct tally {
	uint64_t ops, errors;
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
	t->ops += out->all.ops;
	t->errors += out->all.errors;
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

static double rate_of(const struct vx_outcome *out)
{
	return out->seconds > 0 ? (double)(out->all.ops - out->all.errors) / out->seconds : 0;
}

/*
 * Nanoseconds in the kernel per distance, in one variant. The median op: a few
 * that lost the processor meanwhile say nothing about arithmetic.
 */
static double kernel_cost(json_t *result, struct vx_job *job, const char *variant,
			  struct vx_outcome *out, struct tally *t, int *ret)
{
	double ns;

	snprintf(job->name, sizeof(job->name), "simd-%.40s", variant);
	if (vx_param_set("simd", variant)) {
		*ret = VX_SKIPPED;
		return 0;
	}
	*ret = run_one(result, job, out, t);
	ns = !*ret && out->distances ?
	     (double)vs_hist_quantile(&out->all.kernel, 0.5) * (double)out->all.kernel.count /
	     (double)out->distances : 0;
	vx_outcome_free(out);
	return ns;
}

/* The variant in use against scalar, in turn: auto, scalar, auto, scalar. */
static int run_simd(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		    struct tally *t)
{
	char before[128];
	double fast = 0, slow = 0;
	struct vx_job job;
	int ret = VX_OK, i;

	if (vx_param_get("simd", before, sizeof(before))) {
		skip("simd_speedup", "this module has no parameter simd");
		return VX_OK;
	}
	vx_param_chosen(before);
	standard(&job, base, "simd", "simd");
	job.threads = 1;
	job.duration = (base->duration > 0 ? base->duration : vx_set.measure) / 4;
	job.keep = true;
	for (i = 0; i < 2 && !ret && !vx_signal; i++) {
		fast += kernel_cost(result, &job, before, out, t, &ret);
		if (!ret)
			slow += kernel_cost(result, &job, "scalar", out, t, &ret);
	}
	vx_coll_drop(&job);
	if (vx_param_set("simd", before))
		vx_say("cannot set simd back to %s: %s", before, strerror(errno));
	if (ret == VX_SKIPPED) {
		skip("simd_speedup", "the parameter simd cannot be written");
		return VX_OK;
	}
	if (!ret && fast > 0 && slow > 0)
		measured("simd_speedup", slow / fast);
	else if (!ret)
		skip("simd_speedup", "the module did not say how long its searches took");
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
		measured("vector_ops_per_sec", rate_of(out));
		with_interval("vector_ops_per_sec", out);
		if (job.recall >= 0 && job.recall < 1)
			snprintf(goal("vector_ops_per_sec")->reason,
				 sizeof(goal("vector_ops_per_sec")->reason),
				 "exact searches missed results (recall %.4f)", job.recall);
	} else if (ret == VX_SKIPPED) {
		skip("vector_ops_per_sec", job.note);
	}
	return ret;
}

static int run_semantic(json_t *result, const struct vx_job *base, struct vx_outcome *out,
			struct tally *t)
{
	struct goal *g = goal("semantic_ops_per_sec");
	struct vx_job job;
	int ret;

	standard(&job, base, "semantic", "semantic");
	if (vx_set.profile == VX_PROFILE_QUICK && !job.vectors)
		job.vectors = 10000;
	ret = run_one(result, &job, out, t);
	if (!ret) {
		measured("semantic_ops_per_sec", rate_of(out));
		with_interval("semantic_ops_per_sec", out);
		if (job.recall >= 0)
			measured("semantic_recall", job.recall);
		if (job.recall < 0.95)
			snprintf(g->reason, sizeof(g->reason), "recall@%llu is only %.4f",
				 (unsigned long long)job.k, job.recall);
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
	if (!ret) {
		measured("point_ops_per_sec", rate_of(out));
		with_interval("point_ops_per_sec", out);
	} else if (ret == VX_SKIPPED) {
		skip("point_ops_per_sec", job.note);
	}
	return ret;
}

/* The median over the slices of a run: one hiccup of the host does not decide. */
static double middle(const struct vx_outcome *out, size_t field)
{
	double *v = malloc((out->nslices + 1) * sizeof(*v)), m;
	size_t i;

	if (!v)
		return HUGE_VAL;
	for (i = 0; i < out->nslices; i++)
		memcpy(&v[i], (const char *)&out->slices[i] + field, sizeof(v[i]));
	m = vs_quantile(v, out->nslices, 0.5);
	free(v);
	return m;
}

/* Latency counts at the rate that goes with it, from when an op was due. */
static int run_paced(json_t *result, const struct vx_job *base, struct vx_outcome *out,
		     struct tally *t)
{
	double rate = goal("point_ops_per_sec")->wanted ? goal("point_ops_per_sec")->value : 16659;
	struct vx_job job;
	int ret;

	standard(&job, base, "point-paced", "point");
	job.rate = rate;
	job.think = 0;
	job.set_apart = true;
	ret = run_one(result, &job, out, t);
	if (!ret) {
		struct goal *g = goal("point_mean_ms");
		double away = out->away_s / (out->seconds * job.threads);
		double got = rate_of(out) / (1 - away);

		measured("point_mean_ms",
			 middle(out, offsetof(struct vx_slice, corrected_mean_ns)) / 1e6);
		measured("point_p95_ms",
			 middle(out, offsetof(struct vx_slice, corrected_p95_ns)) / 1e6);
		measured("point_p99_ms",
			 middle(out, offsetof(struct vx_slice, corrected_p99_ns)) / 1e6);
		g->away = goal("point_p95_ms")->away = goal("point_p99_ms")->away = away;
		/* Fast answers to fewer questions than were due do not count. */
		if (away > MOST_AWAY)
			snprintf(g->reason, sizeof(g->reason),
				 "workers that waited were off their processors for %.0f %% of the time",
				 100 * away);
		else if (got < 0.98 * rate)
			snprintf(g->reason, sizeof(g->reason), "at %.0f ops/s, not %.0f", got,
				 rate);
	} else if (ret == VX_SKIPPED) {
		skip("point_mean_ms", job.note);
		skip("point_p95_ms", job.note);
		skip("point_p99_ms", job.note);
	}
	return ret;
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
	    vx_counter("pool", "hits", &hits_after))
		skip("pool_hit_rate", "the module's counters cannot be read in debugfs");
	else if (allocs_after == allocs)
		skip("pool_hit_rate", "no op took a buffer from the pools");
	else
		measured("pool_hit_rate", (double)(hits_after - hits) /
					  (double)(allocs_after - allocs));
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

static void why_not_there(void)
{
	char line[512];
	bool mounted = false;
	FILE *f = fopen("/proc/mounts", "re");

	while (f && fgets(line, sizeof(line), f))
		mounted = mounted || strstr(line, " fuse.vexfs ");
	if (f)
		fclose(f);
	skip("fuse_ops_per_sec", mounted ? "there is a mount, but no workload for it"
					 : "there is no mount of vexfs");
	skip("bridge_latency_ms", "this module has no asynchronous ops");
	skip("bridge_ops_per_sec", "this module has no asynchronous ops");
}

static bool met(const struct metric *m, const struct goal *g)
{
	if (!g->measured || g->reason[0])
		return false;
	return m->higher ? g->got >= g->value : g->got <= g->value;
}

/* targets[] and overall_success into the result. */
static bool judge(json_t *result)
{
	json_t *list = json_array();
	bool all = true, any = false;
	size_t i;

	for (i = 0; i < NMETRICS; i++) {
		const struct goal *g = &goals[i];
		bool pass = met(&metrics[i], g);

		if (!g->wanted)
			continue;
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:f, s:o, s:o, s:o, s:i, s:f, s:b, s:b, s:s}",
			"name", metrics[i].name, "unit", metrics[i].unit,
			"direction", metrics[i].higher ? "higher" : "lower", "target", g->value,
			"measured", g->measured ? json_real(g->got) : json_null(),
			"ci_low", g->measured ? json_real(g->low) : json_null(),
			"ci_high", g->measured ? json_real(g->high) : json_null(),
			"looks", (int)g->looks, "away", g->away,
			"pass", (int)pass, "skipped", (int)!g->measured, "reason", g->reason));
		if (!g->measured)
			continue;
		any = true;
		all = all && pass;
	}
	json_object_set_new(result, "target_set", vx_json_text(set_name));
	json_object_set_new(result, "targets", list);
	json_object_set_new(result, "overall_success", json_boolean(any && all));
	return any && all;
}

typedef int (*job_fn)(json_t *r, const struct vx_job *b, struct vx_outcome *o, struct tally *t);

static bool missed_by(enum standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (goals[i].wanted && goals[i].measured && metrics[i].job == job &&
		    !met(&metrics[i], &goals[i]))
			return true;
	return false;
}

/*
 * Runs a target's job. A fraction of a second cannot tell a slow module from a
 * host that was busy elsewhere: what it finds missed is looked at again, twice
 * as long each time (half a second becomes four), and the last look stands. Both
 * are said in the result.
 */
static int run_job(enum standard job, job_fn run, json_t *result, const struct vx_job *base,
		   struct vx_outcome *out, struct tally *t)
{
	struct vx_job longer = *base;
	double length = base->duration > 0 ? base->duration : vx_set.measure;
	unsigned int look;
	int ret;

	for (look = 1;; look++) {
		ret = run(result, &longer, out, t);
		vx_outcome_free(out);
		if (ret || look == LOOKS || length >= LONG_LOOK || t->wrong || t->killed_by ||
		    vx_signal || !missed_by(job))
			return ret;
		length *= 2;
		longer.duration = length;
	}
}

int vx_target_run(json_t *result, const struct vx_job *base)
{
	static const struct {
		enum standard job;
		job_fn run;
	} plan[] = {
		{ STD_VECTOR, run_vector }, { STD_SEMANTIC, run_semantic },
		{ STD_POINT, run_point }, { STD_PACED, run_paced }, { STD_POOLS, run_pools },
		{ STD_SIMD, run_simd },
	};
	struct vx_outcome *out = calloc(1, sizeof(*out));
	struct tally t = { 0, 0, false, 0 };
	int ret = VX_OK;
	size_t i;

	if (!out)
		return VX_MISSED;
	for (i = 0; i < ARRAY_SIZE(plan) && !vx_signal; i++) {
		if (!needs(plan[i].job))
			continue;
		ret = run_job(plan[i].job, plan[i].run, result, base, out, &t);
		if (ret == VX_NO_DEVICE || ret == VX_USAGE)
			goto out;
		/* A job that broke off is a target that was missed, not skipped. */
		if (ret != VX_OK && ret != VX_SKIPPED)
			t.errors++;
		if (t.killed_by)
			break;
	}
	read_stack();
	why_not_there();
	if (t.ops)
		measured("success_rate", (double)(t.ops - t.errors) / (double)t.ops);
	for (i = 0; i < NMETRICS; i++)
		if (!goals[i].measured && !goals[i].reason[0])
			snprintf(goals[i].reason, sizeof(goals[i].reason), "%s",
				 vx_signal ? "the run was ended before" : "its job did not run to the end");
	ret = judge(result) && !t.errors ? VX_OK : VX_MISSED;
	if (ret && json_is_true(json_object_get(result, "overall_success")))
		json_object_set_new(result, "overall_success", json_false());
	if (t.wrong)
		ret = VX_WRONG;
	if (t.killed_by)
		ret = 128 + t.killed_by;
out:
	free(out);
	return ret;
}

void vx_target_print(const json_t *result)
{
	json_t *t;
	size_t i;

	printf("%-22s %14s %14s  %-7s %s\n", "target", "wanted", "measured", "verdict", "");
	json_array_foreach(json_object_get(result, "targets"), i, t) {
		const char *name = json_string_value(json_object_get(t, "name"));
		const char *unit = json_string_value(json_object_get(t, "unit"));
		const char *reason = json_string_value(json_object_get(t, "reason"));
		bool higher = !strcmp(json_string_value(json_object_get(t, "direction")), "higher");
		bool skipped = json_is_true(json_object_get(t, "skipped"));
		json_int_t looks = json_integer_value(json_object_get(t, "looks"));
		double away = 100 * json_number_value(json_object_get(t, "away"));
		char goal_text[32], got[32] = "-", again[32] = "", apart[48] = "";

		snprintf(goal_text, sizeof(goal_text), "%s %s", higher ? ">=" : "<=",
			 vx_figure(json_number_value(json_object_get(t, "target"))));
		if (!skipped)
			snprintf(got, sizeof(got), "%s",
				 vx_figure(json_number_value(json_object_get(t, "measured"))));
		if (looks > 1)
			snprintf(again, sizeof(again), ", looked at %d times", (int)looks);
		if (away >= 1 && !skipped)
			snprintf(apart, sizeof(apart), ", without the %.0f %% the machine was away",
				 away);
		printf("%-22s %14s %14s  %-7s %s%s%s%s%s\n", name, goal_text, got,
		       skipped ? "skipped" : json_is_true(json_object_get(t, "pass")) ? "met"
									     : "MISSED",
		       skipped ? "" : unit, apart, again, !skipped && *reason ? ": " : "", reason);
	}
	printf("\n%s\n", json_is_true(json_object_get(result, "overall_success")) ?
	       "All targets that can be measured here are met." :
	       "Not all targets are met.");
}
