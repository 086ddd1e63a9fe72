// SPDX-License-Identifier: GPL-2.0
/*
 * Goals: each target's promised value, the values measured, and the verdict. A goal is judged
 * over all its attempts together. One that cannot be measured is skipped with the reason and
 * never counts as met.
 */
#include "ini.h"
#include "target.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_FILE	"/etc/vexfs/vexfs.conf"

static const struct metric {
	const char *name;
	const char *unit;
	bool higher;
	enum vx_standard job;
	double promised, stretch;
	const char *what;
} metrics[] = {
	{ "vector_ops_per_sec", "ops/s", true, VX_STD_VECTOR, 2120, 21200, "exact ops" },
	{ "semantic_ops_per_sec", "ops/s", true, VX_STD_SEMANTIC, 648, 6480, "graph ops" },
	{ "semantic_recall", "ratio", true, VX_STD_SEMANTIC, 0.95, 0.95, "recall@10 of graph searches" },
	{ "fuse_ops_per_sec", "ops/s", true, VX_STD_FUSE, 4125, 41250, "requests on a mount" },
	{ "pool_hit_rate", "ratio", true, VX_STD_POOLS, 0.90, 0.90, "buffers served from the pools" },
	{ "simd_speedup", "x", true, VX_STD_SIMD, 2.5, 2.5, "arithmetic in use over scalar" },
	{ "stack_depth_bytes", "bytes", false, VX_STD_POOLS, 3072, 3072, "deepest stack of an op" },
	{ "stack_violations", "times", false, VX_STD_POOLS, 0, 0, "ops deeper than the limit" },
	{ "point_ops_per_sec", "ops/s", true, VX_STD_POINT, 16659, 166590, "small ops" },
	{ "point_mean_ms", "ms", false, VX_STD_PACED, 0.060, 0.060, "small ops at that rate, mean" },
	{ "point_p95_ms", "ms", false, VX_STD_PACED, 0.105, 0.105, "95th percentile" },
	{ "point_p99_ms", "ms", false, VX_STD_PACED, 0.328, 0.328, "99th percentile" },
	{ "success_rate", "ratio", true, VX_STD_POINT, 1.0, 1.0, "ops that succeeded, all jobs" },
	{ "bridge_latency_ms", "ms", false, VX_STD_BRIDGE, 1, 1, "asynchronous ops, 99th percentile" },
	{ "bridge_ops_per_sec", "ops/s", true, VX_STD_BRIDGE, 3000, 30000, "asynchronous ops" },
};

#define NMETRICS (ARRAY_SIZE(metrics))
static struct vx_goal goals[NMETRICS];
static char set_name[64];
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

struct vx_goal *vx_goal(const char *name)
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

void vx_goal_measured(const char *name, double v)
{
	struct vx_goal *g = vx_goal(name);

	g->f.measured = true;
	g->f.got = g->f.without = g->low = g->high = v;
	if (!g->f.failed)
		g->reason[0] = 0;
}

void vx_goal_attempt(const char *name, double v, double seconds)
{
	json_array_append_new(vx_goal(name)->attempts,
			      json_pack("{s:f, s:f}", "measured", v, "seconds", seconds));
}

void vx_goal_failed(const char *name, const char *why, double v)
{
	struct vx_goal *g = vx_goal(name);

	g->f.failed = true;
	snprintf(g->reason, sizeof(g->reason), why, v);
}

void vx_goal_rate(const char *name, const struct vx_outcome *out)
{
	struct rate *r = &rates[index_of(name)];
	struct vs_rules rules = VS_RULES_DEFAULT;
	double good = (double)(out->all.ops - out->all.errors);
	double *more = realloc(r->slices, (r->n + out->nslices + 1) * sizeof(*more));
	struct vs_interval iv;
	size_t i;

	vx_goal_attempt(name, out->seconds > 0 ? good / out->seconds : 0, out->seconds);
	r->good += good;
	r->seconds += out->seconds;
	vx_goal_measured(name, r->seconds > 0 ? r->good / r->seconds : 0);
	if (!more)
		return;
	r->slices = more;
	for (i = 0; i < out->nslices; i++)
		r->slices[r->n++] = out->slices[i].ops_per_s;
	rules.resamples = 2000;
	iv = vs_bootstrap_mean(r->slices, r->n, &rules);
	vx_goal(name)->low = iv.low;
	vx_goal(name)->high = iv.high;
}

void vx_goal_skip(const char *name, const char *reason)
{
	struct vx_goal *g = vx_goal(name);

	if (!g->f.measured)
		snprintf(g->reason, sizeof(g->reason), "%s", reason);
}

bool vx_goals_need(enum vx_standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (goals[i].wanted && metrics[i].job == job)
			return true;
	return false;
}
void vx_goals_broken(enum vx_standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++) {
		if (metrics[i].job != job)
			continue;
		goals[i].f.failed = goals[i].f.broken = true;
		snprintf(goals[i].reason, sizeof(goals[i].reason), "its job did not run to the end");
	}
}

void vx_goals_unmeasured(const char *why)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (!goals[i].f.measured && !goals[i].reason[0])
			snprintf(goals[i].reason, sizeof(goals[i].reason), "%s", why);
}

static json_t *number_or_null(bool known, double v)
{
	return known && isfinite(v) ? json_real(v) : json_null();
}

void vx_goals_judge(json_t *result, struct vx_count *c)
{
	json_t *list = json_array();
	size_t i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < NMETRICS; i++) {
		const struct vx_goal *g = &goals[i];
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
bool vx_goals_met(enum vx_standard job)
{
	size_t i;

	for (i = 0; i < NMETRICS; i++)
		if (goals[i].wanted && goals[i].f.measured && metrics[i].job == job &&
		    vx_verdict_of(&goals[i].f) != VX_V_MET)
			return false;
	return true;
}
