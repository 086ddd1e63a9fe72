/* SPDX-License-Identifier: GPL-2.0 */
/* Units of work on a directory, each timed by itself. */
#ifndef VEXFS_BENCH_FUSE_WORK_H
#define VEXFS_BENCH_FUSE_WORK_H

struct work {
	const char *name, *unit;
	/* Per second, or a negative errno. @dir holds the files of work_prepare(). */
	double (*run)(const char *dir, unsigned int files);
	double goal;	/* of ours to passthrough_hp */
};

extern const struct work works[];

double seconds(void);

/* Creates @files small files and one of 64 MiB. 0 or an errno. */
int work_prepare(const char *dir, unsigned int files);

/* System calls that look up a name, by @clients processes for two seconds; per second. */
double lookups_by(const char *dir, unsigned int files, unsigned int clients);

#endif
