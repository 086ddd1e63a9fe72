/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vexstress share: settings, jobs, workloads, workers and measurements.
 * Everything a worker writes is in memory shared by processes and has one writer; the
 * parent only reads.
 */
#ifndef VEXSTRESS_H
#define VEXSTRESS_H

#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../textio/escape.h"
#include "../libvexstat/clock.h"
#include "../libvexstat/hist.h"
#include "../libvexstat/rng.h"
#include "../libvexstat/vexstat.h"
#include "nearest.h"
#include "vexfs.h"

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define VX_SCHEMA_VERSION	1
#define VX_KINDS_MAX		8
/* If a spinning worker does not read the clock for this long, the machine was unavailable. */
#define VX_UNAVAILABLE_NS	100000
#define VX_JOBS_MAX		32
#define VX_WORKERS_MAX		1024
#define VX_ERRNO_MAX		134
#define VX_NAME_SIZE		48

/* Exit codes; 128 + n when ended by signal n. */
enum vx_exit {
	VX_OK		= 0,
	VX_MISSED	= 1,	/* a target was missed, a regression found */
	VX_USAGE	= 2,
	VX_NO_DEVICE	= 3,
	VX_WRONG	= 4,	/* the module gave a wrong answer */
	VX_KLOG		= 5,	/* the kernel log has new alarms */
	VX_CANNOT_TELL	= 6,
	VX_SKIPPED	= 100,	/* internal: the module lacks something; never an exit code */
};

struct vx_job;
struct vx_worker;

/**
 * struct vx_kind - one kind of op in a workload
 * @name: "search", "get"
 * @class: "vector", "semantic" or "fuse", as in the module's statistics
 * @share: percentage of the calls
 * @action: enum vx_action, what a call does
 * @priority: enum vexfs_priority, when it is not the job's
 */
struct vx_kind {
	const char *name;
	const char *class;
	unsigned int share;
	unsigned int action;
	unsigned int priority;
};

/* Interface by which ops reach the module. */
enum vx_door {
	VX_CALL,	/* one system call per op, which waits for the result */
	VX_QUEUE,	/* submitted, and reaped when they are done; many at a time */
	VX_RING,	/* io_uring; many at a time */
};

/**
 * struct vx_workload - what can be run
 * @name: as the command line has it
 * @summary: a line for --help
 * @one_op: what is counted as one op
 * @kinds: the mix; ends with a name of NULL
 * @vectors: size of the collection when not told otherwise, 0 for none
 * @needs_index: VEXFS_INDEX_GRAPH, or VEXFS_INDEX_NONE
 * @mounted: its ops are system calls on a mount
 * @turns: kinds follow one another, all deletes and then all inserts, instead
 *	of being drawn
 */
struct vx_workload {
	const char *name;
	const char *summary;
	const char *one_op;
	const struct vx_kind *kinds;
	uint64_t vectors;
	unsigned int needs_index;
	bool turns;
	bool mounted;
	unsigned int threads;
	unsigned int transport;
	bool first_alone;
};

enum vx_action {
	VX_EXACT,	/* exact top-k */
	VX_GRAPH,	/* nearest neighbours over the graph */
	VX_FILTERED,	/* the same among 1 % of the vectors */
	VX_UPSERT,
	VX_INSERT,	/* ids that were not there */
	VX_GET,
	VX_DELETE,
	VX_DISTANCE,
	VX_CLASSIFY,
	VX_STORM,	/* searches of all sizes, so that scratch of all sizes is used */
	VX_OPEN,	/* open, attach, close */
	VX_ABUSE,	/* hostile input */
	VX_SWITCH,	/* another variant of the arithmetic from now on */
	/* on files of a mount: */
	VX_FILE_LOOKUP,
	VX_FILE_GETATTR,
	VX_FILE_READDIR,
	VX_FILE_READ,
	VX_FILE_WRITE,
	VX_FILE_UNLINK,
	VX_FILE_NEAR,
};

const struct vx_workload *vx_workload_find(const char *name);
const struct vx_workload *vx_workload_at(size_t i);	/* NULL at the end */

