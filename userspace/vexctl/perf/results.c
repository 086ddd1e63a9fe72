// SPDX-License-Identifier: GPL-2.0
/* "vexctl results": runs, baselines and reports in the history. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "history.h"
#include "jsonin.h"
#include "outfile.h"
#include "perf.h"
#include "term.h"

#define RESULT_MAX	(16u << 20)
/* Of results of vexstress, of its run records, and of metrics. */
#define RESULT_SCHEMA	1

/* The kind of --kind, or @otherwise; "exec" are the run records of vexstress. */
static int read_kind(struct ctl *c, const char *otherwise, const char **kind)
{
	static const char *const kinds[] = { "run", "baseline", "report", "exec" };

	*kind = opt_string(c, "kind", otherwise);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!*kind || !strcmp(*kind, kinds[i]))
			return 0;
	return ctl_usage(c, "--kind is run, baseline, report or exec, not '%s'", *kind);
}

static struct history *open_it(struct ctl *c, enum history_access how, int *ret)
{
	struct history_error err;
	struct history *h;
	struct config conf;

	*ret = perf_config(c, &conf);
	if (*ret)
		return NULL;
	h = history_open(opt_string(c, "history", conf.database), how, &err);
	if (!h)
		*ret = ctl_refuse(c, err.code, "%s", err.text);
	return h;
}

static int end(struct ctl *c, struct history *h, int ret)
{
	history_close(h);
	if (c->json && !ret) {
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return ret;
}

static int list_one(const struct history_record *r, void *arg)
{
	struct ctl *c = arg;
	struct json *j = &c->out;

	if (!c->json) {
		printf("%6" PRId64 "  %s  %-8s %9zu bytes  %s%s, %s\n", r->id, time_text(r->t), r->kind,
		       r->size, r->archived ? "[archived] " : "", shown(r->name), shown(r->machine));
		return 0;
	}
	json_object_begin(j);
	json_kv_i64(j, "id", r->id);
	kv_number(j, "time", (double)r->t / 1e3);
	json_kv_string(j, "kind", r->kind);
	json_kv_string(j, "name", r->name);
	json_kv_string(j, "machine", r->machine);
	json_kv_bool(j, "archived", r->archived);
	json_kv_u64(j, "size", r->size);
	json_object_end(j);
	return 0;
}

int run_results_list(struct ctl *c)
{
	struct history_error err;
	struct history *h;
	const char *kind;
	int ret = read_kind(c, NULL, &kind);

	if (ret)
		return ret;
	h = open_it(c, HISTORY_READ, &ret);
	if (!h)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "results");
		json_array_begin(&c->out);
	}
	if (history_records(h, kind, list_one, c, &err))
		ret = ctl_refuse(c, err.code, "%s", err.text);
	else if (c->json)
		json_array_end(&c->out);
	return end(c, h, ret);
}

static int read_id(struct ctl *c, int64_t *id)
{
	uint64_t v;

	if (!parse_u64(c->argv[0], &v) || v > INT64_MAX)
		return ctl_usage(c, "'%s' is not the number of a result", c->argv[0]);
	*id = (int64_t)v;
	return 0;
}

int run_results_show(struct ctl *c)
{
	const char *path = opt_string(c, "output", NULL);
	struct history_record r;
	struct history_error err;
	struct outfile o;
	struct history *h;
	int64_t id = 0;
	size_t size;
	char *data;
	int ret = read_id(c, &id);

	if (ret)
		return ret;
	h = open_it(c, HISTORY_READ, &ret);
	if (!h)
		return ret;
	data = history_record_get(h, id, &r, &size, &err);
	if (!data) {
		ret = ctl_refuse(c, err.code, "%s", err.text);
	} else if (path) {
		if (outfile_write(&o, path, data, size))
			ret = ctl_refuse(c, o.error, "%s: %s", path, o.why);
	} else if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "result");
		list_one(&r, c);
		json_key(&c->out, "data");
		json_string_n(&c->out, data, size);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		escape_lines(stdout, data, size);
	}
	free(data);
	history_close(h);
	return ret;
}

