// SPDX-License-Identifier: GPL-2.0
/*
 * bisect: which commit changed a metric. The builds of both ends stay, a third work tree
 * goes from commit to commit; all of them are measured in turn, until the statistics say
 * to which end the commit belongs.
 */
#include "bisect.h"

#include "bisect_stat.h"
#include "exec.h"
#include "git.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS_LEAST	4
#define ROUNDS_USUAL	32
#define ROUNDS_MOST	1024
#define LOG_TAIL	2000

enum { GOOD, BAD, MID, TREES };

static const char *const tree_names[] = { "good", "bad", "middle" };

struct search {
	const char *metric;
	bool of_record;		/* a figure of the run itself */
	bool lower;		/* less is better; known after the first measurement */
	char dir[200];		/* of everything that is made */
	bool there[TREES];	/* the work tree */
	char at[TREES][GIT_ID];
	struct git_id *ids;	/* oldest first; the last is BAD */
	bool *broken;		/* cannot be built or measured */
	long n;
	long good, bad;		/* indices; -1 is GOOD itself */
	size_t most;		/* rounds */
	double alpha;		/* of one test */
	double v[TREES][ROUNDS_MOST];
	struct bisect_ends ends;
	json_t *steps;
};

static const char *build_command(void)
{
	return vx_set.build_command ? vx_set.build_command : "make -s build/bin/vexstress";
}

static const char *measure_command(void)
{
	return vx_set.measure_command ? vx_set.measure_command :
	       "scripts/lab run \"${LAB:-uml}\" --results \"${VEXSTRESS_RESULT%/*}\" -- "
	       "vexstress run --smoke \"${VEXSTRESS_METRIC%.*}\" -q -o \"$VEXSTRESS_RESULT\"";
}

static void path_of(const struct search *s, const char *name, const char *suffix, char *to, size_t size)
{
	snprintf(to, size, "%s/%s%s", s->dir, name, suffix);
}

/* The last lines of a command that failed. */
static void show_log(const char *path)
{
	char text[LOG_TAIL + 1];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return;
	if (!fseek(f, 0, SEEK_END) && ftell(f) > LOG_TAIL)
		fseek(f, -LOG_TAIL, SEEK_END);
	else
		rewind(f);
	n = fread(text, 1, LOG_TAIL, f);
	fclose(f);
	escape_lines(stderr, text, n);
}

/* A command of the user in one of the trees; its record, or NULL when it failed. */
static json_t *run_in(const struct search *s, int tree, const char *command)
{
	char dir[256], log[256];
	const struct exec_limits limits = { vx_set.max_time, 0, 0.1 };
	char *argv[] = { (char *)"sh", (char *)"-c",
			 (char *)"cd \"$1\" && exec > \"$2\" 2>&1 && eval \"$3\"", (char *)"bisect",
			 dir, log, (char *)command, NULL };
	json_t *record;

	path_of(s, tree_names[tree], "", dir, sizeof(dir));
	path_of(s, tree_names[tree], ".log", log, sizeof(log));
	setenv("VEXSTRESS_COMMIT", s->at[tree], 1);
	record = vx_exec_measure(argv, &limits, NULL, true);
	if (json_is_true(json_object_get(record, "success")))
		return record;
	if (record && !vx_signal) {
		vx_say("%.12s: '%s' failed:", s->at[tree], command);
		show_log(log);
	}
	json_decref(record);
	return NULL;
}

static int build(struct search *s, int tree, const char *id)
{
	char dir[256];
	json_t *record;

	path_of(s, tree_names[tree], "", dir, sizeof(dir));
	if (id != s->at[tree])
		memcpy(s->at[tree], id, GIT_ID);
	if (s->there[tree] ? git_tree_move(dir, id) : git_tree_add(dir, id))
		return -1;
	s->there[tree] = true;
	record = run_in(s, tree, build_command());
	json_decref(record);
	return record ? 0 : -1;
}

/* A value of the run itself, from its record. */
static double value_of_record(const struct search *s, const json_t *record)
{
	if (!strcmp(s->metric, "cpu_s"))
		return json_number_value(json_object_get(record, "user_s")) +
		       json_number_value(json_object_get(record, "sys_s"));
	return json_number_value(json_object_get(record, s->metric));
}

