// SPDX-License-Identifier: GPL-2.0
#include "database.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

struct question {
	const struct database *db;
	const struct ask_set *set;
	uint64_t *found;
};

void database_die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static double ask(void *arg, size_t first, size_t count)
{
	struct question *q = arg;
	uint32_t dim = q->set->dim;
	size_t i;

	for (i = first; i < first + count; i++)
		q->db->search(q->set->queries + i * dim, dim, q->found + i * ASK_K);
	return 0;
}

int database_run(const struct database *db, const char *prefix, const char *dim, char **efs, int n)
{
	struct question q = { .db = db };
	struct asker a = { ask, &q };
	struct ask_set set;
	double start;
	struct json j;
	int i;

	ask_load(&set, prefix, dim);
	q.set = &set;
	q.found = ask_alloc(set.nq * ASK_K, sizeof(*q.found));
	json_start(&j, stdout, false);
	json_object_begin(&j);
	json_kv_string(&j, "peer", db->peer);
	json_kv_string(&j, "version", db->version);
	json_kv_string(&j, "build", db->build);
	json_kv_string(&j, "type", "f32");
	json_kv_string(&j, "data", set.name);
	json_kv_u64(&j, "dim", set.dim);
	json_kv_u64(&j, "n", set.n);
	json_kv_u64(&j, "build_threads", 1);
	start = ask_now();
	db->store(&set);
	json_kv_double(&j, "build_per_s", set.n / (ask_now() - start));
	json_key(&j, "points");
	json_array_begin(&j);
	for (i = 0; i < n; i++) {
		int ef = ask_number(efs[i], "ef", 1, 100000);

		db->set_ef(ef);
		ask_in_turns(set.nq, &a, 1);
		json_object_begin(&j);
		json_kv_u64(&j, "ef", ef);
		json_kv_double(&j, "recall", ask_recall(&set, q.found));
		json_kv_double(&j, "qps", a.qps);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	free(q.found);
	return json_finish(&j) ? 1 : 0;
}