/* Reads a file or stdin; NULL with an exit code in *@ret. */
static char *read_whole(struct ctl *c, const char *path, size_t *size, int *ret)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *data = f ? malloc(RESULT_MAX + 1) : NULL;

	if (!data) {
		*ret = ctl_refuse(c, errno, "%s: %s", path, strerror(errno));
	} else {
		*size = fread(data, 1, RESULT_MAX + 1, f);
		if (ferror(f) || *size > RESULT_MAX) {
			*ret = ctl_refuse(c, EFBIG, "%s: cannot be read, or larger than 16 MiB", path);
			free(data);
			data = NULL;
		}
	}
	if (f && f != stdin)
		fclose(f);
	return data;
}

/* What is wrong with one value of a run or a baseline; NULL for nothing. */
static const char *fault_of(const jsonin *v)
{
	const jsonin *schema = jsonin_get(v, "schema_version");
	bool record = jsonin_text(jsonin_get(v, "program"));

	/* a list of run records, or of their summaries */
	for (size_t i = 0; i < jsonin_count(v); i++)
		if (!jsonin_text(jsonin_get(jsonin_at(v, i), "program")) || fault_of(jsonin_at(v, i)))
			return "a list, and not one of run records of vexstress";
	if (jsonin_count(v))
		return NULL;
	if (schema && (!jsonin_is_integer(schema) || jsonin_integer(schema) != RESULT_SCHEMA))
		return "of another schema_version than 1, the one that this vexctl knows";
	if (record || (schema && (jsonin_get(v, "metrics") || jsonin_get(v, "records"))))
		return NULL;
	return "neither a result or run record of vexstress nor metrics of 'vexctl performance metrics -j'";
}

/* A run or a baseline: one JSON value, or several as metrics -i writes them. */
static int check_values(struct ctl *c, char *data, size_t size)
{
	FILE *f = fmemopen(data, size, "r");
	char why[300] = "";
	const char *fault = NULL;
	jsonin *v;

	if (!f)
		return ctl_refuse(c, errno, "%s: %s", c->argv[0], strerror(errno));
	while (!fault && (v = jsonin_next(f, why, sizeof(why)))) {
		fault = fault_of(v);
		jsonin_free(v);
	}
	fclose(f);
	if (fault)
		return ctl_refuse(c, EINVAL, "%s: it is %s", c->argv[0], fault);
	return *why ? ctl_refuse(c, EINVAL, "%s: %s", c->argv[0], why) : 0;
}

/* A report: text for people, or JSON. */
static int check_report(struct ctl *c, const char *data, size_t size)
{
	char why[300] = "", *clean;
	bool text = !memchr(data, '\0', size);
	jsonin *v;

	clean = text ? escape_utf8(data) : NULL;
	if (text && !clean)
		return ctl_refuse(c, ENOMEM, "no memory for %s", c->argv[0]);
	text = text && strlen(clean) == size;
	free(clean);
	if (!text)
		return ctl_refuse(c, EINVAL, "%s: it is no report: neither HTML, Markdown, other text in UTF-8, nor JSON",
				  c->argv[0]);
	if (*data != '{' && *data != '[')
		return 0;
	v = jsonin_parse(data, size, why, sizeof(why));
	jsonin_free(v);
	return v ? 0 : ctl_refuse(c, EINVAL, "%s: %s", c->argv[0], why);
}

static int check_import(struct ctl *c, const char *kind, char *data, size_t size)
{
	if (strspn(data, " \t\r\n") == size)
		return ctl_refuse(c, EINVAL, "%s: there is nothing in it", c->argv[0]);
	return strcmp(kind, "report") ? check_values(c, data, size) : check_report(c, data, size);
}

int run_results_import(struct ctl *c)
{
	const char *kind, *name = opt_string(c, "name", NULL);
	struct history_record r = { .t = perf_now_ms() };
	struct history_error err;
	struct history *h;
	struct utsname u;
	size_t size = 0;
	int64_t id = 0;
	char *data;
	int ret = read_kind(c, "run", &kind);

	if (ret)
		return ret;
	if (!strcmp(kind, "exec"))
		return ctl_usage(c, "run records are made by vexstress exec; import them as --kind run");
	data = read_whole(c, c->argv[0], &size, &ret);
	if (!data)
		return ret;
	data[size] = '\0';
	ret = check_import(c, kind, data, size);
	if (ret) {
		free(data);
		return ret;
	}
	snprintf(r.kind, sizeof(r.kind), "%s", kind);
	snprintf(r.name, sizeof(r.name), "%s", name ? name : c->argv[0]);
	snprintf(r.machine, sizeof(r.machine), "%s", uname(&u) ? "" : u.nodename);
	h = open_it(c, HISTORY_WRITE, &ret);
	if (h) {
		id = history_record_import(h, &r, data, size, &err);
		if (id < 0) {
			ret = ctl_refuse(c, err.code, "%s", err.text);
		} else if (c->json) {
			json_object_begin(&c->out);
			json_kv_i64(&c->out, "id", id);
		} else {
			printf("kept as %" PRId64 "\n", id);
		}
		ret = end(c, h, ret);
	}
	free(data);
	return ret;
}