/* The measurements of one worker for one kind of op. */
struct vx_measure {
	uint64_t calls;
	uint64_t ops;
	uint64_t errors;
	struct vs_hist latency;		/* as measured, per op */
	struct vs_hist corrected;	/* open loop: from when it should have begun */
	struct vs_hist available;	/* the same without the time the machine was unavailable */
	struct vs_hist kernel;		/* time spent in the kernel */
	struct vs_hist crossing;	/* the rest: the cost of crossing */
};

enum vx_state {
	VX_STARTING,
	VX_READY,
	VX_RUNNING,
	VX_PARKED,	/* warmed up, waiting for the measurement */
	VX_DONE,
	VX_FAILED,
};

/* The part of a worker that others read, in shared memory. */
struct vx_shared {
	uint32_t state;		/* enum vx_state */
	int32_t pid;
	uint64_t checked, wrong, unchecked;
	uint64_t distances;	/* computed, as the module reports them */
	uint64_t user_us, system_us;
	uint64_t rss_kb;	/* maximum resident memory of a process; 0 for threads */
	uint64_t voluntary, involuntary, minor, major;
	uint64_t unavailable_ns;	/* unavailable time */
	uint64_t ended;		/* ticks at its last op if it had a number of ops, or 0 */
	char message[256];	/* of the first failure or wrong answer */
	uint64_t errors[VX_ERRNO_MAX];
	struct vx_measure kind[VX_KINDS_MAX];
};

/**
 * struct vx_worker - one thread or process
 * @done: out of op(): ops in the call
 * @kernel_ns: out of op(): time in the kernel, 0 if the module did not say
 */
struct vx_worker {
	struct vx_job *job;
	struct vx_shared *shared;
	unsigned int index;
	struct vs_rng rng;
	struct vexfs *handle;
	void *priv;
	void *async, *transport;	/* of those that have many calls under way */
	uint64_t done;
	uint64_t kernel_ns;
	uint64_t started, ended;	/* ticks of the op, for check() */
	bool warming;		/* ops do not count yet */
	uint64_t free_at;	/* open loop: ticks at the end of the previous op, */
	uint64_t free_without;	/* and at its end without unavailable time */
};

enum { VX_PROCESSES, VX_THREADS };
enum { VX_EVEN, VX_POISSON };
enum { VX_PAGES_DEFAULT, VX_PAGES_SMALL, VX_PAGES_HUGE };

/**
 * struct vx_job - one section of a job file, or the command line
 *
 * Fields from @threads on are set through the option table (options.c).
 */
struct vx_job {
	char name[VX_NAME_SIZE];
	const struct vx_workload *workload;
	bool wait;		/* starts when the jobs before it have ended */

	unsigned int threads;
	unsigned int workers;	/* VX_PROCESSES, VX_THREADS */
	double rate;		/* ops/s of the whole job; 0: closed loop */
	unsigned int arrival;
	uint64_t ops;		/* 0: until the time is up */
	double duration;	/* seconds; 0: --measurement-time */
	double ramp, think;	/* seconds */
	uint64_t batch;
	uint64_t depth;
	uint64_t k, ef, dim, vectors;
	unsigned int type, metric;
	uint64_t m, ef_construction;
	unsigned int code;
	unsigned int priority;
	double deadline;
	char *cpus;
	char *data;
	uint64_t seed;
	bool verify;
	unsigned int pages;	/* of the rows that are sent */
	unsigned int durability;
	bool keep;		/* the collection, for the next run of this very job */
	bool suite;		/* where it cannot run, the others go on */
	const char *setting;	/* "simd=scalar": parameter of the module while it runs */

	/* private to the engine and the workload */
	unsigned int number;	/* in its group */
	struct vx_coll *coll;
	struct vx_shared *shared;
	struct vx_worker *worker;
	double recall;			/* -1: it does not search */
	uint64_t recall_queries;
	double recall_filtered;		/* -1: none */
	uint64_t checked, wrong;	/* by finish() */
	char message[256];
	double setup_seconds;
	char note[256];			/* printed beside the values */
};

/* One slice of the measurement. */
struct vx_slice {
	double seconds;
	double ops_per_s;
	double mean_ns, p50_ns, p95_ns, p99_ns;
	double corrected_mean_ns, corrected_p95_ns, corrected_p99_ns;	/* open loop */
	uint64_t errors;
};

