// SPDX-License-Identifier: GPL-2.0
#include "frame.h"

#include <string.h>

#include "escape.h"

/* Eight colours that differ in light and dark, also for colour-blind readers. */
static const char style[] =
	"<style>"
	".vx{font:12px system-ui,sans-serif;--f:#1b1f24;--b:#fff;--g:#d8dde3;--r:#cf222e;"
	"--0:#3b6fb6;--1:#e07b16;--2:#2f8f46;--3:#c8333f;--4:#7d55a8;--5:#0f8c93;--6:#b5568f;"
	"--7:#7a6a3a}"
	"@media(prefers-color-scheme:dark){.vx{--f:#e6e6e6;--b:#14171a;--g:#333a41;--r:#ff7b72;"
	"--0:#6ea8fe;--1:#ffa657;--2:#56d364;--3:#ff8f8a;--4:#c297ff;--5:#39c5cf;--6:#f27bbd;"
	"--7:#d2bd6a}}"
	".vx text{fill:var(--f)}.vx .e{text-anchor:end}.vx .m{text-anchor:middle}"
	".vx .t{font-size:14px;font-weight:600}.vx .bg{fill:var(--b)}"
	".vx .g{stroke:var(--g);fill:none}.vx .r{stroke:var(--r);stroke-dasharray:5 4}"
	".vx .rt{fill:var(--r)}.vx .l{fill:none;stroke-width:1.6}.vx .d{stroke-dasharray:6 3}"
	".vx .h{fill:transparent;stroke:none}.vx .h:hover{fill:var(--f)}"
	".vx .k0{--c:var(--0)}.vx .k1{--c:var(--1)}.vx .k2{--c:var(--2)}.vx .k3{--c:var(--3)}"
	".vx .k4{--c:var(--4)}.vx .k5{--c:var(--5)}.vx .k6{--c:var(--6)}.vx .k7{--c:var(--7)}"
	".vx .l,.vx .w{stroke:var(--c)}.vx .p{fill:var(--c)}"
	"</style>\n";

const char *svg_colour(size_t i)
{
	static const char *const names[] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7" };

	return names[i % 8];
}

void svg_open(FILE *f, double width, double height, const char *title)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"vx\" role=\"img\" "
		"width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n", width, height,
		width, height);
	fputs(style, f);
	fprintf(f, "<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\"/>\n", width, height);
	if (!title)
		return;
	fprintf(f, "<text class=\"t\" x=\"%.0f\" y=\"20\">", FRAME_LEFT);
	escape_html(f, title);
	fputs("</text>\n", f);
}

void svg_close(FILE *f)
{
	fputs("</svg>\n", f);
}

static void text(FILE *f, const char *class, double x, double y, const char *s)
{
	fprintf(f, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	escape_html(f, s);
	fputs("</text>\n", f);
}

void frame_y(FILE *f, const struct scale *x, const struct scale *y, const struct svg_axis *axis)
{
	char s[48];
	size_t i;

	for (i = 0; i < y->marks; i++) {
		double at = scale_place(y, y->mark[i]);

		fprintf(f, "<path class=\"g\" d=\"M%.1f %.1fH%.1f\"/>", x->from, at, x->to);
		text(f, "e", x->from - 6, at + 4, svg_number(s, sizeof(s), y->mark[i], axis->unit));
	}
	if (!axis->label)
		return;
	fprintf(f, "<text class=\"m\" transform=\"translate(14 %.1f) rotate(-90)\">",
		(y->from + y->to) / 2);
	escape_html(f, axis->label);
	fputs("</text>\n", f);
}

#define LETTER	3.1	/* half the width of one in these labels */

/* The label of a mark, moved to the left where it would leave the picture. */
static void label_x(FILE *f, const struct scale *x, double at, double before, double y,
		    const char *what)
{
	double half = LETTER * (double)strlen(what), right = x->to + FRAME_RIGHT;

	if (at + half <= right)
		text(f, "m", at, y, what);
	else if (right - 3 * half > before)
		text(f, "e", right, y, what);
}

void frame_x(FILE *f, const struct scale *x, const struct scale *y, const struct svg_axis *axis,
	     const char *const *names, size_t nnames)
{
	double last = -1e9;
	char s[48];
	size_t i;

	for (i = 0; i < (names ? nnames : x->marks); i++) {
		double at = scale_place(x, names ? (double)i : x->mark[i]);
		const char *what = names ? names[i] : svg_number(s, sizeof(s), x->mark[i], axis->unit);

		/* numbers that would overlap are left out */
		if (!names && at - last < (axis->unit == SVG_EPOCH ? 84 : 46))
			continue;
		fprintf(f, "<path class=\"g\" d=\"M%.1f %.1fv5\"/>", at, y->from);
		label_x(f, x, at, last, y->from + 18, what);
		last = at;
	}
	fprintf(f, "<path class=\"g\" d=\"M%.1f %.1fH%.1f\"/>\n", x->from, y->from, x->to);
	if (axis->label)
		text(f, "m", (x->from + x->to) / 2, y->from + 38, axis->label);
}

void frame_hover(FILE *f, const char *name, const char *x, const char *y)
{
	fputs("><title>", f);
	if (name) {
		escape_html(f, name);
		fputs(": ", f);
	}
	escape_html(f, x);
	fputs(", ", f);
	escape_html(f, y);
	fputs("</title>", f);
}
