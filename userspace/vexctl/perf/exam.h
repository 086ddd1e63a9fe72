/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks: each examines one thing and reports a finding with evidence and advice. The
 * verbs diagnose, health, host-check and external-factors run the checks of some areas.
 */
#ifndef VEXCTL_PERF_EXAM_H
#define VEXCTL_PERF_EXAM_H

#include "perf.h"
#include "wire.h"

enum severity { SEV_OK, SEV_UNKNOWN, SEV_NOTE, SEV_WARNING, SEV_CRITICAL };

enum area {
	AREA_MODULE = 1,
	AREA_OPS = 2,
	AREA_POOLS = 4,
	AREA_STACK = 8,
	AREA_SIMD = 16,
	AREA_CONFIG = 32,
	AREA_CPU = 64,
	AREA_MEMORY = 128,
	AREA_DISK = 256,
	AREA_NETWORK = 512,
	AREA_LOG = 1024,
	AREA_MONITOR = 2048,
	AREA_DEEP = 4096,	/* slow, or changes caches: only with --comprehensive */
};

#define AREA_HOST	(AREA_CPU | AREA_MEMORY | AREA_DISK | AREA_NETWORK | AREA_LOG)

/**
 * struct finding - result of a check
 * @severity: how bad it is
 * @evidence: what was seen
 * @advice: what to do, "" for nothing
 */
struct finding {
	enum severity severity;
	char evidence[300];
	char advice[300];
};

/**
 * struct known - a setting as text
 * @key: its name
 * @value: its value
 * @def: its default
 */
struct known {
	char key[48];
	char value[64];
	char def[64];
};

/**
 * struct exam - the data that checks examine
 * @c: the call
 * @w: connection to the module, NULL without module or for a copy
 * @root: prefix of /proc and /sys; "" for this machine
 * @from: directory of a copy, or NULL
 * @conf: the configuration
 * @conf_why: its error, or ""
 * @first: the previous sample
 * @look: the sample
 * @two: @first is valid
 * @v: metrics
 * @settings: number of settings
 * @setting: settings
 */
struct exam {
	struct ctl *c;
	struct wire *w;
	const char *root;
	const char *from;
	struct config conf;
	char conf_why[300];
	struct look first;
	struct look look;
	bool two;
	double v[METRICS];
	size_t settings;
	struct known setting[128];
};

/**
 * struct check - a check
 * @id: its name, for tests
 * @area: its area
 * @title: its question in a few words
 * @run: fills in the finding, which is SEV_OK before
 */
struct check {
	const char *id;
	unsigned int area;
	const char *title;
	void (*run)(struct exam *e, struct finding *f);
};

/* Checks that take time: pages by function, and what workqueues do. */
void check_page_owner(struct exam *e, struct finding *f);
void check_workqueues(struct exam *e, struct finding *f);

extern const struct check module_checks[], host_checks[], storage_checks[];

/* Collects the data; 0 or an exit code. Without a module the exam continues. */
int exam_begin(struct ctl *c, struct exam *e, const char *from, int64_t ms);
void exam_end(struct exam *e);

__attribute__((format(printf, 3, 4)))
void finds(struct finding *f, enum severity s, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void advise(struct finding *f, const char *fmt, ...);

/* A setting as a number; -1 if it does not exist. */
double exam_setting(const struct exam *e, const char *key);
const struct known *exam_known(const struct exam *e, const char *key);
/* A statistic of the module, or NAN. */
double exam_figure(const struct exam *e, const char *subject, const char *row, const char *counter);
bool exam_file(const struct exam *e, const char *path, char *buf, size_t size);

#endif
