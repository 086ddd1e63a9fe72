/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VEXSTRESS_TREND_H
#define VEXSTRESS_TREND_H

/*
 * trend [FILE] [BENCHMARK...]: levels and changes of each benchmark, from the file or from
 * the history. VX_MISSED when the last
 * level of one is slower than the one before by fail_effect or more.
 */
int vx_cmd_trend(int n, char **words);

#endif
