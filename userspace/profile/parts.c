// SPDX-License-Identifier: GPL-2.0
/* Reading directories of results. */
#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "parse.h"
#include "profile.h"

#define PARTS_MAX	64

const char *parts_path(const struct parts *p, const char *part, const char *file, char *to,
		       size_t size)
{
	int n = snprintf(to, size, "%s/%s/%s", p->dir, part, file);

	return n < 0 || (size_t)n >= size ? "" : to;
}

const struct part *parts_find(const struct parts *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->nparts; i++)
		if (!strcmp(p->part[i].name, name))
			return &p->part[i];
	return NULL;
}

bool parts_have(const struct parts *p, const char *name)
{
	const struct part *part = parts_find(p, name);

	return part && part->used;
}

static void status_line(struct part *part, char *line)
{
	char *value = strchr(line, '=');
	uint64_t t;

	line[strcspn(line, "\n")] = 0;
	if (!value)
		return;
	*value++ = 0;
	if (!strcmp(line, "state"))
		part->complete = !strcmp(value, "complete");
	else if (!strcmp(line, "why"))
		snprintf(part->why, sizeof(part->why), "%s", value);
	else if (!strcmp(line, "sources"))
		snprintf(part->sources, sizeof(part->sources), "%s", value);
	else if (!strcmp(line, "machine"))
		snprintf(part->machine, sizeof(part->machine), "%s", value);
	else if (!strcmp(line, "began") && parse_u64(value, &t))
		part->began = (int64_t)t;
	else if (!strcmp(line, "ended") && parse_u64(value, &t))
		part->ended = (int64_t)t;
}

static int read_status(struct parts *p, const char *name)
{
	char path[PATH_MAX], *line = NULL;
	struct part part = { .used = true }, *more;
	size_t room = 0;
	FILE *f = fopen(parts_path(p, name, "status", path, sizeof(path)), "re");

	if (!f)
		return 0;
	snprintf(part.name, sizeof(part.name), "%s", name);
	while (getline(&line, &room, f) > 0)
		status_line(&part, line);
	free(line);
	fclose(f);
	more = p->nparts < PARTS_MAX ? realloc(p->part, (p->nparts + 1) * sizeof(part)) : NULL;
	if (!more)
		return -1;
	p->part = more;
	p->part[p->nparts++] = part;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Only results of the sources that the newest part was made of go together. */
static void choose_sources(struct parts *p)
{
	int64_t newest = 0;
	size_t i;

	for (i = 0; i < p->nparts; i++) {
		if (p->part[i].ended >= newest) {
			newest = p->part[i].ended;
			snprintf(p->sources, sizeof(p->sources), "%s", p->part[i].sources);
		}
	}
	for (i = 0; i < p->nparts; i++) {
		struct part *part = &p->part[i];

		if (!strcmp(part->sources, p->sources))
			continue;
		part->used = false;
		snprintf(part->why, sizeof(part->why),
			 "it was made of other sources (%s, the newest part of %s) and is left out",
			 shown(part->sources), shown(p->sources));
	}
}

static int list_parts(struct parts *p, char *why, size_t size)
{
	struct dirent *e;
	DIR *d = opendir(p->dir);
	int ret = 0;

	if (!d) {
		snprintf(why, size, "%s", strerror(errno));
		return -1;
	}
	while (!ret && (e = readdir(d)))
		if (e->d_name[0] != '.')
			ret = read_status(p, e->d_name);
	closedir(d);
	if (ret)
		snprintf(why, size, "there are more than %d parts, or no memory", PARTS_MAX);
	else if (!p->nparts)
		snprintf(why, size, "it holds no results: run_comprehensive_profiling.sh makes some");
	if (ret || !p->nparts)
		return -1;
	qsort(p->part, p->nparts, sizeof(*p->part), by_name);
	choose_sources(p);
	return 0;
}

static void add_depth(struct parts *p, const char *kind, uint64_t bytes, const char *part)
{
	size_t i;

	for (i = 0; i < p->ndepths && strcmp(p->depth[i].kind, kind); i++)
		;
	if (i == KINDS_MAX)
		return;
	if (i == p->ndepths) {
		p->ndepths++;
		snprintf(p->depth[i].kind, sizeof(p->depth[i].kind), "%s", kind);
	}
	if (bytes > p->depth[i].bytes) {
		p->depth[i].bytes = bytes < UINT_MAX ? (unsigned int)bytes : UINT_MAX;
		p->depth[i].part = part;
	}
}

/* The file "stack" of debugfs: its last table. The deepest of all kinds is returned. */
static unsigned int read_depths(struct parts *p, const char *part, const char *file, bool keep)
{
	char path[PATH_MAX], kind[24], number[24], *line = NULL;
	unsigned int deepest = 0;
	bool inside = false;
	uint64_t bytes;
	size_t room = 0;
	FILE *f = fopen(parts_path(p, part, file, path, sizeof(path)), "re");

	if (!f)
		return 0;
	while (getline(&line, &room, f) > 0) {
		if (!strncmp(line, "# deepest of each", 17)) {
			inside = true;
		} else if (inside && sscanf(line, "%23s %23s", kind, number) == 2 &&
			   *kind != '#' && parse_u64(number, &bytes) && bytes < UINT_MAX) {
			deepest = bytes > deepest ? (unsigned int)bytes : deepest;
			if (keep)
				add_depth(p, !strcmp(kind, "request") ? "fuse" : kind, bytes, part);
		}
	}
	free(line);
	fclose(f);
	return deepest;
}

static unsigned int deepest_of(const struct parts *p, const jsonin *kinds)
{
	unsigned int deepest = 0;
	const char *kind;
	size_t i, k;

	for (i = 0; i < jsonin_count(kinds); i++) {
		kind = jsonin_text(jsonin_at(kinds, i));
		for (k = 0; kind && k < p->ndepths; k++)
			if (!strcmp(p->depth[k].kind, kind) && p->depth[k].bytes > deepest)
				deepest = p->depth[k].bytes;
	}
	return deepest;
}

static char *join_path(const jsonin *path)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (i = 0; i < jsonin_count(path); i++) {
		const char *name = jsonin_text(jsonin_at(path, i)), *colon;

		colon = name ? strrchr(name, ':') : NULL;
		fprintf(f, "%s%s", i ? " > " : "", colon ? colon + 1 : name ? name : "?");
	}
	fclose(f);
	return text;
}

