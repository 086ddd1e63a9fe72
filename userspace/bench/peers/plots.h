/* SPDX-License-Identifier: GPL-2.0 */
/* The charts of a comparison. */
#ifndef VEXFS_BENCH_PLOTS_H
#define VEXFS_BENCH_PLOTS_H

#include <jansson.h>
#include <stdbool.h>

/* @folder/peers-DATA.svg: recall against queries per second, for all runs with that data. */
void plot_recall(const char *folder, const char *data);

/* @folder/peers-growth.svg: cost of a search against the number of vectors. */
void plot_growth(const char *folder);

/* The f32 run of @peer over @n word vectors with one query per request; NULL for none. */
json_t *plot_grown(const char *peer, double n, bool host);

#endif
