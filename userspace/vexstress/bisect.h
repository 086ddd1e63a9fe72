/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VEXSTRESS_BISECT_H
#define VEXSTRESS_BISECT_H

/*
 * bisect GOOD BAD METRIC: names the commit that changed a metric. VX_MISSED when there is
 * one, VX_OK when the ends are alike, VX_CANNOT_TELL when noise hides the answer.
 */
int vx_cmd_bisect(int n, char **words);

#endif