static unsigned int bytes_of(const jsonin *v)
{
	double n = jsonin_number(v);

	return n > 0 && n < 1 << 30 ? (unsigned int)n : 0;
}

static int by_depth(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	unsigned int dx = x->possible > x->seen ? x->possible : x->seen;
	unsigned int dy = y->possible > y->seen ? y->possible : y->seen;

	return dx != dy ? (dx > dy ? -1 : 1) : strcmp(x->name, y->name);
}

static int read_entries(struct parts *p, char *why, size_t size)
{
	char path[PATH_MAX];
	jsonin *doc = jsonin_file(parts_path(p, "static", "report.json", path, sizeof(path)), why, size);
	size_t i;

	if (!doc)
		return -1;
	p->entry = calloc(jsonin_count(doc) + 1, sizeof(*p->entry));
	for (i = 0; p->entry && i < jsonin_count(doc); i++) {
		const jsonin *v = jsonin_at(doc, i);
		const char *name = jsonin_text(jsonin_get(v, "entry"));
		const char *file = jsonin_text(jsonin_get(v, "file"));
		struct entry *e = &p->entry[p->nentries];

		e->name = name ? strdup(name) : NULL;
		e->file = strdup(file ? file : "");
		e->path = join_path(jsonin_get(v, "path"));
		e->possible = bytes_of(jsonin_get(v, "worst_possible"));
		e->budget = bytes_of(jsonin_get(v, "budget"));
		e->seen = deepest_of(p, jsonin_get(v, "kinds"));
		p->nentries++;
		if (!e->name || !e->file || !e->path)
			break;
	}
	if (!p->entry || i < jsonin_count(doc)) {
		snprintf(why, size, "entry %zu has no name, or there is no memory", i);
		jsonin_free(doc);
		return -1;
	}
	jsonin_free(doc);
	qsort(p->entry, p->nentries, sizeof(*p->entry), by_depth);
	return 0;
}

