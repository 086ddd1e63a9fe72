// SPDX-License-Identifier: GPL-2.0
/* vexfs-profile report: reads a profile, writes the report, remembers it. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "escape.h"
#ifdef HAVE_HISTORY
#include "history.h"
#endif
#include "outfile.h"
#include "profile.h"
#include "report.h"

static int write_to(const struct report *r, const char *dir, const char *file,
		    void (*write)(const struct report *, FILE *))
{
	char path[PATH_MAX];
	struct outfile o;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path)) {
		say("%s/%s is too long for a path", shown(dir), file);
		return -1;
	}
	if (!outfile_open(&o, path, false)) {
		write(r, o.f);
		if (!outfile_commit(&o))
			return 0;
	}
	say("%s: %s", shown(path), o.why);
	return -1;
}

#ifdef HAVE_HISTORY
/* The newest record of that kind and name. */
struct newest {
	const char *name;
	int64_t id, t;
};

static int look(const struct history_record *h, void *arg)
{
	struct newest *n = arg;

	if (!strcmp(h->name, n->name) && h->t >= n->t) {
		n->id = h->id;
		n->t = h->t;
	}
	return 0;
}

static void compare_stack(struct report *r, const jsonin *old)
{
	size_t i, k;

	for (i = 0; i < r->p.nentries; i++) {
		const struct entry *e = &r->p.entry[i];

		for (k = 0; k < jsonin_count(old); k++) {
			const jsonin *v = jsonin_at(old, k);
			const char *name = jsonin_text(jsonin_get(v, "entry"));
			double before = jsonin_number(jsonin_get(v, "possible"));

			if (name && !strcmp(name, e->name) && before > 0 && e->possible > before + 63)
				report_add(r, 0.8, false,
					   "%s can use %u bytes of stack, %.0f more than in the baseline",
					   e->name, e->possible, e->possible - before);
		}
	}
}

static void compare_components(struct report *r, const jsonin *old)
{
	size_t i, k;

	for (i = 0; i < r->p.ncomponents; i++) {
		const struct component *c = &r->p.component[i];

		for (k = 0; k < jsonin_count(old); k++) {
			const jsonin *v = jsonin_at(old, k);
			const char *name = jsonin_text(jsonin_get(v, "component"));
			double low = jsonin_number(jsonin_get(v, "low"));
			double high = jsonin_number(jsonin_get(v, "high"));

			/* intervals that do not overlap: a significant difference */
			if (name && !strcmp(name, c->name) && isfinite(low) && c->noff && c->non &&
			    (c->change.low > high || c->change.high < low))
				report_add(r, 0.7, false,
					   "%s changes the speed by %+.0f %%, in the baseline by %+.0f to %+.0f %%",
					   c->name, 100 * c->change.change, 100 * low, 100 * high);
		}
	}
}

/* Compares with the baseline, if there is one. */
static void compare(struct report *r, struct history *h)
{
	struct newest n = { .name = "profile" };
	struct history_record rec;
	struct history_error err;
	char *text, why[200];
	jsonin *old;
	size_t size;

	if (history_records(h, "baseline", look, &n, &err) || !n.id)
		return;
	text = history_record_get(h, n.id, &rec, &size, &err);
	old = text ? jsonin_parse(text, size, why, sizeof(why)) : NULL;
	if (old) {
		compare_stack(r, jsonin_get(old, "stack"));
		compare_components(r, jsonin_get(old, "components"));
	} else {
		say("the baseline cannot be read: %s", text ? why : err.text);
	}
	jsonin_free(old);
	free(text);
}

static int remember(const struct report *r, struct history *h, bool baseline)
{
	struct history_record rec = { .t = (int64_t)time(NULL) * 1000 };
	struct history_error err;
	struct utsname u;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int64_t id = -1;

	if (!f)
		return -1;
	report_json(r, f);
	fclose(f);
	snprintf(rec.kind, sizeof(rec.kind), "%s", baseline ? "baseline" : "report");
	snprintf(rec.name, sizeof(rec.name), "%s", baseline ? "profile" : r->scope);
	if (!uname(&u))
		snprintf(rec.machine, sizeof(rec.machine), "%s", u.nodename);
	err.text[0] = 0;
	id = history_record_add(h, &rec, text, size, &err);
	free(text);
	if (id < 0)
		say("the history does not take the report: %s", err.text);
	return id < 0 ? -1 : 0;
}

static struct history *open_history(const char *path)
{
	struct history_error err;
	struct history *h = history_open(path, HISTORY_WRITE, &err);