/* The measurement of one job. */
struct vx_outcome {
	struct vx_job *job;
	double seconds;
	double warmup_seconds;
	bool steady;
	struct vx_measure kind[VX_KINDS_MAX];
	struct vx_measure all;
	struct vx_slice *slices;
	size_t nslices;
	uint64_t errors[VX_ERRNO_MAX];
	uint64_t checked, wrong, unchecked;
	uint64_t distances;
	double user_s, system_s;
	uint64_t rss_kb;	/* sum over workers */
	uint64_t voluntary, involuntary, minor, major;
	double unavailable_s;	/* sum over workers */
	double machine_lost;	/* share of probes right before and after */
	char message[256];
	bool interrupted;
	int killed_by;		/* this signal killed a worker */
};

/** struct vx_settings - settings of the whole run, from the option table */
struct vx_settings {
	/* how much */
	unsigned int profile;
	uint64_t samples;
	double warmup, measure;
	bool warmup_fixed;
	uint64_t repeat;
	/* targets */
	bool target, strict;
	char *target_file, *target_set;
	char *config;
	/* results */
	bool json, pretty, csv, quiet;
	char *output, *ndjson, *csv_file, *report, *metrics_csv;
	double interval;
	/* baselines and comparison */
	char *save_baseline, *baseline, *results, *keep, *history;
	bool only_changed, force, interleave, calibrate;
	char *format_text;	/* as given; the format of time(1) for exec */
	unsigned int format;
	double alpha, min_effect, fail_effect;
	char *noise_file;
	/* run records */
	double max_time, max_memory, every, sample;
	uint64_t jobs;
	char *tag, *export_dir;
	char *build_command, *measure_command;	/* bisect */
	bool pass_output;
	/* where */
	char *device, *debugfs, *lab;
	bool no_klog;
	bool help, version, man;
	char *jobfile, *tests;
	/* profiles */
	char *flamegraph, *massif;
	bool perf_stat;
	double profile_time;
};

extern struct vx_settings vx_set;
/* The signal that ends the run, or 0. Set by the handler. */
extern volatile sig_atomic_t vx_signal;

/* ---- options.c, jobfile.c ---- */

enum { VX_PROFILE_NONE, VX_PROFILE_SMOKE, VX_PROFILE_QUICK, VX_PROFILE_FULL, VX_PROFILE_CI };
enum { VX_FORMAT_TABLE, VX_FORMAT_MARKDOWN, VX_FORMAT_CSV, VX_FORMAT_JSON };

void vx_job_defaults(struct vx_job *job);
/* Parses options; the rest is in argv[0..return). -1 after printing why. */
int vx_options_parse(int argc, char **argv, struct vx_job *job);
/* Parses one job key of a job file or a sweep. 0, or -1 with the reason in @why. */
int vx_option_set(struct vx_job *job, const char *key, const char *value, char *why, size_t size);
bool vx_option_is_job_key(const char *key);
/* Fills in what the profile sets and the user did not. */
int vx_options_finish(void);
/* Parses --format as the format of a comparison. 0, or -1 after printing why. */
int vx_options_format(void);
int vx_job_check(const struct vx_job *job, char *why, size_t size);
void vx_usage(FILE *out);
void vx_man_options(FILE *out);

/* Reads a job file after @base; number of jobs, or -1 after printing why. */
int vx_jobfile_read(const char *path, const struct vx_job *base, struct vx_job *jobs, int max);

/* ---- ops.c: what a worker does ---- */

int vx_worker_start(struct vx_worker *w);	/* 0, or -1 with shared->message set */
unsigned int vx_worker_pick(struct vx_worker *w);	/* the next kind */
void vx_worker_prepare(struct vx_worker *w, unsigned int kind);	/* not measured */
int vx_worker_op(struct vx_worker *w, unsigned int kind);	/* measured; 0 or -errno */
void vx_worker_after(struct vx_worker *w, unsigned int kind, int err);	/* not measured */
void vx_worker_stop(struct vx_worker *w);

/*
 * For workers with many ops in flight: w->priv points to the op that is prepared, completed or
 * checked.
 */
