/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks of a profiler, folded: one line for each, its frames from the outermost to the
 * innermost with ';' between them, and how often it was seen. Read from such lines, or from
 * what "perf script" prints.
 */
#ifndef VEXSTRESS_FOLD_H
#define VEXSTRESS_FOLD_H

#include "vexstress.h"

#include "../svg/svg.h"

struct fold {
	struct svg_stack *s;	/* each once, sorted */
	size_t n, room;
	size_t damaged;		/* lines that are neither */
};

/* 0, or -1 after printing an error; @name is for that. */
int fold_read(FILE *in, const char *name, struct fold *f);
void fold_free(struct fold *f);
void fold_print(FILE *out, const struct fold *f);
/* A flame graph in a file. 0, or -1 after printing an error. */
int fold_draw(const char *path, const char *title, struct fold *f);

/*
 * flamegraph [FILE] [-o FILE.svg]: draws, or prints folded lines where there is no place for
 * a picture.
 */
int vx_cmd_flamegraph(int n, char **words);

#endif
