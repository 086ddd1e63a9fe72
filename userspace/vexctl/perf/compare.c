// SPDX-License-Identifier: GPL-2.0
/*
 * Compares files: metrics written by "vexctl performance metrics -j", and results of
 * vexstress, which vexstress compares.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jsonin.h"
#include "perf.h"
#include "term.h"
#include "wire.h"

#define BASELINE	"/etc/vexfs/performance-baseline.json"
#define VALUES_MAX	4096

/**
 * struct side - one file
 * @path: its name
 * @n: number of samples
 * @v: metrics, by sample
 * @machine: its machine
 * @kernel: its kernel
 * @stress: it is a result of vexstress
 */
struct side {
	const char *path;
	size_t n;
	double (*v)[METRICS];
	char machine[80];
	char kernel[80];
	bool stress;
};

static int take_value(struct side *s, const jsonin *doc)
{
	const jsonin *m = jsonin_get(doc, "metrics"), *info = jsonin_get(doc, "system_info");
	double (*more)[METRICS];

	if (jsonin_get(doc, "fingerprint")) {
		s->stress = true;
		return 0;
	}
	if (!jsonin_is_object(m))
		return -1;
	more = realloc(s->v, (s->n + 1) * sizeof(*more));
	if (!more || s->n == VALUES_MAX)
		return -1;
	s->v = more;
	for (int i = 0; i < METRICS; i++)
		s->v[s->n][i] = jsonin_number(jsonin_get(m, metrics[i].name));
	s->n++;
	snprintf(s->machine, sizeof(s->machine), "%s", jsonin_text(jsonin_get(info, "hostname")) ?
		 jsonin_text(jsonin_get(info, "hostname")) : "");
	snprintf(s->kernel, sizeof(s->kernel), "%s", jsonin_text(jsonin_get(info, "kernel")) ?
		 jsonin_text(jsonin_get(info, "kernel")) : "");
	return 0;
}

static int read_side(struct ctl *c, struct side *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char why[300] = "";
	jsonin *doc;

	*s = (struct side){ .path = path };
	if (!f)
		return ctl_refuse(c, errno, "%s: %s%s", path, strerror(errno), errno == ENOENT ?
				  "; make one: vexctl performance metrics -j -i 1 -n 20 --output FILE" : "");
	while ((doc = jsonin_next(f, why, sizeof(why)))) {
		int bad = take_value(s, doc);

		jsonin_free(doc);
		if (bad) {
			fclose(f);
			return ctl_refuse(c, EINVAL, "%s: neither metrics of 'vexctl performance metrics' nor "
					  "a result of vexstress", path);
		}
	}
	fclose(f);
	if (*why)
		return ctl_refuse(c, EINVAL, "%s: %s", path, why);
	if (!s->n && !s->stress)
		return ctl_refuse(c, EINVAL, "%s: there is nothing in it", path);
	return 0;
}

/* Samples the current metrics ten times. */
static int read_now(struct ctl *c, struct side *s)
{
	struct look l[2] = { 0 };
	struct wire *w;
	int ret = 0, err;

	*s = (struct side){ .path = "now", .v = calloc(10, sizeof(*s->v)) };
	if (!s->v)
		return ctl_refuse(c, ENOMEM, "no memory");
	w = wire_open(c, &ret);
	if (!w)
		return ret;
	stop_on_signals();
	err = look_take(w, "", &l[0]);
	while (!err && s->n < 10 && perf_sleep(300)) {
		err = look_take(w, "", &l[1]);
		metrics_between(&l[0], &l[1], s->v[s->n++]);
		look_free(&l[0]);
		l[0] = l[1];
		l[1] = (struct look){ 0 };
	}
	ret = err ? wire_fail(c, w, err) : 0;
	look_free(&l[0]);
	look_free(&l[1]);
	wire_close(w);
	return ret;
}

/**
 * struct outcome - a metric in both files
 * @c: the comparison
 * @known: both files have it
 * @single: one value per side, so the threshold alone decides
 * @limit: for a warning and for a failure
 */
struct outcome {
	struct vs_change c;
	bool known;
	bool single;
	double limit[2];
};

static size_t values_of(const struct side *s, int id, double *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!isnan(s->v[i][id]))
			out[n++] = s->v[i][id];
	return n;
}