void *vx_call_new(struct vx_worker *w);
void vx_call_free(void *call);
/* The request that vx_worker_prepare() made ready, and its number; 0 for what has none. */
unsigned long vx_worker_request(struct vx_worker *w, unsigned int kind, void **arg);
/* It has been answered: sets w->done and w->kernel_ns. */
void vx_worker_answered(struct vx_worker *w, unsigned int kind);

/* ---- abuse.c ---- */

/* Sends one hostile request; 0 if it was refused as expected. */
int vx_abuse(struct vx_worker *w, uint64_t which);
void vx_abuse_begin(struct vx_worker *w);

/* ---- engine.c ---- */

/* Prints a message on stderr, with the name of the program before it. */
void vx_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A JSON string of any bytes; the library accepts UTF-8 only. */
json_t *vx_json_text(const char *s);

/* A JSON value as ASCII text, which is safe in any output. To be freed. */
char *vx_json_dump(const json_t *value, size_t flags);

/*
 * A number for people: 170,750 and 0.0613, never an exponent. Returns one of several
 * static buffers.
 */
const char *vx_figure(double v);

/*
 * Runs jobs at the same time: setup, warm-up, measurement, finish. Outcomes
 * are malloc()ed by the callee; free with vx_outcome_free(). Returns an enum
 * vx_exit: VX_OK also when interrupted (see the outcome).
 */
int vx_run_group(struct vx_job **jobs, size_t n, struct vx_outcome *out);
void vx_outcome_free(struct vx_outcome *out);

/* Reports a wrong answer of this worker; the first message is kept. */
void vx_wrong(struct vx_worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- klog.c ---- */

void vx_klog_begin(void);
/* NULL, or the new lines that are alarms; array of strings. */
json_t *vx_klog_end(void);
bool vx_klog_watched(void);

/* ---- fingerprint.c ---- */

json_t *vx_fingerprint(void);
/* NULL if comparable, or the first difference as a sentence, malloc()ed. */
char *vx_fingerprint_differ(const json_t *a, const json_t *b);

/* ---- result.c ---- */

/* Writes a result as the settings ask: table, JSON, CSV, NDJSON, report. */
json_t *vx_result_new(int argc, char **argv);
void vx_result_add(json_t *result, const struct vx_outcome *out);
/* Metrics of the whole result from its jobs, repetitions combined. */
void vx_result_metrics(json_t *result);
/* A metric by its name ("JOB.METRIC"), or NULL; borrowed. */
json_t *vx_metric_find(const json_t *result, const char *name);
/* Its samples, malloc()ed; NULL without memory. */
double *vx_metric_samples(const json_t *metric, size_t *n);
int vx_result_emit(json_t *result);
void vx_print_outcome(const struct vx_outcome *out);
/* One NDJSON line per slice; opened once. */
void vx_interval_line(const struct vx_job *job, double at, const struct vx_slice *s);

/* Writes NAME beside, then renames; nothing is left after a failure. -1 after printing why. */
int vx_write_file(const char *path, const char *data, size_t size);
int vx_write_json(const char *path, const json_t *value);
json_t *vx_read_result(const char *path_or_baseline);
/* Directory of baselines; malloc()ed; created if @make. */
char *vx_results_dir(bool make);
int vx_baseline_save(const char *name, const json_t *result);

/* ---- target.c ---- */

int vx_target_check_settings(void);
/*
 * Runs the standard jobs once more and judges all runs since the settings were checked
 * together: targets[], verdicts and overall_success. An enum vx_exit.
 */
int vx_target_run(json_t *result, const struct vx_job *base);
void vx_target_print(const json_t *result);
/* The number of targets with each verdict, as a sentence. */
const char *vx_target_closing(const json_t *result);
/* Details of a verdict: attempts, unavailable time, the reason; malloc()ed. */
char *vx_target_remark(const json_t *target);

/* ---- the other commands ---- */

int vx_cmd_compare(int argc, char **argv);
int vx_report_write(const char *path, const json_t *result);

/* Compares results and prints them as the settings ask; an enum vx_exit. */
int vx_compare_results(json_t **results, const char **names, size_t n);

/* ---- probe.c ---- */

/*
 * Spins for @seconds and returns the share of that time in which it did not run: the machine
 * was unavailable. Pauses of up to VX_UNAVAILABLE_NS are not counted.
 */
double vx_probe_machine(double seconds);

#endif
