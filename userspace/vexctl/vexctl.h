/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the verbs of vexctl share. A verb is a row in a table: its name (one or more
 * words), its options, and a function. Help, man pages and completion are generated from
 * the same rows.
 *
 * To add verbs: write a table in a file of your own, list it in groups[] in main.c.
 */
#ifndef VEXCTL_H
#define VEXCTL_H

#include <stdbool.h>
#include <stdint.h>

#include "escape.h"
#include "json.h"
#include "parse.h"
#include "vexfs.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
	EXIT_NO_PERMISSION = 4,
	EXIT_NO_DEBUGFS = 5,
};

enum opt_kind {
	OPT_FLAG,		/* takes no value */
	OPT_STRING,
	OPT_U64,		/* decimal or 0x */
	OPT_NUMBER,		/* with a fraction, finite, 0 or more */
	OPT_SIGNED,		/* the same, may be negative */
	OPT_OCTAL,		/* permission bits */
};

/**
 * struct opt - an option of a verb
 * @name: without the dashes; NULL ends a table
 * @letter: short form, or 0
 * @kind: type of its value
 * @arg: name of the value in the help
 * @help: one sentence, no full stop
 * @required: the verb needs it
 */
struct opt {
	const char *name;
	char letter;
	enum opt_kind kind;
	const char *arg;
	const char *help;
	bool required;
};

struct ctl;

/**
 * struct verb - a row of a table; NULL @name ends it
 * @name: the words that call it
 * @args: the arguments after it, for help
 * @min_args: minimum of arguments
 * @max_args: maximum, -1 for any number
 * @brief: what it does, one line, no full stop
 * @detail: more, for --help and the man page; paragraphs are separated by empty lines; or
 * NULL
 * @opts: its options, or NULL
 * @run: implementation; returns enum exit_code
 */
struct verb {
	const char *name;
	const char *args;
	int min_args;
	int max_args;
	const char *brief;
	const char *detail;
	const struct opt *opts;
	int (*run)(struct ctl *c);
};

/**
 * struct verb_group - verbs of one man page
 * @title: heading in --help
 * @page: their man page of section 8, or NULL for vexctl(8)
 * @brief: one line for that page, no full stop
 * @about: its introduction
 * @example: commands, one per line
 * @see: other pages, "name section" separated by commas
 * @verbs: the verbs
 */
struct verb_group {
	const char *title;
	const char *page;
	const char *brief;
	const char *about;
	const char *example;
	const char *see;
	const struct verb *verbs;
};

#define OPTS_MAX	32

/**
 * struct ctl - one call of vexctl
 * @verb: the verb
 * @argc: number of arguments that are not options
 * @argv: these arguments
 * @json: -j
 * @pretty: -p
 * @quiet: -q: no progress
 * @device: --device, or NULL
 * @out: writer for -j; use it only if @json
 * @values: option values as text; index as in the verb's @opts
 */
struct ctl {
	const struct verb *verb;
	int argc;
	char **argv;
	bool json;
	bool pretty;
	bool quiet;
	const char *device;
	struct json out;
	const char *values[OPTS_MAX];
	bool progress_shown;
};

extern const struct verb_group groups[];
extern const struct opt global_opts[];

/* Options of this call. Requesting one that is not in the table is a bug. */
bool opt_given(const struct ctl *c, const char *name);
const char *opt_string(const struct ctl *c, const char *name, const char *otherwise);
uint64_t opt_u64(const struct ctl *c, const char *name, uint64_t otherwise);
/* Values above 32 bits become UINT32_MAX, which the kernel refuses. */
uint32_t opt_u32(const struct ctl *c, const char *name, uint32_t otherwise);
double opt_number(const struct ctl *c, const char *name, double otherwise);

/* Writes "schema_version" into the object that -j prints. */
#define CTL_SCHEMA	1

/* Begins another JSON value in c->out; the first one has been begun. */
void ctl_json_start(struct ctl *c);

/*
 * Ends a verb with an error: the message on stderr, and with -j also as "error" in the
 * one JSON value on stdout, whatever was written into it.
 */
int ctl_fail(struct ctl *c, const struct vexfs_error *err);
__attribute__((format(printf, 2, 3)))
int ctl_usage(struct ctl *c, const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
int ctl_refuse(struct ctl *c, int code, const char *fmt, ...);

/*
 * Progress on stderr if that is a terminal; non-zero if a signal asks to stop. Matches
 * vexfs_progress_fn.
 */
int ctl_progress(uint64_t done, uint64_t total, void *c);
void ctl_progress_end(struct ctl *c);

/*
 * From here on SIGINT, SIGTERM and SIGHUP do not end the program but are reported by
 * stop_wanted(). end_by_signal() ends it after cleaning up.
 */
void stop_on_signals(void);
bool stop_wanted(void);
void end_by_signal(void);

/* A float as in the JSON of -j. */
const char *float_text(char buf[32], float f);

/* Parses components such as "1, 2.5, -3". 0, or an exit code after printing why. */
int parse_vector(struct ctl *c, const char *text, uint32_t dim, float *out);

/*
 * The query of a verb with --query, --id or --vector: either vectors in @vectors (of
 * @format) or ids in @ids.
 */
struct query {
	bool by_id;
	uint32_t format;
	size_t count;
	void *vectors;
	uint64_t *ids;
};

/* 0, or an exit code after printing why. Free with query_free(). */
int query_read(struct ctl *c, const struct vexfs *h, struct query *q);
void query_free(struct query *q);

#define QUERY_OPTS \
	{ "query", 0, OPT_STRING, "FILE", "vectors of a file are the queries" }, \
	{ "id", 0, OPT_STRING, "ID[,ID...]", "stored vectors are the queries" }, \
	{ "vector", 0, OPT_STRING, "X,Y,...", "this vector is the query" }, \
	{ "limit", 0, OPT_U64, "N", "take at most N queries from the file" }, \
	{ "skip", 0, OPT_U64, "N", "skip the first N queries of the file" }

/* Parses ids from the arguments that follow the collection's name. */
int ids_from_args(struct ctl *c, int from, uint64_t **ids, size_t *count);

/* Prints a record as members of an open object, or as "a=1, b=2". */
void record_json(struct ctl *c, const struct vexfs_layout *layout, const void *record,
		 uint32_t size);
void record_text(const struct vexfs_layout *layout, const void *record, uint32_t size);

/* Connects to the control plane. NULL after printing why; *@ret is then the exit code. */
struct wire;
struct wire *wire_open(struct ctl *c, int *ret);
/* Ends the verb with the error of the last call. */
int wire_fail(struct ctl *c, struct wire *n, int err);

/*
 * Asks vexfsd to detach from the module, or to attach again. 0 also if it does not run;
 * otherwise an exit code after printing why.
 */
int storage_release(struct ctl *c);
void storage_take(struct ctl *c);

void print_help(struct ctl *c, const struct verb *verb);
void print_overview(struct ctl *c, FILE *to, const char *prefix);

#endif