int run_results_archive(struct ctl *c)
{
	struct history_error err;
	struct history *h;
	int64_t id = 0;
	int ret = read_id(c, &id);

	if (ret)
		return ret;
	h = open_it(c, HISTORY_WRITE, &ret);
	if (!h)
		return ret;
	if (history_record_archive(h, id, !opt_given(c, "undo"), &err)) {
		ret = ctl_refuse(c, err.code, "%s", err.text);
	} else if (c->json) {
		json_object_begin(&c->out);
		json_kv_i64(&c->out, "id", id);
		json_kv_bool(&c->out, "archived", !opt_given(c, "undo"));
	}
	return end(c, h, ret);
}

int run_results_prune(struct ctl *c)
{
	struct history_error err;
	struct history *h;
	const char *kind;
	int64_t age;
	int ret = perf_length(c, "older-than", "90d", &age), n;

	if (!ret)
		ret = read_kind(c, NULL, &kind);
	if (ret)
		return ret;
	h = open_it(c, HISTORY_WRITE, &ret);
	if (!h)
		return ret;
	n = history_record_prune(h, perf_now_ms() - age, kind, opt_given(c, "dry-run"), &err);
	if (n < 0) {
		ret = ctl_refuse(c, err.code, "%s", err.text);
	} else if (c->json) {
		json_object_begin(&c->out);
		json_kv_i64(&c->out, "pruned", n);
		json_kv_bool(&c->out, "dry_run", opt_given(c, "dry-run"));
	} else {
		printf("%d results %s\n", n, opt_given(c, "dry-run") ? "would go" : "are gone");
	}
	return end(c, h, ret);
}

#define OPT_HISTORY	{ "history", 0, OPT_STRING, "FILE", "another history than that of vexfs.conf" }
#define OPT_KIND	{ "kind", 0, OPT_STRING, "KIND", "run, baseline, report or exec" }

static const struct opt list_opts[] = { OPT_KIND, OPT_HISTORY, { 0 } };

static const struct opt show_opts[] = {
	{ "output", 'o', OPT_STRING, "FILE", "write it to FILE, unchanged" }, OPT_HISTORY, { 0 },
};

static const struct opt import_opts[] = {
	{ "kind", 0, OPT_STRING, "KIND", "run, baseline or report; default run" }, { "name", 0, OPT_STRING, "NAME", "its name, default the file's" },
	OPT_HISTORY, { 0 },
};

static const struct opt archive_opts[] = {
	{ "undo", 0, OPT_FLAG, NULL, "let it be pruned again" }, OPT_HISTORY, { 0 },
};

static const struct opt prune_opts[] = {
	{ "older-than", 0, OPT_STRING, "TIME", "of results, default 90d" },
	{ "dry-run", 'n', OPT_FLAG, NULL, "only print how many would be deleted" }, OPT_KIND, OPT_HISTORY, { 0 },
};

const struct verb results_verbs[] = {
	{ "results list", "", 0, 0, "list runs, baselines and reports", NULL, list_opts, run_results_list },
	{ "results show", "ID", 1, 1, "print a result, or write it to a file", NULL, show_opts,
	  run_results_show },
	{ "results import", "FILE", 1, 1, "store a file as a result; - is standard input",
	  "A run or a baseline is JSON of schema_version 1: a result of vexstress, its run records, or metrics of "
	  "'vexctl performance metrics -j'. A report is text in UTF-8 (HTML, Markdown) or JSON. All else is refused "
	  "with exit code 1, and nothing is stored.",
	  import_opts, run_results_import },
	{ "results archive", "ID", 1, 1, "exempt a result from pruning", NULL, archive_opts,
	  run_results_archive },
	{ "results prune", "", 0, 0, "delete old results that are not archived", NULL, prune_opts,
	  run_results_prune },
	{ 0 },
};
