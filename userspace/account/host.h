/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine as /proc shows it: processors, memory, pressure, disks, network. What
 * cannot be read is NAN, never 0. @root stands before the paths, for tests.
 */
#ifndef VEXFS_ACCOUNT_HOST_H
#define VEXFS_ACCOUNT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct host - one look; times and counts since boot
 * @mono_ns: when, CLOCK_MONOTONIC
 * @cpu_total: ticks of all processors
 * @cpu_idle: of them idle, or waiting for a disk
 * @cpu_steal: of them taken by the hypervisor
 * @cpus: processors
 * @load1: load of the last minute
 * @mem_total: bytes of memory, and so on
 * @psi: microseconds that something waited for cpu, memory, memory (all), io, io (all)
 * @disk_busy_ms: the busiest disk was at work
 * @disk: its name
 * @hung: tasks that the kernel found hanging, or NAN
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

void host_read(const char *root, struct host *h);

/**
 * struct host_rates - between two looks
 * @cpu_busy: share of processor time
 * @cpu_steal: share taken by the hypervisor
 * @psi: shares of time that something waited
 * @disk_busy: share of time that the busiest disk was at work
 */
struct host_rates {
	double cpu_busy, cpu_steal;
	double psi[PSI_KINDS];
	double disk_busy, disk_read, disk_written;
	double net_rx, net_tx, net_errors;
};

void host_between(const struct host *a, const struct host *b, struct host_rates *r);

/* A small file, or its first bytes, with a NUL; false when it cannot be read. */
bool host_file(const char *root, const char *path, char *buf, size_t size);

#endif
