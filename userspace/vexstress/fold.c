// SPDX-License-Identifier: GPL-2.0
/* Stacks from "perf script" or from folded lines; the picture is drawn by userspace/svg. */
#include "fold.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX	512
#define STACKS_MAX	10000000

/* The sample that is being read: frames from the innermost on. */
struct sample {
	char comm[64];
	char *frame[FRAMES_MAX];
	size_t n;
	bool open;
};

static int keep(struct fold *f, char *frames, double count)
{
	void *more;

	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 1024;

		more = room <= STACKS_MAX ? realloc(f->s, room * sizeof(*f->s)) : NULL;
		if (!more) {
			vx_say("no room for more than %zu stacks", f->n);
			free(frames);
			return -1;
		}
		f->s = more;
		f->room = room;
	}
	f->s[f->n++] = (struct svg_stack){ frames, count };
	return 0;
}

/* Equal ones stand together: one remains of them. */
static void merge(struct fold *f)
{
	size_t i, k = 0;

	if (!f->n)
		return;
	qsort(f->s, f->n, sizeof(*f->s), svg_stack_order);
	for (i = 1; i < f->n; i++) {
		if (!strcmp(f->s[k].frames, f->s[i].frames)) {
			f->s[k].count += f->s[i].count;
			free((char *)f->s[i].frames);
		} else {
			f->s[++k] = f->s[i];
		}
	}
	f->n = k + 1;
}

/* "command 123/124 [000] 5.6: cycles:" - the name ends where a number follows. */
static void take_comm(struct sample *s, const char *line)
{
	const char *at = line + strspn(line, " \t"), *end = at;
	size_t len;

	for (;;) {
		const char *number;

		end += strcspn(end, " \t");
		number = end + strspn(end, " \t");
		if (!*end || isdigit((unsigned char)*number))
			break;
		end = number;
	}
	len = (size_t)(end - at) < sizeof(s->comm) ? (size_t)(end - at) : sizeof(s->comm) - 1;
	memcpy(s->comm, at, len);
	s->comm[len] = 0;
	for (len = 0; s->comm[len]; len++)
		if (s->comm[len] == ';')
			s->comm[len] = ':';
}

static bool of_kernel(const char *dso)
{
	size_t len = strlen(dso);

	return dso[0] == '[' ? strcmp(dso, "[unknown]") && strcmp(dso, "[vdso]") &&
			       strcmp(dso, "[heap]") && strcmp(dso, "[stack]") :
	       len > 3 && (!strcmp(dso + len - 3, ".ko") || strstr(dso, ".ko."));
}

/* "  7f12 symbol+0x95 (/usr/lib/libc.so.6)": the symbol, or else where it is. To be freed. */
static char *frame_of(char *line)
{
	char *sym = line + strspn(line, " \t"), *dso = (char *)"", *end, *name, *p, *out;

	sym += strspn(sym, "0123456789abcdef");
	sym += strspn(sym, " \t");
	end = sym + strlen(sym);
	if (end > sym && end[-1] == ')') {
		for (p = end - 1; p > sym && !(*p == '(' && p[-1] == ' '); p--)
			;
		if (*p == '(') {
			end[-1] = 0;
			dso = p + 1;
			for (end = p; end > sym && end[-1] == ' '; end--)
				;
			*end = 0;
		}
	}
	p = strrchr(sym, '+');
	if (p && !strncmp(p, "+0x", 3))
		*p = 0;
	name = sym;
	if (!*sym || !strcmp(sym, "[unknown]")) {
		name = strrchr(dso, '/');
		name = name ? name + 1 : *dso ? dso : (char *)"[unknown]";
	}
	if (asprintf(&out, "%s%s", name, of_kernel(dso) ? "_[k]" : "") < 0)
		return NULL;
	for (p = out; *p; p++)
		if (*p == ';')
			*p = ':';
	return out;
}

static int end_sample(struct fold *f, struct sample *s)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *out;
	int ret = -1;

	if (!s->open)
		return 0;
	out = open_memstream(&text, &size);
	if (out) {
		fputs(*s->comm ? s->comm : "?", out);
		for (i = s->n; i-- > 0;)
			fprintf(out, ";%s", s->frame[i]);
		if (fclose(out))
			vx_say("no memory");
		else
			ret = keep(f, text, 1);
	}
	for (i = 0; i < s->n; i++)
		free(s->frame[i]);
	s->n = 0;
	s->open = false;
	return ret;
}

