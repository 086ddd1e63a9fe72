/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The journal of recoveries: a line before each step and one after, on the disk before
 * anything goes on. One recovery runs at a time.
 */
#ifndef VEXFS_RECOVERY_JOURNAL_H
#define VEXFS_RECOVERY_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

struct journal;

/*
 * Opens it, beside the log. NULL with a sentence: another recovery runs, or it cannot be
 * written. @unfinished says which step the last one was in when it ended, "" for none.
 */
struct journal *journal_open(const char *log, char *unfinished, size_t size, char *why, size_t room);
/* 0, or -1 when it is not on the disk. */
int journal_write(struct journal *j, const char *what, const char *step, const char *outcome);
void journal_close(struct journal *j);

#endif
