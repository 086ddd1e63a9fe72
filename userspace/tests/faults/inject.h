/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes the kernel's allocations fail, one at a time: a step is done again and
 * again, with its first allocation failing, its second, and so on until it meets
 * no failure any more. Needs a kernel with failslab and fail_page_alloc.
 */
#ifndef VEXFS_FAULTS_INJECT_H
#define VEXFS_FAULTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct step - something to be done under failures
 * @name: for the report
 * @before: prepares; nothing fails here; may be NULL
 * @call: what is tried: 0 or -errno
 * @after: looks whether an answer of @err left everything in order, and puts it
 *	back as it was; may be NULL
 * @every: try every so manieth failure only; 0 for all. After many of them, fewer
 *	in any case
 */
struct step {
	const char *name;
	void (*before)(void);
	int (*call)(void);
	void (*after)(int err);
	unsigned int every;
};

/*
 * False, with a reason, when this kernel cannot. Without this nothing ever fails,
 * and each step is done once.
 */
bool inject_init(const char **why);

/*
 * Only allocations made below these functions of the kernel fail: those of a
 * module, or of one function.
 */
void inject_within_module(const char *module);
bool inject_within_function(const char *name);

/* One result of TAP for a step. */
void try_step(const struct step *s);

/* In percent, in every task, workers of the kernel included; 0 ends it. */
void inject_randomly(unsigned int percent);

/* What a step found wrong; the step has then failed. */
__attribute__((format(printf, 1, 2))) void wrong(const char *fmt, ...);
/* Since the last step began, or since it was said to be forgotten. */
bool is_wrong(void);
void forget_wrong(void);

/* A result of its own; and the plan, at the end, with the exit status. */
__attribute__((format(printf, 2, 3))) bool result(bool good, const char *fmt, ...);
int finish(void);

bool write_file(const char *path, const char *text);

/* The parts of the program: steps on the device, on the control plane, on loading. */
void try_device(const char *suffix);
void try_async(void);
void try_joint(void);
void try_control(void);
void try_storm(unsigned int seconds);
void try_loading(const char *module);

#endif
