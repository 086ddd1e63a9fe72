// SPDX-License-Identifier: GPL-2.0
/* Tables of symbols: of a running kernel, and of the compiler's output. */
#include "symbols.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX	4000000
#define FUNCTION_MAX	0x40000		/* bytes of code that one name may stand for */

static void *grow(void *v, size_t n, size_t *room, size_t each)
{
	size_t more = *room ? 2 * *room : 1024;
	void *w;

	if (n < *room)
		return v;
	w = more <= SYMBOLS_MAX ? realloc(v, more * each) : NULL;
	if (w)
		*room = more;
	return w;
}

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int add_symbol(struct symbols *s, char *line)
{
	char *save = NULL, *addr = strtok_r(line, " \t\n", &save);
	char *type = strtok_r(NULL, " \t\n", &save), *name = strtok_r(NULL, " \t\n", &save);
	char *module = strtok_r(NULL, " \t\n", &save), *end;
	struct symbol *more, sym = { 0 };
	size_t len;

	if (!addr || !type || !name || !strchr("tTwW", *type))
		return 0;
	sym.addr = strtoull(addr, &end, 16);
	if (*end || !sym.addr)
		return 0;
	if (module && *module == '[') {
		len = strcspn(module + 1, "]");
		sym.module = strndup(module + 1, len);
	}
	sym.name = strdup(name);
	more = grow(s->s, s->n, &s->room, sizeof(*more));
	if (!more || !sym.name) {
		free(sym.name);
		free(sym.module);
		return -1;
	}
	s->s = more;
	s->s[s->n++] = sym;
	return 0;
}

int symbols_read(struct symbols *s, const char *path, char *why, size_t size)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int ret = 0;

	memset(s, 0, sizeof(*s));
	if (!f) {
		snprintf(why, size, "%s", strerror(errno));
		return -1;
	}
	while (!ret && getline(&line, &room, f) > 0)
		ret = add_symbol(s, line);
	free(line);
	if (!ret && ferror(f))
		ret = -1;
	fclose(f);
	if (ret) {
		snprintf(why, size, "it cannot be read, or there is no memory for it");
	} else if (!s->n) {
		snprintf(why, size, "it names no addresses: /proc/kallsyms shows them to root, with kernel.kptr_restrict 0 or 1");
		ret = -1;
	}
	if (ret)
		symbols_free(s);
	else
		qsort(s->s, s->n, sizeof(*s->s), by_addr);
	return ret;
}

const struct symbol *symbols_at(const struct symbols *s, uint64_t addr)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->s[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && addr - s->s[low - 1].addr < FUNCTION_MAX ? &s->s[low - 1] : NULL;
}

void symbols_free(struct symbols *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		free(s->s[i].name);
		free(s->s[i].module);
	}
	free(s->s);
	memset(s, 0, sizeof(*s));
}

static int by_name(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* "kmod/index/graph_walk.c:12:5:vexfs_graph_walk<TAB>208<TAB>static" */
static int add_function(struct functions *f, char *line)
{
	char *save = NULL, *where = strtok_r(line, "\t\n", &save);
	char *bytes = strtok_r(NULL, "\t\n", &save), *kind = strtok_r(NULL, "\t\n", &save);
	char *name = where ? strrchr(where, ':') : NULL, *end, *kmod;
	struct function *more, fn = { 0 };
	unsigned long frame = bytes ? strtoul(bytes, &end, 10) : 0;
	size_t len;

	if (!name || !bytes || *end || frame > 1 << 20)
		return 0;
	*name++ = 0;
	name[strcspn(name, ".")] = 0;
	where[strcspn(where, ":")] = 0;
	kmod = strstr(where, "kmod/");
	if (!kmod)
		return 0;
	fn.frame = (unsigned int)frame;
	fn.dynamic = kind && !strcmp(kind, "dynamic");
	len = strcspn(kmod + 5, "/");
	if (kmod[5 + len] && len < sizeof(fn.subsystem))
		memcpy(fn.subsystem, kmod + 5, len);
	else
		strcpy(fn.subsystem, "main");
	more = grow(f->f, f->n, &f->room, sizeof(*more));
	if (more)
		f->f = more;
	fn.name = strdup(name);
	fn.file = strdup(kmod);
	if (!more || !fn.name || !fn.file) {
		free(fn.name);
		free(fn.file);
		return -1;
	}
	f->f[f->n++] = fn;
	return 0;
}

static int read_su(struct functions *f, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int ret = 0;

	if (!in)
		return -1;
	while (!ret && getline(&line, &room, in) > 0)
		ret = add_function(f, line);
	ret = ret || ferror(in) ? -1 : 0;
	free(line);
	fclose(in);
	return ret;
}

int functions_read(struct functions *f, const char *dir, char *why, size_t size)
{
	char *const roots[] = { (char *)dir, NULL };
	FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int ret = 0;

	memset(f, 0, sizeof(*f));
	while (tree && !ret && (e = fts_read(tree))) {
		if (e->fts_info == FTS_F && e->fts_namelen > 3 &&
		    !strcmp(e->fts_name + e->fts_namelen - 3, ".su"))
			ret = read_su(f, e->fts_path);
	}
	if (tree)
		fts_close(tree);
	if (ret || !f->n) {
		snprintf(why, size, "%s", ret ? "what the compiler wrote there cannot be read" :
			 "the compiler wrote no sizes of frames (*.su) there: build with PROFILE=1");
		functions_free(f);
		return -1;
	}
	qsort(f->f, f->n, sizeof(*f->f), by_name);
	return 0;
}

const struct function *functions_find(const struct functions *f, const char *name)
{
	char bare[256];
	struct function key = { .name = bare };

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "."), name);
	return f->n ? bsearch(&key, f->f, f->n, sizeof(*f->f), by_name) : NULL;
}

void functions_free(struct functions *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->f[i].name);
		free(f->f[i].file);
	}
	free(f->f);
	memset(f, 0, sizeof(*f));
}
