/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading what "perf record" wrote: samples with the addresses of their call chains. perf's
 * own tools print addresses of deleted files as offsets, and the code of a module of User Mode
 * Linux lies in a deleted file, so this reads the file itself.
 */
#ifndef VEXFS_PROFILE_PERFDATA_H
#define VEXFS_PROFILE_PERFDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERFDATA_CHAIN_MAX	512
#define PERFDATA_COMM		16

/* One address of a call chain. */
struct perfdata_frame {
	uint64_t ip;
	bool kernel;	/* of the machine that perf ran on */
};

/**
 * struct perfdata_sample - a sample
 * @pid: process
 * @comm: its name at that time, as far as the file says
 * @time_ns: perf's clock
 * @n: frames
 * @cut: the chain was longer
 * @frame: the innermost first
 */
struct perfdata_sample {
	uint32_t pid;
	const char *comm;
	uint64_t time_ns;
	size_t n;
	bool cut;
	struct perfdata_frame frame[PERFDATA_CHAIN_MAX];
};

/* Properties of the whole file. */
struct perfdata_info {
	size_t samples;
	uint64_t lost;
	uint64_t first_ns, last_ns;
	bool truncated;		/* perf was killed: the file ends in the middle */
};

struct perfdata;

/* NULL with a sentence in @why. */
struct perfdata *perfdata_open(const char *path, char *why, size_t size);
void perfdata_close(struct perfdata *p);

typedef int (*perfdata_fn)(const struct perfdata_sample *s, void *arg);
/* Other than 0 from @fn stops and is returned; -1 with a sentence in @why. */
int perfdata_each(struct perfdata *p, perfdata_fn fn, void *arg, struct perfdata_info *info,
		  char *why, size_t size);

/* The file that @ip of @pid lies in, without directories; "" when it is not known. */
const char *perfdata_file_at(const struct perfdata *p, uint32_t pid, uint64_t ip);

#endif
