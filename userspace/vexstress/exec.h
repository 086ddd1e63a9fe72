/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Run records: what any program took to run. One run is measured (exec_run.c), kept
 * (exec_store.c), and many are summed up (exec_stat.c) and judged (exec_insight.c). A
 * record is a JSON object, described by docs/schema/vexstress-exec.json.
 */
#ifndef VEXSTRESS_EXEC_H
#define VEXSTRESS_EXEC_H

#include "vexstress.h"

#include <sys/types.h>

/**
 * struct exec_limits - what a run may take
 * @seconds: 0 for no limit; the program is ended when it takes longer
 * @kib: of memory of all its processes together, 0 for no limit
 * @sample: seconds between two readings of its processes' memory
 */
struct exec_limits {
	double seconds;
	uint64_t kib;
	double sample;
};

/* What the processes of a program take at one time. */
struct exec_tree {
	uint64_t kib;
	unsigned int processes;
};

/* ---- exec_tree.c: all processes that this one has begun, however they were detached ---- */

/* Makes orphans of our children ours, so that none gets lost. */
void exec_tree_adopt(void);
/* Adds up, from all processes of the machine. False where /proc cannot be read. */
bool exec_tree_read(struct exec_tree *t);
/*
 * The same from the kernel's lists of children, which costs as much as the program has
 * processes; one that begins or ends at that moment may be missed.
 */
bool exec_tree_glance(struct exec_tree *t);
/* Sends @sig to all of them. Their number. */
unsigned int exec_tree_signal(int sig);

/* ---- exec_run.c ---- */

/*
 * Runs @argv to its end, passes on what it prints unless @quiet, and gives its record. The
 * status for our own exit is in it (vx_exec_status()). NULL after printing an error when the
 * program cannot be run at all.
 */
json_t *vx_exec_measure(char **argv, const struct exec_limits *limits, const char *tag, bool quiet);
/* The exit status that a shell would show, or VX_MISSED for a broken limit. */
int vx_exec_status(const json_t *record);
/* As the -f of time(1): %e, %U, %M and so on. */
void vx_exec_format(FILE *f, const char *format, const json_t *record);

/* ---- exec_store.c ---- */

/* Keeps a record. -1 after printing an error. */
int vx_exec_keep(json_t *record);
/* Keeps a result of vexstress under a name, as vexctl results lists it. */
int vx_result_keep(const json_t *result, const char *name);
/* The same for a baseline, which is in a file already: that it could not be kept is only said. */
void vx_baseline_keep(const json_t *result, const char *name);
/* The newest baseline of that name, otherwise the newest run; NULL when there is none. */
json_t *vx_result_kept(const char *name);
/* Where they are kept, to be freed; its directory is made when @make. */
char *vx_history_path(bool make);
/*
 * All records, in the order in which they were kept, of programs whose name is @only where that is
 * given. Without @samples only the last one of each program has its samples of memory. NULL: said.
 */
json_t *vx_exec_load(const char *only, bool samples);
/* An object with a list of records for each program, in the order of their first runs. */
json_t *vx_exec_by_program(const json_t *records);

/* ---- exec_stat.c ---- */

/* One object per program: runs, success rate, times and memory. */
json_t *vx_exec_summary(const json_t *records);
void vx_exec_print_summary(FILE *f, const json_t *summary);
void vx_exec_print_list(FILE *f, const json_t *records);
/* Markdown: the summary, and what stands out. */
void vx_exec_report(FILE *f, const json_t *records);
/* The six files that scripts know, in @dir. */
int vx_exec_export(const char *dir, const json_t *records);

/* ---- exec_insight.c ---- */

/*
 * What stands out, the worst first: {program, problem, severity, evidence, advice}.
 */
json_t *vx_exec_insights(const json_t *records);
void vx_exec_print_insights(FILE *f, const json_t *insights);

/* ---- exec.c: the commands ---- */

int vx_cmd_exec(int n, char **words);
int vx_cmd_batch(int n, char **words);
int vx_cmd_summary(int n, char **words);
int vx_cmd_insights(int n, char **words);
int vx_cmd_list(int n, char **words);
/* prune and archive: what vexctl results does, with the same history. @words are its own. */
int vx_cmd_results(const char *verb, int n, char **words);
/* report without a result: of the records. */
int vx_cmd_records_report(void);

#endif
