/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The journal of recoveries: one line before and one after each step. Each line is on the
 * disk before the next action. Only one recovery runs at a time.
 */
#ifndef VEXFS_RECOVERY_JOURNAL_H
#define VEXFS_RECOVERY_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

struct journal;

/*
 * Opens the journal beside the log. Returns NULL and a sentence when another recovery
 * runs or it cannot be written. @unfinished: the step during which the last recovery
 * ended, "" for none.
 */
struct journal *journal_open(const char *log, char *unfinished, size_t size, char *why, size_t room);
/* 0, or -1 if the line is not on the disk. */
int journal_write(struct journal *j, const char *what, const char *step, const char *outcome);
void journal_close(struct journal *j);

#endif
