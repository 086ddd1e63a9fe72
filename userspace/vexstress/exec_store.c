// SPDX-License-Identifier: GPL-2.0
/* Stores records in the history, like the results of vexstress. */
#include "exec.h"

#include <string.h>

json_t *vx_exec_by_program(const json_t *records)
{
	json_t *all = json_object(), *list, *r;
	const char *name;
	size_t i;

	json_array_foreach(records, i, r) {
		name = json_string_value(json_object_get(r, "program"));
		if (!name)
			continue;
		list = json_object_get(all, name);
		if (!list) {
			list = json_array();
			json_object_set_new(all, name, list);
		}
		json_array_append(list, r);
	}
	return all;
}

#ifdef VX_HISTORY

#include "../history/history.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KIND	"exec"

char *vx_history_path(bool make)
{
	const char *lab = getenv("VEXFS_RESULTS");
	char *path = NULL, *dir;

	if (vx_set.history)
		return strdup(vx_set.history);
	/* in a lab only the folder of results can be written */
	if (!vx_set.results && !(lab && *lab) && geteuid() == 0)
		return strdup(HISTORY_PATH);
	dir = vx_results_dir(make);
	if (!dir || asprintf(&path, "%s/history.db", dir) < 0)
		path = NULL;
	free(dir);
	return path;
}

static struct history *open_history(enum history_access how, struct history_error *err)
{
	char *path = vx_history_path(how == HISTORY_WRITE);
	struct history *h;

	if (!path) {
		snprintf(err->text, sizeof(err->text), "there is no directory for results");
		return NULL;
	}
	h = history_open(path, how, err);
	free(path);
	return h;
}

static int keep(const char *kind, const char *name, int64_t t, const json_t *value)
{
	struct history_error err = { 0 };
	struct history *h = open_history(HISTORY_WRITE, &err);
	struct history_record r = { .t = t };
	int64_t id = -1;
	char *text;

	snprintf(r.kind, sizeof(r.kind), "%s", kind);
	snprintf(r.name, sizeof(r.name), "%s", name);
	gethostname(r.machine, sizeof(r.machine) - 1);
	text = vx_json_dump(value, JSON_COMPACT);
	if (h && text)
		id = history_record_add(h, &r, text, strlen(text), &err);
	free(text);
	history_close(h);
	if (id >= 0)
		return 0;
	vx_say("the record is not kept: %s", err.text);
	return -1;
}

int vx_exec_keep(json_t *record)
{
	return keep(KIND, json_string_value(json_object_get(record, "program")) ?: "",
		    json_integer_value(json_object_get(record, "started_ms")), record);
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

int vx_result_keep(const json_t *result, const char *name)
{
	return keep("run", name, wall_ms(), result);
}

void vx_baseline_keep(const json_t *result, const char *name)
{
	keep("baseline", name, wall_ms(), result);
}

static int take_newest(const struct history_record *r, const char *data, size_t size, void *arg)
{
	json_t **newest = arg;

	(void)r;
	json_decref(*newest);
	*newest = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
	return 0;
}

json_t *vx_result_kept(const char *name)
{
	struct history_error err = { 0 };
	struct history *h = open_history(HISTORY_READ, &err);
	json_t *newest = NULL;

	if (h && !history_record_contents(h, "baseline", name, take_newest, &newest, &err) && !newest)
		history_record_contents(h, "run", name, take_newest, &newest, &err);
	/* that there is no history is no error: nothing was kept */
	if (!newest && err.code && err.code != ENOENT)
		vx_say("the history cannot be read: %s", err.text);
	history_close(h);
	return newest;
}

struct loading {
	bool samples;
	json_t *out;
};

/* The end of a JSON string, past its quote. */
static const char *skip_string(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		s += *s == '\\';
	return s < end ? s + 1 : end;
}

/*
 * The text without its samples of memory: most of a record, and of the older ones nobody asks for
 * them. What is no record stays as it is: the parser says so. To be freed.
 */
static char *without_samples(const char *text, size_t *size)
{
	static const char key[] = ",\"memory_samples\":[";
	const char *end = text + *size, *at = memmem(text, *size, key, sizeof(key) - 1), *s;
	char *out = malloc(*size + 1);
	int depth = 0;

	if (!out)
		return NULL;
	/* a string may hold the same words, with their quotes escaped */
	for (s = at ? at + sizeof(key) - 2 : end; s < end && (s == at + sizeof(key) - 2 || depth);) {
		depth += (*s == '[') - (*s == ']');
		s = *s == '"' ? skip_string(s, end) : s + 1;
	}
	if (!at || depth)
		at = s = end;
	memcpy(out, text, (size_t)(at - text));
	memcpy(out + (at - text), s, (size_t)(end - s));
	*size -= (size_t)(s - at);
	return out;
}

static int load_one(const struct history_record *r, const char *data, size_t size, void *arg)
{
	struct loading *l = arg;
	char *less = l->samples ? NULL : without_samples(data, &size);
	json_t *o = json_loadb(less ? less : data, size, JSON_REJECT_DUPLICATES, NULL);

	free(less);
	if (!json_is_object(o)) {
		vx_say("record %lld is damaged and left out", (long long)r->id);
		json_decref(o);
		return 0;
	}
	json_object_set_new(o, "id", json_integer(r->id));
	return json_array_append_new(l->out, o);
}

/* The samples of the last run of each program, which tell whether it grows. */
static int load_last_samples(struct history *h, const json_t *records, struct history_error *err)
{
	json_t *groups = vx_exec_by_program(records), *list, *last, *whole;
	struct history_record r;
	const char *name;
	char *text;
	size_t size;
	int ret = 0;

	json_object_foreach(groups, name, list) {
		last = json_array_get(list, json_array_size(list) - 1);
		text = history_record_get(h, json_integer_value(json_object_get(last, "id")), &r,
					  &size, err);
		whole = text ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
		free(text);
		/* pruned meanwhile: nothing is said of its memory */
		if (!text && err->code != ENOENT)
			ret = -1;
		json_object_update_missing(last, whole);
		json_decref(whole);
	}
	json_decref(groups);
	return ret;
}

json_t *vx_exec_load(const char *only, bool samples)
{
	struct history_error err = { 0 };
	struct loading l = { samples, json_array() };
	struct history *h = open_history(HISTORY_READ, &err);

	/* nothing was stored yet */
	if (!h && err.code == ENOENT)
		return l.out;
	if (h && !history_record_contents(h, KIND, only, load_one, &l, &err) &&
	    (samples || !load_last_samples(h, l.out, &err))) {
		history_close(h);
		return l.out;
	}
	vx_say("the records cannot be read: %s", err.text);
	history_close(h);
	json_decref(l.out);
	return NULL;
}

#else

int vx_exec_keep(json_t *record)
{
	(void)record;
	vx_say("the record is not kept: vexstress was built without SQLite (libsqlite3-dev)");
	return -1;
}

int vx_result_keep(const json_t *result, const char *name)
{
	(void)result;
	(void)name;
	return vx_exec_keep(NULL);
}

void vx_baseline_keep(const json_t *result, const char *name)
{
	(void)result;
	(void)name;
}

json_t *vx_result_kept(const char *name)
{
	(void)name;
	return NULL;
}

char *vx_history_path(bool make)
{
	(void)make;
	vx_say("there is no history: vexstress was built without SQLite (libsqlite3-dev)");
	return NULL;
}

json_t *vx_exec_load(const char *only, bool samples)
{
	(void)only;
	(void)samples;
	vx_say("there are no records: vexstress was built without SQLite (libsqlite3-dev)");
	return NULL;
}

#endif