	if (!h)
		say("%s: %s", shown(path), err.text);
	return h;
}
#else
struct history;

static struct history *open_history(const char *path)
{
	say("%s is not kept: this was built without SQLite", shown(path));
	return NULL;
}

static void history_close(struct history *h) { (void)h; }
static void compare(struct report *r, struct history *h) { (void)r; (void)h; }

static int remember(const struct report *r, struct history *h, bool baseline)
{
	(void)r;
	(void)h;
	(void)baseline;
	return -1;
}
#endif

/* Parts outside of the scope are left out. */
static int narrow(struct report *r, const char *component, bool overflows)
{
	char want[64];
	size_t i, k = 0;

	if (component) {
		snprintf(want, sizeof(want), "component-%s", component);
		if (!parts_have(&r->p, want)) {
			say("there is no result of component '%s' that counts: incremental_component_test.sh --component %s",
			    shown(component), shown(component));
			return EXIT_UNKNOWN;
		}
		for (i = 0; i < r->p.ncomponents; i++)
			if (!strcmp(r->p.component[i].name, component))
				r->p.component[k++] = r->p.component[i];
		r->p.ncomponents = k;
	}
	if (component || overflows) {
		jsonin_free(r->p.time);
		r->p.time = NULL;
	}
	if (overflows) {
		jsonin_free(r->p.valgrind);
		r->p.valgrind = NULL;
		r->p.ncomponents = 0;
		if (!parts_have(&r->p, "overflow") && !parts_have(&r->p, "static")) {
			say("there is neither a result of stack_overflow_reproduction.sh nor a static call graph that counts");
			return EXIT_UNKNOWN;
		}
	}
	return 0;
}

struct request {
	const char *dir, *component, *history;
	bool baseline, overflows;
};

static int run(struct report *r, const struct request *q)
{
	char to[PATH_MAX], why[200];
	struct history *h = NULL;
	int ret;
	size_t i;

	if (parts_read(&r->p, q->dir, why, sizeof(why))) {
		say("%s: %s", shown(q->dir), why);
		return EXIT_UNKNOWN;
	}
	r->scope = q->component ? q->component : q->overflows ? "stack overflows" :
		   q->baseline ? "baseline" : "all";
	ret = narrow(r, q->component, q->overflows);
	if (ret)
		return ret;
	report_measure(r);
	h = q->history ? open_history(q->history) : NULL;
	if (h && !q->baseline)
		compare(r, h);
	report_judge(r);
	for (i = 0; i < r->p.nparts; i++)
		if (!r->p.part[i].used || !r->p.part[i].complete)
			say("partial: %s: %s", shown(r->p.part[i].name), shown(r->p.part[i].why));
	snprintf(to, sizeof(to), "%.4000s/analysis", q->dir);
	mkdir(to, 0777);
	if (write_to(r, to, "report.md", report_markdown) || write_to(r, to, "report.json", report_json) ||
	    write_to(r, to, "stack.svg", report_svg))
		ret = EXIT_USAGE;
	if (h && remember(r, h, q->baseline))
		ret = EXIT_USAGE;
	if (h)
		history_close(h);
	if (ret)
		return ret;
	for (i = 0; i < r->nfindings && i < 15; i++)
		printf("%s %s\n", r->f[i].bad ? "BEYOND" : "note  ", shown(r->f[i].text));
	if (r->nfindings > i)
		printf("%zu more in the report\n", r->nfindings - i);
	printf("report: %s/report.md\n", shown(to));
	return r->bad ? EXIT_FINDING : 0;
}

int cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "baseline", no_argument, NULL, 'b' },
		{ "component", required_argument, NULL, 'c' },
		{ "stack-overflow-analysis", no_argument, NULL, 's' },
		{ "history", required_argument, NULL, 'h' },
		{ 0 },
	};
	struct request q = { 0 };
	struct report *r;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			q.baseline = true;
			break;
		case 'c':
			q.component = optarg;
			break;
		case 's':
			q.overflows = true;
			break;
		case 'h':
			q.history = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc - 1 || q.baseline + q.overflows + !!q.component > 1) {
		say("report takes one directory and one of --baseline, --component and --stack-overflow-analysis");
		return EXIT_USAGE;
	}
	q.dir = argv[optind];
	r = calloc(1, sizeof(*r));
	if (!r) {
		say("no memory");
		return EXIT_USAGE;
	}
	ret = run(r, &q);
	parts_free(&r->p);
	free(r);
	return ret;
}
