// SPDX-License-Identifier: GPL-2.0
/*
 * Flame graphs: stacks that begin alike share their frames. The stacks are sorted, so
 * that a frame is open from its first stack to its last and is drawn when it ends.
 */
#include "svg.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

#define WIDTH		1200.0
#define MARGIN		10.0
#define HEAD		44.0
#define FOOT		26.0
#define ROW		17.0
#define DEPTH_MAX	256
#define NARROWEST	0.2	/* pixels; what is narrower nobody sees */
#define LETTER		7.2	/* pixels of a letter of the frames' font, at most */

/* A frame that later stacks may still belong to. */
struct open_frame {
	const char *name;
	size_t len;
	double from;
};

struct drawing {
	FILE *f;
	double total, at;	/* samples */
	size_t rows;
	struct open_frame open[DEPTH_MAX];
	size_t depth;
	size_t narrow;		/* frames left out */
	size_t cut;		/* stacks deeper than DEPTH_MAX */
};

/* The end of a frame sorts before all letters, so that callers stand before what they call. */
static int letter(char c)
{
	return c == ';' ? 1 : c ? (unsigned char)c + 1 : 0;
}

int svg_stack_order(const void *a, const void *b)
{
	const char *x = ((const struct svg_stack *)a)->frames;
	const char *y = ((const struct svg_stack *)b)->frames;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return letter(*x) - letter(*y);
}

static size_t frames_of(const char *s)
{
	size_t n = *s ? 1 : 0;

	for (; *s; s++)
		n += *s == ';';
	return n;
}

static bool in_kernel(const struct open_frame *o)
{
	return o->len > 4 && !memcmp(o->name + o->len - 4, "_[k]", 4);
}

/* The same name looks the same everywhere; neighbours differ. */
static double shade(const struct open_frame *o)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < o->len; i++)
		h = (h ^ (unsigned char)o->name[i]) * 16777619u;
	return 0.45 + 0.4 * (double)(h >> 16 & 0xff) / 255;
}

/* As much of a name as @width pixels hold, between characters. */
static void label(FILE *f, const struct open_frame *o, double x, double y, double width)
{
	size_t room = width > 2 * LETTER ? (size_t)((width - 6) / LETTER) : 0, at = 0, letters = 0;
	char text[512];

	if (room < 3)
		return;
	while (at < o->len && letters < room) {
		size_t n = utf8_char(o->name + at, o->len - at);

		n = n ? n : 1;
		if (at + n >= sizeof(text) - 4)
			break;
		memcpy(text + at, o->name + at, n);
		at += n;
		letters++;
	}
	text[at] = 0;
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">", x + 3, y + 12);
	escape_html(f, text);
	if (at < o->len)
		fputs("\342\200\246", f);
	fputs("</text>", f);
}

static void draw_frame(struct drawing *d, size_t depth, const struct open_frame *o)
{
	double scale = (WIDTH - 2 * MARGIN) / d->total;
	double x = MARGIN + o->from * scale, w = (d->at - o->from) * scale;
	double y = HEAD + ROW * (double)(d->rows - 1 - depth);
	char name[1024];

	if (w < NARROWEST) {
		d->narrow++;
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(o->len < 1000 ? o->len : 1000), o->name);
	fprintf(d->f, "<g class=\"%s\"><rect class=\"p\" fill-opacity=\"%.2f\" x=\"%.1f\" y=\"%.1f\" "
		"width=\"%.1f\" height=\"%.0f\"><title>", svg_colour(in_kernel(o) ? 0 : 1), shade(o), x, y,
		w > 0.6 ? w - 0.4 : w, ROW - 1);
	escape_html(d->f, name);
	fprintf(d->f, ": %.0f samples, %.2f %%</title></rect>", d->at - o->from,
		100 * (d->at - o->from) / d->total);
	label(d->f, o, x, y, w);
	fputs("</g>\n", d->f);
}

static void close_to(struct drawing *d, size_t depth)
{
	while (d->depth > depth) {
		d->depth--;
		draw_frame(d, d->depth, &d->open[d->depth]);
	}
}

static void add(struct drawing *d, const struct svg_stack *s)
{
	const char *at = s->frames;
	size_t depth = 0;

	while (*at && depth < DEPTH_MAX) {
		size_t len = strcspn(at, ";");
		struct open_frame *o = &d->open[depth];

		if (depth >= d->depth || o->len != len || memcmp(o->name, at, len)) {
			close_to(d, depth);
			*o = (struct open_frame){ at, len, d->at };
			d->depth = depth + 1;
		}
		depth++;
		at += len;
		at += *at == ';';
	}
	d->cut += *at != 0;
	close_to(d, depth);
	d->at += s->count;
}

static void foot(const struct drawing *d)
{
	double y = HEAD + ROW * (double)d->rows + 16;

	fprintf(d->f, "<text x=\"%.0f\" y=\"%.0f\">%.0f samples. Width is share of the samples; "
		"neighbours stand in order of their names, a frame on its caller. Blue: the kernel.", MARGIN, y,
		d->total);
	if (d->narrow)
		fprintf(d->f, " %zu frames are too narrow to be drawn.", d->narrow);
	if (d->cut)
		fprintf(d->f, " %zu stacks are deeper than %d frames and were cut.", d->cut, DEPTH_MAX);
	fputs("</text>\n", d->f);
}

bool svg_flame(FILE *f, const char *title, struct svg_stack *stacks, size_t n)
{
	struct drawing *d = calloc(1, sizeof(*d));
	size_t i, frames;

	if (!d)
		return false;
	d->f = f;
	for (i = 0; i < n; i++) {
		frames = stacks[i].count > 0 ? frames_of(stacks[i].frames) : 0;
		d->rows = frames > d->rows ? frames : d->rows;
		d->total += frames ? stacks[i].count : 0;
	}
	if (!(d->total > 0)) {
		free(d);
		return false;
	}
	d->rows = d->rows > DEPTH_MAX ? DEPTH_MAX : d->rows;
	qsort(stacks, n, sizeof(*stacks), svg_stack_order);
	svg_open(f, WIDTH, HEAD + ROW * (double)d->rows + FOOT, title);
	for (i = 0; i < n; i++)
		if (stacks[i].count > 0 && *stacks[i].frames)
			add(d, &stacks[i]);
	close_to(d, 0);
	foot(d);
	svg_close(f);
	free(d);
	return true;
}