static size_t read_values(const jsonin *list, double *to)
{
	size_t i, n = 0;

	for (i = 0; i < jsonin_count(list) && n < SAMPLES_MAX; i++) {
		double v = jsonin_number(jsonin_at(list, i));

		if (isfinite(v) && v > 0)
			to[n++] = v;
	}
	return n;
}

static int read_component(struct parts *p, const struct part *part, char *why, size_t size)
{
	char path[PATH_MAX];
	jsonin *doc = jsonin_file(parts_path(p, part->name, "samples.json", path, sizeof(path)), why, size);
	struct component *more, *c;
	const char *unit;

	if (!doc)
		return -1;
	more = realloc(p->component, (p->ncomponents + 1) * sizeof(*more));
	if (!more) {
		jsonin_free(doc);
		return -1;
	}
	p->component = more;
	c = &p->component[p->ncomponents++];
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", part->name + strlen("component-"));
	unit = jsonin_text(jsonin_get(doc, "unit"));
	snprintf(c->unit, sizeof(c->unit), "%s", unit ? unit : "");
	c->noff = read_values(jsonin_get(doc, "off"), c->off);
	c->non = read_values(jsonin_get(doc, "on"), c->on);
	jsonin_free(doc);
	c->deepest_off = read_depths(p, part->name, "stack.off", true);
	c->deepest_on = read_depths(p, part->name, "stack.on", true);
	return 0;
}

static void spoil(struct part *part, const char *file, const char *why)
{
	part->complete = false;
	snprintf(part->why, sizeof(part->why), "%s: %s", file, why);
}

static void read_part(struct parts *p, struct part *part)
{
	char path[PATH_MAX], why[200] = "";

	if (!part->used)
		return;
	if (!strncmp(part->name, "component-", 10)) {
		if (read_component(p, part, why, sizeof(why)))
			spoil(part, "samples.json", why);
		return;
	}
	read_depths(p, part->name, "stack", true);
	if (!strcmp(part->name, "perf")) {
		p->time = jsonin_file(parts_path(p, "perf", "profile.json", path, sizeof(path)), why, sizeof(why));
		if (!p->time)
			spoil(part, "profile.json", why);
	} else if (!strcmp(part->name, "valgrind")) {
		p->valgrind = jsonin_file(parts_path(p, "valgrind", "summary.json", path, sizeof(path)), why, sizeof(why));
		if (!p->valgrind)
			spoil(part, "summary.json", why);
	} else if (!strcmp(part->name, "ebpf")) {
		FILE *f = fopen(parts_path(p, "ebpf", "stack_max_size", path, sizeof(path)), "re");

		if (!f || fscanf(f, "%9u", &p->tracer) != 1)
			p->tracer = 0;
		if (f)
			fclose(f);
	}
}

int parts_read(struct parts *p, const char *dir, char *why, size_t size)
{
	char text[200];
	struct part *part;
	size_t i;

	memset(p, 0, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "%s", dir);
	if (list_parts(p, why, size))
		return -1;
	for (i = 0; i < p->nparts; i++)
		read_part(p, &p->part[i]);
	/* last, since it asks how deep each kind of op has been in any part */
	part = (struct part *)parts_find(p, "static");
	if (part && part->used && read_entries(p, text, sizeof(text)))
		spoil(part, "report.json", text);
	return 0;
}

void parts_free(struct parts *p)
{
	size_t i;

	for (i = 0; i < p->nentries; i++) {
		free(p->entry[i].name);
		free(p->entry[i].file);
		free(p->entry[i].path);
	}
	free(p->entry);
	free(p->part);
	free(p->component);
	jsonin_free(p->time);
	jsonin_free(p->valgrind);
	memset(p, 0, sizeof(*p));
}