static int take_script(struct fold *f, struct sample *s, char *line)
{
	char *frame;

	if (!line[strspn(line, " \t")])
		return end_sample(f, s);
	if (line[0] != ' ' && line[0] != '\t') {
		if (end_sample(f, s))
			return -1;
		take_comm(s, line);
		s->open = true;
		return 0;
	}
	if (!s->open) {
		f->damaged++;
		return 0;
	}
	/* deeper frames are the outermost: they are missing at the root */
	if (s->n == FRAMES_MAX)
		return 0;
	frame = frame_of(line);
	if (!frame)
		return -1;
	s->frame[s->n++] = frame;
	return 0;
}

/* "main;search;scan 42" */
static int take_folded(struct fold *f, char *line)
{
	char *space = strrchr(line, ' '), *end, *frames;
	double count;

	if (!*line)
		return 0;
	errno = 0;
	count = space ? strtod(space + 1, &end) : 0;
	if (!space || space == line || !space[1] || *end || errno || !(count > 0) || count > 1e15) {
		f->damaged++;
		return 0;
	}
	*space = 0;
	frames = strdup(line);
	return frames ? keep(f, frames, count) : -1;
}

/* What "perf script" prints begins with a line that ends in the name of an event. */
static bool is_script(const char *line)
{
	size_t len = strlen(line);

	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len && line[len - 1] == ':';
}

int fold_read(FILE *in, const char *name, struct fold *f)
{
	struct sample s = { .open = false };
	char *line = NULL;
	size_t size = 0, i;
	ssize_t len;
	int script = -1, ret = 0;

	memset(f, 0, sizeof(*f));
	while (!ret && (len = getline(&line, &size, in)) > 0) {
		/* a byte of 0 ends the line for all that follows */
		line[strcspn(line, "\n")] = 0;
		if (script < 0 && *line && *line != '#')
			script = is_script(line);
		if (*line == '#')
			continue;
		ret = script > 0 ? take_script(f, &s, line) : take_folded(f, line);
	}
	if (!ret)
		ret = end_sample(f, &s);
	for (i = 0; i < s.n; i++)
		free(s.frame[i]);
	free(line);
	if (!ret && ferror(in)) {
		vx_say("%s cannot be read: %s", shown(name), strerror(errno));
		ret = -1;
	}
	if (!ret && f->damaged)
		vx_say("%s: %zu lines are no stacks and were left out", shown(name), f->damaged);
	if (!ret && !f->n) {
		vx_say("%s holds no stacks: folded lines, or what 'perf script' prints, are read",
		       shown(name));
		ret = -1;
	}
	if (ret)
		fold_free(f);
	else
		merge(f);
	return ret;
}

void fold_free(struct fold *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free((char *)f->s[i].frames);
	free(f->s);
	memset(f, 0, sizeof(*f));
}

void fold_print(FILE *out, const struct fold *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		fprintf(out, "%s %.0f\n", f->s[i].frames, f->s[i].count);
}

int fold_draw(const char *path, const char *title, struct fold *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool drawn;
	int ret = -1;

	if (!out)
		return -1;
	drawn = svg_flame(out, title, f->s, f->n);
	if (fclose(out) || !drawn)
		vx_say("no memory for the flame graph");
	else
		ret = vx_write_file(path, text, size);
	free(text);
	return ret;
}

int vx_cmd_flamegraph(int n, char **words)
{
	const char *name = n && strcmp(words[0], "-") ? words[0] : "the standard input";
	const char *to = vx_set.report ? vx_set.report : vx_set.output;
	struct fold f;
	FILE *in = stdin;
	int ret;

	if (n > 1) {
		vx_say("flamegraph reads one file: vexstress flamegraph [STACKS] -o FILE.svg");
		return VX_USAGE;
	}
	if (n && strcmp(words[0], "-"))
		in = fopen(words[0], "re");
	if (!in) {
		vx_say("%s: %s", shown(name), strerror(errno));
		return VX_USAGE;
	}
	ret = fold_read(in, name, &f);
	if (in != stdin)
		fclose(in);
	if (ret)
		return VX_USAGE;
	if (to) {
		ret = fold_draw(to, vx_set.tag ? vx_set.tag : "Where the time goes", &f);
	} else {
		fold_print(stdout, &f);
		ret = fflush(stdout);
	}
	fold_free(&f);
	return ret ? VX_MISSED : VX_OK;
}
