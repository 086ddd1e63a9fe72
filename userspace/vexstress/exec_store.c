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
	char *path = NULL, *dir;

	if (!vx_set.results && geteuid() == 0)
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

int vx_result_keep(const json_t *result, const char *name)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return keep("run", name, now.tv_sec * 1000ll + now.tv_nsec / 1000000, result);
}

struct loading {
	struct history *h;
	const char *only;
	json_t *out;
	struct history_error *err;
};

static int load_one(const struct history_record *r, void *arg)
{
	struct loading *l = arg;
	struct history_record got;
	json_t *o;
	size_t size;
	char *text;

	if (l->only && strcmp(l->only, r->name))
		return 0;
	text = history_record_get(l->h, r->id, &got, &size, l->err);
	if (!text)
		return -1;
	o = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (!json_is_object(o)) {
		vx_say("record %lld is damaged and left out", (long long)r->id);
		json_decref(o);
		return 0;
	}
	json_object_set_new(o, "id", json_integer(r->id));
	return json_array_append_new(l->out, o);
}

json_t *vx_exec_load(const char *only)
{
	struct history_error err = { 0 };
	struct loading l = { open_history(HISTORY_READ, &err), only, json_array(), &err };

	/* nothing was stored yet */
	if (!l.h && err.code == ENOENT)
		return l.out;
	if (l.h && !history_records(l.h, KIND, load_one, &l, &err)) {
		history_close(l.h);
		return l.out;
	}
	vx_say("the records cannot be read: %s", err.text);
	history_close(l.h);
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

char *vx_history_path(bool make)
{
	(void)make;
	vx_say("there is no history: vexstress was built without SQLite (libsqlite3-dev)");
	return NULL;
}

json_t *vx_exec_load(const char *only)
{
	(void)only;
	vx_say("there are no records: vexstress was built without SQLite (libsqlite3-dev)");
	return NULL;
}

#endif
