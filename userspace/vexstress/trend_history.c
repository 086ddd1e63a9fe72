// SPDX-License-Identifier: GPL-2.0
/* Results over time from the history: runs and baselines that were kept, and records of exec. */
#include "trend_file.h"

#ifdef VX_HISTORY

#include "../history/history.h"

#include <stdlib.h>
#include <string.h>

/* Where a run was measured; only runs of one place can be compared. */
struct place {
	char machine[HISTORY_NAME];
	char lab[HISTORY_NAME];
};

/**
 * struct gathering - runs that are read
 * @f: receives their points
 * @newest: number of the newest record
 * @newest_result: the same of results, which alone say what lab they are of
 * @here: where these were measured
 * @others: runs from elsewhere
 * @failed: an error was printed
 */
struct gathering {
	struct trend_file *f;
	int64_t newest, newest_result;
	struct place here;
	size_t others;
	bool failed;
};

/* The lab of a result; programs that exec runs are in none. */
static json_t *load(const struct history_record *r, const char *data, size_t size, struct place *at)
{
	json_t *o = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
	const char *lab = json_string_value(json_object_get(json_object_get(o, "fingerprint"), "lab"));

	*at = (struct place){ 0 };
	snprintf(at->machine, sizeof(at->machine), "%s", r->machine);
	snprintf(at->lab, sizeof(at->lab), "%s", lab ? lab : "");
	return o;
}

/* The place of the newest run, by the order in which they were kept. */
static int find_place(const struct history_record *r, const char *data, size_t size, void *arg)
{
	struct gathering *g = arg;
	struct place at;
	json_t *o = load(r, data, size, &at);

	if (json_is_object(o) && r->id > g->newest) {
		g->newest = r->id;
		memcpy(g->here.machine, at.machine, sizeof(at.machine));
	}
	if (json_object_get(o, "fingerprint") && r->id > g->newest_result) {
		g->newest_result = r->id;
		memcpy(g->here.lab, at.lab, sizeof(at.lab));
	}
	json_decref(o);
	return 0;
}

static bool add_program(struct trend_file *f, const json_t *o)
{
	const char *program = json_string_value(json_object_get(o, "program"));
	double wall = json_number_value(json_object_get(o, "wall_s"));
	char name[VX_NAME_SIZE + 300];
	struct trend_point p = {
		.name = name,
		.t = json_integer_value(json_object_get(o, "started_ms")) / 1000,
		.mean_ns = wall * 1e9,
	};

	/* a run that failed may have ended anywhere */
	if (!program || !(wall > 0) || !json_is_true(json_object_get(o, "success")))
		return true;
	snprintf(name, sizeof(name), "exec:%s", program);
	return trend_add(f, &p);
}

static int gather(const struct history_record *r, const char *data, size_t size, void *arg)
{
	struct gathering *g = arg;
	struct place at;
	json_t *o = load(r, data, size, &at);
	bool result = json_object_get(o, "fingerprint");

	if (!json_is_object(o))
		vx_say("record %lld is no run of vexstress and left out", (long long)r->id);
	else if (strcmp(at.machine, g->here.machine) || (result && strcmp(at.lab, g->here.lab)))
		g->others++;
	else
		g->failed = result ? trend_add_result(g->f, o) : !add_program(g->f, o);
	json_decref(o);
	return g->failed;
}

int trend_read_history(const char *path, struct trend_file *f, size_t *others)
{
	static const char *const kinds[] = { "run", "baseline", "exec" };
	struct gathering g = { .f = f };
	struct history_error err = { 0 };
	struct history *h = history_open(path, HISTORY_READ, &err);
	int ret = h ? 0 : -1;
	size_t i;

	*f = (struct trend_file){ 0 };
	for (i = 0; !ret && i < ARRAY_SIZE(kinds); i++)
		ret = history_record_contents(h, kinds[i], NULL, find_place, &g, &err);
	for (i = 0; !ret && i < ARRAY_SIZE(kinds); i++)
		ret = history_record_contents(h, kinds[i], NULL, gather, &g, &err);
	history_close(h);
	*others = g.others;
	if (ret) {
		if (!g.failed)
			vx_say("the runs cannot be read: %s", err.text);
		trend_free(f);
		return -1;
	}
	trend_sort(f);
	return 0;
}

#else

int trend_read_history(const char *path, struct trend_file *f, size_t *others)
{
	(void)path;
	*f = (struct trend_file){ 0 };
	*others = 0;
	vx_say("there is no history: vexstress was built without SQLite (libsqlite3-dev)");
	return -1;
}

#endif
