/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics of the machine from /proc: processors, memory, pressure, disks, network. A
 * value that cannot be read is NAN, never 0. @root is a prefix for paths, for tests.
 */
#ifndef VEXFS_METRICS_HOST_H
#define VEXFS_METRICS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct host - one sample; times and counts since boot
 * @mono_ns: when, CLOCK_MONOTONIC
 * @cpu_total: ticks of all processors
 * @cpu_idle: of these, idle or waiting for a disk
 * @cpu_steal: of these, stolen by the hypervisor
 * @cpus: processors
 * @load1: load of the last minute
 * @mem_total: bytes of memory, and so on
 * @psi: pressure stall time in microseconds: cpu, memory some and full, io some and full
 * @disk_busy_ms: time that the busiest disk was busy
 * @disk: its name
 * @hung: number of hung tasks that the kernel reported, or NAN
 */
struct host {
	uint64_t mono_ns;
	double cpu_total, cpu_idle, cpu_steal;
	int cpus;
	double load1;
	double mem_total, mem_available, swap_total, swap_free;
	double psi[5];
	double disk_busy_ms, disk_read, disk_written;
	char disk[32];
	double net_rx, net_tx, net_errors;
};

enum { PSI_CPU, PSI_MEM, PSI_MEM_FULL, PSI_IO, PSI_IO_FULL, PSI_KINDS };

/*
 * For who reads again and again: the files of /proc of this machine, which stay open. NULL
 * without memory, which works, too.
 */
struct host_files;
struct host_files *host_files_new(void);
void host_files_free(struct host_files *keep);

/* @keep: from host_files_new(), with an empty @root; or NULL. */
void host_read(struct host_files *keep, const char *root, struct host *h);

/**
 * struct host_rates - between two samples
 * @cpu_busy: fraction of processor time
 * @cpu_steal: fraction stolen by the hypervisor
 * @psi: fractions of pressure stall time
 * @disk_busy: fraction of time that the busiest disk was busy
 */
struct host_rates {
	double cpu_busy, cpu_steal;
	double psi[PSI_KINDS];
	double disk_busy, disk_read, disk_written;
	double net_rx, net_tx, net_errors;
};

void host_between(const struct host *a, const struct host *b, struct host_rates *r);

/**
 * struct host_core - one processor that is online
 * @id: its number
 * @total: ticks since boot
 * @idle: of these, idle or waiting for a disk
 */
struct host_core {
	unsigned int id;
	double total, idle;
};

/* All of them by number, to be freed by the caller; NULL without memory or /proc/stat. */
struct host_core *host_cores(const char *root, size_t *n);

/* Reads a small file, or the start of a file, and terminates it; false when it cannot be read. */
bool host_file(const char *root, const char *path, char *buf, size_t size);

#endif
