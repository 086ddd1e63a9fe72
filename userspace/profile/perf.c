// SPDX-License-Identifier: GPL-2.0
/*
 * perf samples of a lab that is a process of this machine (uml), with the lab's symbols. perf
 * sees a process "linux" that runs code in its ELF file and in memory. The lab's /proc/kallsyms
 * has symbols for both, since the lab's kernel runs where it was linked.
 */
#include <errno.h>
#include <getopt.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../svg/svg.h"
#include "escape.h"
#include "json.h"
#include "outfile.h"
#include "perfdata.h"
#include "profile.h"
#include "symbols.h"

#define STACKS_MAX	10000000
#define BIN_NS		250000000ULL

/* Owner of the code of the innermost frame. */
enum owner { MODULE, KERNEL, LIBRARY, PROGRAM, HOST, NOWNERS };

static const char *const owner_name[NOWNERS] = {
	"module", "lab_kernel", "host_library", "lab_programs", "host_kernel",
};

/* A function, and where samples of it were: in itself, and in what it called too. */
struct place {
	const char *name;
	char *subsystem;
	double self, total;
};

/* Samples of an interval of time. */
struct bin {
	uint64_t index;
	unsigned int n[NOWNERS];
};

struct work {
	struct bin *bins;
	size_t nbins, bins_room;
	struct perfdata *data;
	struct symbols syms;
	struct functions funcs;
	const char *process;
	struct svg_stack *stacks;
	size_t n, room, outside, cut;
	double owner[NOWNERS];
	void *places;
	struct place **flat;
	size_t nflat, flat_room;
	bool failed;
};

static bool is_program(const char *comm)
{
	return !strncmp(comm, "uml-userspace", 13) || !strncmp(comm, "memfd:uml", 9);
}

static enum owner owner_of(const struct work *w, const struct perfdata_sample *s, size_t i,
			   const struct symbol **sym)
{
	*sym = NULL;
	if (s->frame[i].kernel)
		return HOST;
	if (is_program(s->comm))
		return PROGRAM;
	*sym = symbols_at(&w->syms, s->frame[i].ip);
	if (!*sym)
		return LIBRARY;
	return (*sym)->module && !strcmp((*sym)->module, "vexfs") ? MODULE : KERNEL;
}

/* Frames of the host's kernel, and of programs, are one frame: nothing here names them. */
static void print_stack(struct work *w, const struct perfdata_sample *s, FILE *f)
{
	enum owner last = NOWNERS, now;
	const struct symbol *sym;
	const char *file;
	size_t i;

	fputs(is_program(s->comm) ? "lab programs" : "lab kernel", f);
	for (i = s->n; i-- > 0;) {
		now = owner_of(w, s, i, &sym);
		if (sym) {
			fprintf(f, ";%s_[k]", sym->name);
		} else if (now == HOST && last != HOST) {
			fputs(";[host kernel]_[k]", f);
		} else if (now == LIBRARY && last != LIBRARY) {
			file = perfdata_file_at(w->data, s->pid, s->frame[i].ip);
			/* without frame pointers, words of the stack are taken for callers */
			if (i && (!*file || *file == '#'))
				continue;
			fprintf(f, ";[%s]", *file && !strchr(file, ';') ? file : "unknown");
		}
		last = now;
	}
}

/* Records of one processor are in order, those of several nearly: the bin is near the end. */
static int count_in_time(struct work *w, uint64_t ns, enum owner owner)
{
	uint64_t index = ns / BIN_NS;
	size_t i = w->nbins;

	while (i && w->bins[i - 1].index != index)
		i--;
	if (!i) {
		if (w->nbins == w->bins_room) {
			size_t room = w->bins_room ? 2 * w->bins_room : 256;
			void *more = room <= STACKS_MAX ? realloc(w->bins, room * sizeof(*w->bins)) : NULL;

			if (!more)
				return -1;
			w->bins = more;
			w->bins_room = room;
		}
		i = ++w->nbins;
		w->bins[i - 1] = (struct bin){ .index = index };
	}
	w->bins[i - 1].n[owner]++;
	return 0;
}

