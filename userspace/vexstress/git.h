/* SPDX-License-Identifier: GPL-2.0 */
/* The git history of the directory that we are in, by the program git. */
#ifndef VEXSTRESS_GIT_H
#define VEXSTRESS_GIT_H

#include <stdbool.h>
#include <stddef.h>

#define GIT_ID	65	/* of a commit, also of SHA-256 */

struct git_id {
	char text[GIT_ID];
};

/*
 * Runs git with these arguments (the last is NULL) and gives what it prints, to be freed;
 * NULL when it fails. What it says of its own goes to stderr unless @quiet.
 */
char *git_run(const char *const *args, bool quiet);

/* The commit that a name stands for. 0, or -1 after printing an error. */
int git_commit(const char *name, char id[GIT_ID]);

/* The first line of its message, to be freed; NULL where git does not say. */
char *git_subject(const char *id);

/* Commits after @from up to @to, oldest first, to be freed. Their number, or -1: said. */
long git_between(const char *from, const char *to, struct git_id **ids);

/* A work tree of its own at @dir. 0, or -1. */
int git_tree_add(const char *dir, const char *id);
int git_tree_move(const char *dir, const char *id);
void git_tree_remove(const char *dir);

#endif