static double value_of_result(struct search *s, const char *path)
{
	json_t *result = vx_read_result(path), *m;
	double v = NAN;

	if (!result)
		return NAN;
	m = vx_metric_find(result, s->metric);
	if (m) {
		v = json_number_value(json_object_get(m, "value"));
		s->lower = !strcmp(json_string_value(json_object_get(m, "direction")) ?: "", "lower");
	} else {
		vx_say("the result has no metric %s", s->metric);
	}
	json_decref(result);
	return v;
}

static int measure(struct search *s, int tree, size_t round)
{
	char out[256], result[300];
	json_t *record;
	double v;

	path_of(s, tree_names[tree], ".out", out, sizeof(out));
	snprintf(result, sizeof(result), "%s/result.json", out);
	unlink(result);
	setenv("VEXSTRESS_RESULT", result, 1);
	record = run_in(s, tree, measure_command());
	if (!record)
		return -1;
	v = s->of_record ? value_of_record(s, record) : value_of_result(s, result);
	json_decref(record);
	if (!(v > 0) || !isfinite(v)) {
		vx_say("%.12s: %s is no positive number", s->at[tree], s->metric);
		return -1;
	}
	s->v[tree][round] = v;
	return 0;
}

static bool told(const struct search *s, int trees, size_t n, enum bisect_side *side)
{
	struct bisect_ends e;

	if (trees == TREES) {
		*side = bisect_side(s->v[GOOD], s->v[BAD], s->v[MID], n, s->alpha);
		return *side != BISECT_CANNOT_TELL;
	}
	bisect_ends(s->v[GOOD], s->v[BAD], n, s->alpha, &e);
	/* beyond what matters, or within it */
	return e.low > vx_set.min_effect || e.high < -vx_set.min_effect ||
	       (e.low > -vx_set.min_effect && e.high < vx_set.min_effect);
}

/* Measures the first @trees in rounds until the result is clear. Their number, or 0 on failure. */
static size_t rounds(struct search *s, int trees, enum bisect_side *side)
{
	size_t n = 0, look = ROUNDS_LEAST;
	int k;

	for (;;) {
		for (; n < look && !vx_signal; n++) {
			for (k = 0; k < trees; k++) {
				/* the order rotates, so that each build runs first equally often */
				int tree = (int)(((size_t)k + n) % (size_t)trees);

				if (vx_signal || measure(s, tree, n))
					return 0;
			}
		}
		if (vx_signal || told(s, trees, n, side) || look >= s->most)
			return vx_signal ? 0 : n;
		look = 2 * look < s->most ? 2 * look : s->most;
	}
}