static void one_value(struct outcome *o, int id, double a, double b)
{
	double change = metrics[id].sort == METRIC_ERRORS ? b - a : a ? b / a - 1 : b > 0 ? INFINITY : 0;
	double worse = metric_more_is_better(id) ? -change : change;

	o->single = true;
	o->c.a = a;
	o->c.b = b;
	o->c.change = change;
	o->c.low = o->c.high = NAN;
	o->c.verdict = worse > o->limit[0] ? VS_REGRESSED : worse < -o->limit[0] ? VS_IMPROVED :
		       VS_UNCHANGED;
	o->c.fail = worse >= o->limit[1];
}

static void compare_one(const struct side *a, const struct side *b, int id, int n,
			struct outcome *o)
{
	enum vs_direction dir = metric_more_is_better(id) ? VS_HIGHER : VS_LOWER;
	static double va[VALUES_MAX], vb[VALUES_MAX];
	size_t na = values_of(a, id, va), nb = values_of(b, id, vb);
	double add = metrics[id].sort == METRIC_ERRORS ? 1 : 0;
	struct vs_rules r = VS_RULES_DEFAULT;

	o->known = na && nb;
	if (!o->known)
		return;
	if (na < 4 || nb < 4) {
		one_value(o, id, vs_mean(va, na), vs_mean(vb, nb));
		return;
	}
	r.alpha /= n;
	r.min_effect = o->limit[0];
	r.fail_effect = o->limit[1];
	r.resamples = 2000;
	for (size_t i = 0; i < na; i++)
		va[i] += add;
	for (size_t i = 0; i < nb; i++)
		vb[i] += add;
	compare_values(va, na, vb, nb, &r, &o->c);
	vs_decide_all(&o->c, &dir, 1, &r);
	o->c.a -= add;
	o->c.b -= add;
}

static void outcome_out(struct ctl *c, int id, const struct outcome *o, bool detailed)
{
	struct json *j = &c->out;

	if (!c->json) {
		say(o->c.verdict == VS_REGRESSED ? TINT_BAD : o->c.verdict == VS_IMPROVED ? TINT_GOOD :
		    TINT_PLAIN, 4, "%-26s %-12s %s -> %s (%+.1f %%)%s", metrics[id].name,
		    vs_verdict_name(o->c.verdict), metric_text(id, o->c.a), metric_text(id, o->c.b),
		    o->c.change * 100, o->single ? ", single values" : "");
		if (detailed && !o->single)
			printf("    95 %% from %+.1f %% to %+.1f %%, p %.3g, %zu values a side\n",
			       o->c.low * 100, o->c.high * 100, o->c.p_holm, o->c.have);
		return;
	}
	json_object_begin(j);
	json_kv_string(j, "metric", metrics[id].name);
	json_kv_string(j, "level", o->c.verdict != VS_REGRESSED ? "none" : o->c.fail ? "critical" :
		       "warning");
	json_kv_string(j, "verdict", vs_verdict_name(o->c.verdict));
	kv_number(j, "baseline", o->c.a);
	kv_number(j, "current", o->c.b);
	json_kv_bool(j, "regression", o->c.verdict == VS_REGRESSED);
	kv_number(j, "change_percent", o->c.change * 100);
	json_kv_string(j, "basis", o->single ? "single values" : "statistics");
	if (detailed) {
		kv_number(j, "low_percent", o->c.low * 100);
		kv_number(j, "high_percent", o->c.high * 100);
		kv_number(j, "p", o->single ? NAN : o->c.p_holm);
		kv_number(j, "warn", o->limit[0]);
		kv_number(j, "fail", o->limit[1]);
	}
	json_object_end(j);
}

/* Explains a regression by other metrics of the same files. */
static const char *suspect(const struct outcome *o)
{
	if (o[M_POOL_HIT_RATE].known && o[M_POOL_HIT_RATE].c.verdict == VS_REGRESSED)
		return "the pools hit less: memory-pools optimize --auto";
	if (o[M_POOL_FAILURES].known && o[M_POOL_FAILURES].c.b > o[M_POOL_FAILURES].c.a)
		return "requests to the pools got nothing: memory was short";
	if (o[M_STACK_VIOLATIONS].known && o[M_STACK_VIOLATIONS].c.b > 0)
		return "ops went deeper than the stack limit";
	if (o[M_ERROR_RATE].known && o[M_ERROR_RATE].c.verdict == VS_REGRESSED)
		return "more ops end with an error: vexctl stats errors";
	return "not in these figures: look at the machine with host-check, and investigate";
}