static int take_sample(const struct perfdata_sample *s, void *arg)
{
	struct work *w = arg;
	const struct symbol *sym;
	enum owner owner;
	char *text = NULL;
	size_t size = 0;
	void *more;
	FILE *f;

	if (strcmp(s->comm, w->process) && !is_program(s->comm)) {
		w->outside++;
		return 0;
	}
	w->cut += s->cut;
	owner = owner_of(w, s, 0, &sym);
	w->owner[owner]++;
	if (count_in_time(w, s->time_ns, owner))
		return -1;
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 4096;

		more = room <= STACKS_MAX ? realloc(w->stacks, room * sizeof(*w->stacks)) : NULL;
		if (!more)
			return -1;
		w->stacks = more;
		w->room = room;
	}
	f = open_memstream(&text, &size);
	if (!f)
		return -1;
	print_stack(w, s, f);
	if (fclose(f)) {
		free(text);
		return -1;
	}
	w->stacks[w->n++] = (struct svg_stack){ text, 1 };
	return 0;
}

static void merge(struct work *w)
{
	size_t i, k = 0;

	qsort(w->stacks, w->n, sizeof(*w->stacks), svg_stack_order);
	for (i = 1; i < w->n; i++) {
		if (!strcmp(w->stacks[k].frames, w->stacks[i].frames)) {
			w->stacks[k].count += w->stacks[i].count;
			free((char *)w->stacks[i].frames);
		} else {
			w->stacks[++k] = w->stacks[i];
		}
	}
	w->n = w->n ? k + 1 : 0;
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct place *place_of(struct work *w, const char *name, size_t len)
{
	const struct function *fn;
	struct place *p = calloc(1, sizeof(*p)), **found = NULL, **more;

	if (p)
		p->name = strndup(name, len);
	if (p && p->name)
		found = tsearch(p, &w->places, by_place);
	if (!found || *found != p) {
		if (p)
			free((char *)p->name);
		free(p);
		return found ? *found : NULL;
	}
	fn = functions_find(&w->funcs, p->name);
	p->subsystem = strdup(fn ? fn->subsystem : "");
	more = w->flat;
	if (w->nflat == w->flat_room) {
		w->flat_room = w->flat_room ? 2 * w->flat_room : 512;
		more = realloc(w->flat, w->flat_room * sizeof(*more));
	}
	if (!more || !p->subsystem)
		return NULL;
	w->flat = more;
	w->flat[w->nflat++] = p;
	return p;
}

/* Each function of a stack once, however often it is on it. */
static int count_stack(struct work *w, const struct svg_stack *s)
{
	struct place *seen[PERFDATA_CHAIN_MAX + 1], *p = NULL;
	const char *at = s->frames + strcspn(s->frames, ";");
	size_t n = 0, i;

	while (*at == ';' && n <= PERFDATA_CHAIN_MAX) {
		size_t len = strcspn(++at, ";");
		size_t bare = len > 4 && !memcmp(at + len - 4, "_[k]", 4) ? len - 4 : len;

		p = place_of(w, at, bare);
		if (!p)
			return -1;
		for (i = 0; i < n && seen[i] != p; i++)
			;
		if (i == n) {
			seen[n++] = p;
			p->total += s->count;
		}
		at += len;
	}
	if (p)
		p->self += s->count;
	return 0;
}

static int by_self(const void *a, const void *b)
{
	const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;

	if (x->self != y->self)
		return x->self > y->self ? -1 : 1;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void write_subsystems(const struct work *w, struct json *j)
{
	size_t i, k;

	json_key(j, "subsystems");
	json_object_begin(j);
	for (i = 0; i < w->nflat; i++) {
		const char *name = w->flat[i]->subsystem;
		double sum = 0;

		if (!*name)
			continue;
		for (k = 0; k < i && strcmp(w->flat[k]->subsystem, name); k++)
			;
		if (k < i)
			continue;
		for (k = i; k < w->nflat; k++)
			sum += strcmp(w->flat[k]->subsystem, name) ? 0 : w->flat[k]->self;
		json_kv_u64(j, name, (uint64_t)sum);
	}
	json_object_end(j);
}

static int write_json(const struct work *w, const struct perfdata_info *info, const char *path)
{
	struct outfile o;
	struct json j;
	size_t i;

	if (outfile_open(&o, path, false)) {
		say("%s: %s", shown(path), o.why);
		return -1;
	}
	json_start(&j, o.f, true);
	json_object_begin(&j);
	json_kv_u64(&j, "samples", info->samples - w->outside);
	json_kv_u64(&j, "outside", w->outside);
	json_kv_u64(&j, "lost", info->lost);
	json_kv_bool(&j, "truncated", info->truncated);
	json_kv_u64(&j, "first_ns", info->first_ns);
	json_kv_u64(&j, "last_ns", info->last_ns);
	json_key(&j, "owners");
	json_object_begin(&j);
	for (i = 0; i < NOWNERS; i++)
		json_kv_u64(&j, owner_name[i], (uint64_t)w->owner[i]);
	json_object_end(&j);
	write_subsystems(w, &j);
	json_key(&j, "functions");
	json_array_begin(&j);
	for (i = 0; i < w->nflat; i++) {
		json_object_begin(&j);
		json_kv_string(&j, "name", w->flat[i]->name);
		json_kv_string(&j, "subsystem", w->flat[i]->subsystem);
		json_kv_u64(&j, "self", (uint64_t)w->flat[i]->self);
		json_kv_u64(&j, "total", (uint64_t)w->flat[i]->total);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	if (outfile_commit(&o)) {
		say("%s: %s", shown(path), o.why);
		return -1;
	}
	return 0;
}

static int write_folded(const struct work *w, const char *path)
{
	struct outfile o;
	size_t i;

	if (outfile_open(&o, path, false)) {
		say("%s: %s", shown(path), o.why);
		return -1;
	}
	for (i = 0; i < w->n; i++)
		fprintf(o.f, "%s %.0f\n", w->stacks[i].frames, w->stacks[i].count);
	if (!outfile_commit(&o))
		return 0;
	say("%s: %s", shown(path), o.why);
	return -1;
}

static int write_flame(struct work *w, const char *path)
{
	struct outfile o;

	if (outfile_open(&o, path, false)) {
		say("%s: %s", shown(path), o.why);
		return -1;
	}
	svg_flame(o.f, "time in the lab, by stack", w->stacks, w->n);
	if (!outfile_commit(&o))
		return 0;
	say("%s: %s", shown(path), o.why);
	return -1;
}

static int by_index(const void *a, const void *b)
{
	const struct bin *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* CSV: perf's clock in seconds, samples by owner. */
static int write_timeline(const struct work *w, const char *path)
{
	struct outfile o;
	size_t i, k;

	if (outfile_open(&o, path, false)) {
		say("%s: %s", shown(path), o.why);
		return -1;
	}
	qsort(w->bins, w->nbins, sizeof(*w->bins), by_index);
	fputs("seconds", o.f);
	for (k = 0; k < NOWNERS; k++)
		fprintf(o.f, ",%s", owner_name[k]);
	fputc('\n', o.f);
	for (i = 0; i < w->nbins; i++) {
		fprintf(o.f, "%.2f", (double)w->bins[i].index * BIN_NS / 1e9);
		for (k = 0; k < NOWNERS; k++)
			fprintf(o.f, ",%u", w->bins[i].n[k]);
		fputc('\n', o.f);
	}
	if (!outfile_commit(&o))
		return 0;
	say("%s: %s", shown(path), o.why);
	return -1;
}

static void print_top(const struct work *w, size_t top)
{
	double all = 0;
	size_t i;

	for (i = 0; i < NOWNERS; i++)
		all += w->owner[i];
	for (i = 0; i < NOWNERS; i++)
		printf("%-14s %6.2f %%\n", owner_name[i], 100 * w->owner[i] / all);
	printf("%8s %8s  %-10s %s\n", "self", "total", "subsystem", "function");
	for (i = 0; i < w->nflat && i < top; i++)
		printf("%6.2f %% %6.2f %%  %-10s %s\n", 100 * w->flat[i]->self / all,
		       100 * w->flat[i]->total / all,
		       *w->flat[i]->subsystem ? w->flat[i]->subsystem : "-",
		       shown(w->flat[i]->name));
}

static int symbolise(struct work *w, const char *path, struct perfdata_info *info)
{
	char why[200];
	size_t i;

	w->data = perfdata_open(path, why, sizeof(why));
	if (!w->data || perfdata_each(w->data, take_sample, w, info, why, sizeof(why))) {
		say("%s: %s", shown(path), why);
		return EXIT_USAGE;
	}
	if (!w->n) {
		say("%s: %zu samples, and none of a process '%s': perf did not see the lab",
		    shown(path), info->samples, shown(w->process));
		return EXIT_UNKNOWN;
	}
	if (info->truncated)
		say("%s ends in the middle: perf was killed, and what follows is partial",
		    shown(path));
	if (info->lost)
		say("%s: perf lost %llu records", shown(path), (unsigned long long)info->lost);
	if (w->cut)
		say("%zu stacks are deeper than %d frames and were cut", w->cut,
		    PERFDATA_CHAIN_MAX);
	merge(w);
	for (i = 0; i < w->n; i++) {
		if (count_stack(w, &w->stacks[i])) {
			say("no memory");
			return EXIT_USAGE;
		}
	}
	qsort(w->flat, w->nflat, sizeof(struct place *), by_self);
	return 0;
}

static void drop(struct work *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free((char *)w->stacks[i].frames);
	free(w->stacks);
	for (i = 0; i < w->nflat; i++) {
		tdelete(w->flat[i], &w->places, by_place);
		free((char *)w->flat[i]->name);
		free(w->flat[i]->subsystem);
		free(w->flat[i]);
	}
	free(w->flat);
	free(w->bins);
	symbols_free(&w->syms);
	functions_free(&w->funcs);
	perfdata_close(w->data);
}

/* Where the results go; NULL is nowhere. */
struct output {
	const char *json, *folded, *flame, *timeline;
};

static int run(struct work *w, const char *path, const struct output *to)
{
	struct perfdata_info info;
	int ret = symbolise(w, path, &info);

	if (ret)
		return ret;
	if ((to->json && write_json(w, &info, to->json)) ||
	    (to->folded && write_folded(w, to->folded)) ||
	    (to->flame && write_flame(w, to->flame)) ||
	    (to->timeline && write_timeline(w, to->timeline)))
		return EXIT_USAGE;
	print_top(w, 25);
	return info.truncated ? EXIT_FINDING : 0;
}

int cmd_perf(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kallsyms", required_argument, NULL, 'k' },
		{ "functions", required_argument, NULL, 'f' },
		{ "process", required_argument, NULL, 'p' },
		{ "json", required_argument, NULL, 'j' },
		{ "folded", required_argument, NULL, 'o' },
		{ "flame", required_argument, NULL, 's' },
		{ "timeline", required_argument, NULL, 't' },
		{ 0 },
	};
	struct work w = { .process = "linux" };
	struct output to = { 0 };
	const char *kallsyms = NULL, *functions = NULL;
	char why[200];
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			kallsyms = optarg;
			break;
		case 'f':
			functions = optarg;
			break;
		case 'p':
			w.process = optarg;
			break;
		case 'j':
			to.json = optarg;
			break;
		case 'o':
			to.folded = optarg;
			break;
		case 's':
			to.flame = optarg;
			break;
		case 't':
			to.timeline = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc - 1 || !kallsyms) {
		say("perf takes one file of perf and --kallsyms FILE");
		return EXIT_USAGE;
	}
	if (symbols_read(&w.syms, kallsyms, why, sizeof(why))) {
		say("%s: %s", shown(kallsyms), why);
		return EXIT_USAGE;
	}
	if (functions && functions_read(&w.funcs, functions, why, sizeof(why)))
		say("%s: %s; functions have no subsystem", shown(functions), why);
	ret = run(&w, argv[optind], &to);
	drop(&w);
	return ret;
}