__attribute__((format(printf, 1, 2)))
static void tell(const char *fmt, ...)
{
	va_list ap;

	if (vx_set.quiet || vx_set.json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* The untried commit nearest to the middle; -1 when none is left. */
static long middle(const struct search *s)
{
	long mid = s->good + (s->bad - s->good) / 2, off;

	for (off = 0; off < s->bad - s->good; off++) {
		if (mid + off < s->bad && mid + off > s->good && !s->broken[mid + off])
			return mid + off;
		if (mid - off > s->good && mid - off < s->bad && !s->broken[mid - off])
			return mid - off;
	}
	return -1;
}

static double mean_change(const struct search *s, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += log(s->v[MID][i] / s->v[GOOD][i]);
	return n ? expm1(sum / (double)n) : 0;
}

/* Measures one commit: 1 decided, 0 cannot tell, -1 the search must end. */
static int step(struct search *s, long at)
{
	enum bisect_side side = BISECT_CANNOT_TELL;
	char *subject = git_subject(s->ids[at].text);
	const char *verdict;
	size_t n = 0;

	tell("%ld commits left: %.12s %s", s->bad - s->good, s->ids[at].text, shown(subject ? subject : ""));
	if (!build(s, MID, s->ids[at].text))
		n = rounds(s, TREES, &side);
	s->broken[at] = !n;
	verdict = !n ? "cannot be measured" : side == BISECT_GOOD ? "good" : side == BISECT_BAD ? "bad" :
		  "cannot tell";
	if (!vx_signal) {
		tell(": %s (%+.1f %%, %zu rounds)\n", verdict, 100 * mean_change(s, n), n);
		json_array_append_new(s->steps, json_pack("{s:s, s:o, s:s, s:f, s:I}", "commit",
				      s->ids[at].text, "subject", vx_json_text(subject ? subject : ""),
				      "verdict", verdict, "change", mean_change(s, n), "rounds",
				      (json_int_t)n));
	}
	free(subject);
	if (vx_signal)
		return -1;
	if (side == BISECT_GOOD)
		s->good = at;
	else if (side == BISECT_BAD)
		s->bad = at;
	return !n || side != BISECT_CANNOT_TELL;
}

static json_t *candidates(const struct search *s)
{
	json_t *list = json_array();
	long i;

	for (i = s->good + 1; i <= s->bad; i++)
		json_array_append_new(list, json_string(s->ids[i].text));
	return list;
}

static int finish(struct search *s, const char *verdict, int ret)
{
	bool one = ret == VX_MISSED && s->bad - s->good == 1;
	char *subject = one ? git_subject(s->ids[s->bad].text) : NULL;
	json_t *all;
	long i;

	if (one)
		tell("\n%.12s %s\nis the first commit with it: ", s->ids[s->bad].text,
		     shown(subject ? subject : ""));
	else if (ret != VX_OK)
		tell("\nit is in one of %ld commits: ", s->bad - s->good);
	tell("%s changed by %+.1f %% (%+.1f to %+.1f) from %.12s to %.12s: %s\n", shown(s->metric),
	     100 * s->ends.change, 100 * s->ends.low, 100 * s->ends.high, s->at[GOOD], s->at[BAD],
	     verdict);
	for (i = s->good + 1; !one && ret != VX_OK && i <= s->bad; i++)
		tell("  %.12s%s\n", s->ids[i].text, s->broken[i] ? " (cannot be measured)" : "");
	all = json_pack("{s:i, s:s, s:s, s:s, s:s, s:f, s:o, s:o, s:o, s:o, s:O}", "schema_version",
			VX_SCHEMA_VERSION, "metric", s->metric, "verdict", verdict, "good", s->at[GOOD],
			"bad", s->at[BAD], "change", s->ends.change,
			"low", isfinite(s->ends.low) ? json_real(s->ends.low) : json_null(),
			"high", isfinite(s->ends.high) ? json_real(s->ends.high) : json_null(),
			"first_bad", one ? json_string(s->ids[s->bad].text) : json_null(),
			"candidates", ret == VX_OK ? json_array() : candidates(s), "steps", s->steps);
	free(subject);
	if (!all || (vx_set.json && vx_write_json("-", all)) ||
	    (vx_set.output && vx_write_json(vx_set.output, all)))
		ret = VX_USAGE;
	json_decref(all);
	return ret;
}

/* Measures both ends, to see whether they differ. */
static int compare_ends(struct search *s)
{
	enum bisect_side unused;
	bool worse;
	size_t n;

	if (build(s, GOOD, s->at[GOOD]) || build(s, BAD, s->at[BAD]))
		return VX_USAGE;
	n = rounds(s, MID, &unused);
	if (!n)
		return VX_USAGE;
	bisect_ends(s->v[GOOD], s->v[BAD], n, s->alpha, &s->ends);
	tell("%.12s to %.12s: %s %+.1f %% (%+.1f to %+.1f), %zu rounds\n", s->at[GOOD], s->at[BAD],
	     shown(s->metric), 100 * s->ends.change, 100 * s->ends.low, 100 * s->ends.high, n);
	worse = s->lower ? s->ends.low > 0 : s->ends.high < 0;
	if (worse && fabs(s->ends.change) >= vx_set.min_effect)
		return -1;
	if (s->lower ? s->ends.high < 0 : s->ends.low > 0)
		return finish(s, "improved", VX_OK);
	if (s->ends.low > -vx_set.min_effect && s->ends.high < vx_set.min_effect)
		return finish(s, "unchanged", VX_OK);
	return finish(s, "cannot tell: more rounds (--repeat) or a quieter machine are needed",
		      VX_CANNOT_TELL);
}

static int search(struct search *s)
{
	int ret = compare_ends(s);
	long at;

	if (ret >= 0)
		return ret;
	while (s->bad - s->good > 1) {
		at = middle(s);
		if (at < 0)
			return finish(s, "the others cannot be measured", VX_CANNOT_TELL);
		ret = step(s, at);
		if (ret < 0)
			return VX_USAGE;
		if (!ret)
			return finish(s, "a commit between them is like neither; it may be made of several",
				      VX_CANNOT_TELL);
	}
	return finish(s, "regressed", VX_MISSED);
}

static int prepare(struct search *s, char **words)
{
	static const char *const of_record[] = { "wall_s", "user_s", "sys_s", "cpu_s",
						 "peak_memory_kb", "max_rss_kb" };
	const char *tmp = getenv("TMPDIR");
	double steps;
	size_t i;
	int k;

	s->metric = words[2];
	for (i = 0; i < ARRAY_SIZE(of_record); i++)
		s->of_record |= !strcmp(s->metric, of_record[i]);
	s->lower = s->of_record;
	if (!s->of_record && !strchr(s->metric, '.')) {
		vx_say("'%s' is no metric: JOB.METRIC of a result, or wall_s, user_s, sys_s, cpu_s, peak_memory_kb, max_rss_kb of the command itself",
		       s->metric);
		return -1;
	}
	if (git_commit(words[0], s->at[GOOD]) || git_commit(words[1], s->at[BAD]))
		return -1;
	s->n = git_between(s->at[GOOD], s->at[BAD], &s->ids);
	if (s->n < 0)
		return -1;
	s->broken = calloc((size_t)s->n, sizeof(*s->broken));
	s->good = -1;
	s->bad = s->n - 1;
	s->most = vx_set.repeat > 1 ? vx_set.repeat : ROUNDS_USUAL;
	s->most = s->most > ROUNDS_MOST ? ROUNDS_MOST : s->most < ROUNDS_LEAST ? ROUNDS_LEAST : s->most;
	/* the probability of a false decision is alpha over all steps and tests */
	steps = 2 + ceil(log2((double)s->n + 1));
	s->alpha = vx_set.alpha / (steps * (1 + ceil(log2((double)s->most / ROUNDS_LEAST))));
	snprintf(s->dir, sizeof(s->dir), "%.150s/vexstress-bisect.XXXXXX", tmp ? tmp : "/tmp");
	if (!s->broken || !mkdtemp(s->dir)) {
		vx_say("no directory for the work trees: %s", strerror(errno));
		s->dir[0] = 0;
		return -1;
	}
	for (k = 0; k < TREES; k++) {
		char out[256];

		path_of(s, tree_names[k], ".out", out, sizeof(out));
		if (mkdir(out, 0777)) {
			vx_say("%s: %s", out, strerror(errno));
			return -1;
		}
	}
	setenv("VEXSTRESS_METRIC", s->metric, 1);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void clean_up(struct search *s)
{
	char path[300];
	int k;

	for (k = 0; k < TREES && s->dir[0]; k++) {
		path_of(s, tree_names[k], "", path, sizeof(path));
		if (s->there[k])
			git_tree_remove(path);
	}
	/* logs, and what the commands left beside their results; no link is followed */
	if (s->dir[0] && nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS))
		vx_say("%s is left behind: %s", s->dir, strerror(errno));
	json_decref(s->steps);
	free(s->broken);
	free(s->ids);
}

int vx_cmd_bisect(int n, char **words)
{
	struct search *s;
	int ret = VX_USAGE;

	if (n != 3) {
		vx_say("bisect needs two commits and a metric: vexstress bisect GOOD BAD -- METRIC");
		return VX_USAGE;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return VX_MISSED;
	s->steps = json_array();
	if (!prepare(s, words))
		ret = search(s);
	clean_up(s);
	free(s);
	return vx_signal ? 128 + vx_signal : ret;
}