static int compare_stress(struct ctl *c, const char *a, const char *b, double warn)
{
	char effect[32];
	char *argv[] = { "vexstress", "compare", (char *)a, (char *)b, "--min-effect", effect, "--format",
			 c->json ? "json" : "table", "--force", NULL };
	int status;
	pid_t pid;

	snprintf(effect, sizeof(effect), "%g", warn >= 0 ? warn : 0.05);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return ctl_refuse(c, ENOENT, "vexstress, which compares its results, does not run");
	return WEXITSTATUS(status) == 1 ? EXIT_FINDING : WEXITSTATUS(status) ? EXIT_CANNOT_TELL : EXIT_OK;
}

static int tell_all(struct ctl *c, const struct side s[2], const struct policy *p,
		    const struct config *conf, double warn, bool detailed)
{
	static struct outcome o[METRICS];
	int worse = 0, fails = 0, known = 0, untold = 0, n = METRIC_HITS + 1;
	bool other = strcmp(s[0].machine, s[1].machine) && *s[0].machine && *s[1].machine;

	for (int i = 0; i < METRICS; i++) {
		int sort = (int)metrics[i].sort;

		o[i] = (struct outcome){ 0 };
		if (metrics[i].sort > METRIC_HITS)
			continue;
		o[i].limit[0] = warn >= 0 ? warn : conf->warn >= 0 ? conf->warn : p->limit[sort].warn;
		o[i].limit[1] = conf->fail >= 0 ? conf->fail : p->limit[sort].fail;
		if (warn >= 0 && o[i].limit[1] < warn)
			o[i].limit[1] = warn;
		compare_one(&s[0], &s[1], i, n, &o[i]);
		known += o[i].known;
		untold += o[i].known && o[i].c.verdict == VS_CANNOT_TELL;
		worse += o[i].known && o[i].c.verdict == VS_REGRESSED;
		fails += o[i].known && o[i].c.verdict == VS_REGRESSED && o[i].c.fail;
	}
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "baseline", s[0].path);
		json_kv_string(&c->out, "current", s[1].path);
		json_kv_string(&c->out, "policy", p->name);
		json_kv_bool(&c->out, "regression_detected", worse > 0);
		json_kv_bool(&c->out, "cannot_tell", known == untold);
		json_kv_bool(&c->out, "other_machine", other);
		json_kv_i64(&c->out, "failures", fails);
		json_key(&c->out, "metrics");
		json_array_begin(&c->out);
	}
	for (int i = 0; i < METRICS; i++)
		if (o[i].known)
			outcome_out(c, i, &o[i], detailed);
	if (c->json)
		json_array_end(&c->out);
	if (other)
		fprintf(stderr, "vexctl: the files come from %s and %s: another machine is no regression\n",
			shown(s[0].machine), shown(s[1].machine));
	if (worse && detailed && c->json)
		json_kv_string(&c->out, "suspected_cause", suspect(o));
	else if (worse && detailed)
		printf("suspected cause: %s\n", suspect(o));
	if (!c->json && !known)
		puts("no metric is in both: cannot tell");
	if (c->json) {
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	/* Metrics of another machine may differ without a regression. */
	return other ? EXIT_CANNOT_TELL : worse ? EXIT_FINDING : known == untold ? EXIT_CANNOT_TELL :
	       EXIT_OK;
}

static int compare_files(struct ctl *c, bool detailed)
{
	const char *before = opt_string(c, "baseline", BASELINE);
	const char *after = opt_string(c, "current", NULL);
	struct side s[2] = { 0 };
	struct config conf;
	double warn;
	int ret = perf_config(c, &conf);

	if (!ret)
		ret = perf_share(c, "threshold", -1, &warn);
	if (!ret)
		ret = read_side(c, &s[0], before);
	if (!ret)
		ret = after ? read_side(c, &s[1], after) : s[0].stress ?
		      ctl_usage(c, "a result of vexstress is compared with another: --current FILE") :
		      read_now(c, &s[1]);
	if (!ret)
		ret = perf_output_begin(c, opt_string(c, "output", NULL));
	if (!ret) {
		if (s[0].stress != s[1].stress)
			ret = ctl_refuse(c, EINVAL, "one is a result of vexstress, the other is not");
		else if (s[0].stress)
			ret = compare_stress(c, before, after, warn);
		else
			ret = tell_all(c, s, policy_find(conf.policy), &conf, warn, detailed);
		ret = perf_output_end(c, ret);
	}
	free(s[0].v);
	free(s[1].v);
	return ret;
}

int run_compare(struct ctl *c)
{
	return compare_files(c, false);
}

int run_regression_analysis(struct ctl *c)
{
	return compare_files(c, opt_given(c, "detailed"));
}
