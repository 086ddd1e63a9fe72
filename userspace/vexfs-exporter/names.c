// SPDX-License-Identifier: GPL-2.0
/*
 * Maps the module's names to those of Prometheus: base units, ratios from 0 to 1, the
 * unit at the end. New counters get their names by these rules; the table holds the few
 * for which the rules give a bad name, or whose value another metric has.
 */
#include <stdio.h>
#include <string.h>

#include "names.h"

static const struct {
	const char *unit;	/* of the module */
	const char *word;	/* in the module's names */
	const char *suffix;	/* of the metric */
	uint64_t times;
	unsigned int places;
	bool gauge;
} units[] = {
	{ "ns", "ns", "seconds", 1, 9, false },
	{ "us", "us", "seconds", 1, 6, false },
	{ "ms", "ms", "seconds", 1, 3, false },
	{ "s", "s", "seconds", 1, 0, false },
	{ "bytes", "bytes", "bytes", 1, 0, false },
	{ "KiB", "kb", "bytes", 1024, 0, false },
	{ "MiB", "mb", "bytes", 1048576, 0, false },
	{ "ppm", "ppm", "ratio", 1, 6, true },
	{ "percent", "pct", "ratio", 1, 2, true },
	{ "mops/s", NULL, "ops_per_second", 1, 3, true },
};

/* @name NULL: not exported. */
static const struct {
	const char *subject;
	const char *counter;
	const char *name;
} special[] = {
	{ "op", "count", "vexfs_ops" },
	{ "op", "errors", "vexfs_op_failures" },
	{ "op", "max_ns", "vexfs_op_duration_max_seconds" },
	/* Part of the histogram. */
	{ "op", "ns", NULL }, { "op", "mean_ns", NULL }, { "op", "p50_ns", NULL },
	{ "op", "p95_ns", NULL }, { "op", "p99_ns", NULL }, { "op", "p999_ns", NULL },
	/* rate() computes these. */
	{ "op", "rate_1s", NULL }, { "op", "rate_10s", NULL }, { "op", "rate_60s", NULL },
	/* Every series of an op has a class label. */
	{ "class", NULL, NULL },
	/* Written with a label for the errno. */
	{ "errors", NULL, NULL },
	{ "store", "collections", "vexfs_collections" },
	{ "store", "changes", "vexfs_collections_created_or_dropped" },
	{ "store", "vectors", "vexfs_vectors" },
	{ "store", "bytes", "vexfs_collections_bytes" },
};

static const struct {
	const char *subject;
	const char *label;
} labels[] = {
	{ "simd", "variant" }, { "fpu", NULL }, { "timed", NULL }, { "store", NULL }, { "stack", NULL },
	{ "events", NULL },
};

const char *metric_label(const char *subject)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (!strcmp(labels[i].subject, subject))
			return labels[i].label;
	return subject;
}

/* Removes the word from a name whose words are separated by '_'. */
static void without(char *name, const char *word)
{
	size_t n = strlen(word);
	char *at = name;

	while ((at = strstr(at, word))) {
		bool begins = at == name || at[-1] == '_';
		bool ends = at[n] == '\0' || at[n] == '_';

		if (begins && ends) {
			size_t from = n + (at[n] == '_');

			memmove(at, at + from, strlen(at + from) + 1);
			break;
		}
		at += n;
	}
	n = strlen(name);
	if (n && name[n - 1] == '_')
		name[n - 1] = '\0';
}

/* Suffixes that are reserved for histograms, counters and infos. */
static bool taken_suffix(const char *name)
{
	static const char *const taken[] = { "_total", "_count", "_sum", "_bucket", "_info",
					     "_created" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (len > strlen(taken[i]) && !strcmp(name + len - strlen(taken[i]), taken[i]))
			return true;
	return false;
}

static void by_rule(const struct counter_doc *f, struct metric_name *m, const char *word,
		    const char *suffix)
{
	char subject[48], rest[48];

	expo_name(subject, sizeof(subject), f->subject);
	expo_name(rest, sizeof(rest), f->name);
	if (word)
		without(rest, word);
	snprintf(m->name, sizeof(m->name), "vexfs_%s%s%s%s%s", subject, *rest ? "_" : "", rest,
		 suffix ? "_" : "", suffix ? suffix : "");
	if (taken_suffix(m->name))
		strncat(m->name, "_value", sizeof(m->name) - strlen(m->name) - 1);
}

bool metric_name(const struct counter_doc *f, struct metric_name *m)
{
	const char *word = NULL, *suffix = NULL;

	*m = (struct metric_name){ .kind = f->gauge ? EXPO_GAUGE : EXPO_COUNTER, .times = 1 };
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].unit, f->unit))
			continue;
		word = units[i].word;
		suffix = units[i].suffix;
		m->times = units[i].times;
		m->places = units[i].places;
		if (units[i].gauge)
			m->kind = EXPO_GAUGE;
		else
			m->unit = suffix;
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (strcmp(special[i].subject, f->subject) ||
		    (special[i].counter && strcmp(special[i].counter, f->name)))
			continue;
		if (!special[i].name)
			return false;
		snprintf(m->name, sizeof(m->name), "%s", special[i].name);
		return true;
	}
	by_rule(f, m, word, suffix);
	return true;
}
