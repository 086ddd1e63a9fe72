// SPDX-License-Identifier: GPL-2.0
/* Checks of the machine, from /proc and /sys. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "exam.h"

#define CPUS_MAX	4096

static char text[1 << 18];

/* The first line of a file, or "". */
static const char *line_of(struct exam *e, const char *path, char *buf, size_t size)
{
	if (!exam_file(e, path, buf, size))
		*buf = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

static void cpu_flags(struct exam *e, struct finding *f)
{
	const char *flags;

	if (!exam_file(e, "/proc/cpuinfo", text, sizeof(text))) {
		finds(f, SEV_UNKNOWN, "/proc/cpuinfo cannot be read");
		return;
	}
	flags = strstr(text, "\nflags");
	if (!flags)
		return;
	if (!strstr(flags, " avx2 ") || !strstr(flags, " fma ")) {
		finds(f, SEV_WARNING, "the processor shows no AVX2 with FMA: vexfs computes one by one");
		advise(f, "in a virtual machine, let it have the host's processor (-cpu host)");
	} else if (!strstr(flags, " avx512f ")) {
		finds(f, SEV_OK, "AVX2 and FMA, no AVX-512");
	} else {
		finds(f, SEV_OK, "AVX2, FMA and AVX-512");
	}
}

static void governor(struct exam *e, struct finding *f)
{
	int bad = 0, n = 0;
	char seen[40] = "";

	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		char path[100], buf[40];

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor",
			 cpu);
		if (!*line_of(e, path, buf, sizeof(buf)))
			break;
		n++;
		if (strcmp(buf, "performance")) {
			bad++;
			snprintf(seen, sizeof(seen), "%s", buf);
		}
	}
	if (!n)
		finds(f, SEV_OK, "the frequency is not ours to govern");
	if (bad) {
		finds(f, SEV_NOTE, "%d of %d processors run under the governor '%s'", bad, n, shown(seen));
		advise(f, "echo performance > /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor, or "
		       "--apply");
	}
}

static void idle_states(struct exam *e, struct finding *f)
{
	for (int state = 9; state > 0; state--) {
		char path[100], name[40], buf[40];
		long latency;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cpuidle/state%d/latency", state);
		if (!*line_of(e, path, buf, sizeof(buf)))
			continue;
		latency = strtol(buf, NULL, 10);
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cpuidle/state%d/disable", state);
		if (latency < 100 || !strcmp(line_of(e, path, buf, sizeof(buf)), "1"))
			continue;
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cpuidle/state%d/name", state);
		finds(f, SEV_NOTE, "idle state %s takes %ld us to leave", shown(line_of(e, path, name, sizeof(name))),
		      latency);
		advise(f, "where that matters: cpupower idle-set -D 99");
		return;
	}
}

static void throttled(struct exam *e, struct finding *f)
{
	long sum = 0;

	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		char path[120], buf[40];

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", cpu);
		if (!*line_of(e, path, buf, sizeof(buf)))
			break;
		sum += strtol(buf, NULL, 10);
	}
	if (sum > 0) {
		finds(f, SEV_WARNING, "processors were slowed down %ld times for their temperature", sum);
		advise(f, "look at cooling, fans and dust: sensors, thermald");
	}
}

static void microcode(struct exam *e, struct finding *f)
{
	char first[40] = "";

	if (!exam_file(e, "/proc/cpuinfo", text, sizeof(text)))
		return;
	for (char *s = text; (s = strstr(s, "\nmicrocode")); s++) {
		char *colon = strchr(s, ':'), now[40];

		if (!colon)
			break;
		snprintf(now, sizeof(now), "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		if (!*first)
			snprintf(first, sizeof(first), "%s", now);
		if (strcmp(first, now)) {
			finds(f, SEV_WARNING, "processors run different microcode: %s and %s", shown(first),
			      shown(now));
			advise(f, "boot; install intel-microcode or amd64-microcode");
			return;
		}
	}
}

static void clock_source(struct exam *e, struct finding *f)
{
	char buf[40];

	line_of(e, "/sys/devices/system/clocksource/clocksource0/current_clocksource", buf, sizeof(buf));
	if (!*buf || !strcmp(buf, "tsc") || !strcmp(buf, "kvm-clock") || !strcmp(buf, "timer") ||
	    !strcmp(buf, "arch_sys_counter"))
		return;
	finds(f, SEV_NOTE, "the clock is '%s', which is slow to read", shown(buf));
	advise(f, "see dmesg for why the kernel does not trust the TSC");
}

static void load(struct exam *e, struct finding *f)
{
	const struct host *h = &e->look.host;

	if (isnan(h->load1) || !h->cpus) {
		finds(f, SEV_UNKNOWN, "the load cannot be read");
	} else if (h->load1 > 2.0 * h->cpus) {
		finds(f, SEV_WARNING, "load %.1f on %d processors", h->load1, h->cpus);
		advise(f, "other work takes the processors: top");
	} else {
		finds(f, SEV_OK, "load %.1f on %d processors", h->load1, h->cpus);
	}
}

static void steal(struct exam *e, struct finding *f)
{
	if (e->v[M_CPU_STEAL] > 0.05) {
		finds(f, SEV_WARNING, "the hypervisor takes %.0f %% of the processor time",
		      e->v[M_CPU_STEAL] * 100);
		advise(f, "the host is overcommitted: ask for processors of its own");
	}
}

/* "avg60=" of a line of /proc/pressure. */
static double pressure(struct exam *e, const char *file, const char *line)
{
	char buf[512], *s;

	if (!exam_file(e, file, buf, sizeof(buf)))
		return NAN;
	s = strstr(buf, line);
	s = s ? strstr(s, "avg60=") : NULL;
	return s ? strtod(s + 6, NULL) / 100 : NAN;
}

static void waits_for(struct exam *e, struct finding *f, const char *file, const char *what,
		      double warn, const char *advice)
{
	double some = pressure(e, file, "some");

	if (isnan(some)) {
		finds(f, SEV_UNKNOWN, "%s cannot be read: a kernel without PSI, or psi=0", file);
	} else if (some > warn) {
		finds(f, some > 2 * warn ? SEV_CRITICAL : SEV_WARNING,
		      "tasks waited for %s in %.0f %% of the last minute", what, some * 100);
		advise(f, "%s", advice);
	} else {
		finds(f, SEV_OK, "%.1f %% of the last minute", some * 100);
	}
}

static void psi_cpu(struct exam *e, struct finding *f)
{
	waits_for(e, f, "/proc/pressure/cpu", "a processor", 0.4, "other work takes the processors: top");
}

static void psi_memory(struct exam *e, struct finding *f)
{
	waits_for(e, f, "/proc/pressure/memory", "memory", 0.1, "the machine is short of memory");
}

static void psi_io(struct exam *e, struct finding *f)
{
	waits_for(e, f, "/proc/pressure/io", "disks", 0.4, "iostat -x says which disk");
}

static void memory_low(struct exam *e, struct finding *f)
{
	const struct host *h = &e->look.host;
	double share = h->mem_available / h->mem_total;

	if (isnan(share)) {
		finds(f, SEV_UNKNOWN, "/proc/meminfo cannot be read");
	} else if (share < 0.1) {
		finds(f, share < 0.03 ? SEV_CRITICAL : SEV_WARNING, "%.0f MiB of memory are left, %.1f %%",
		      h->mem_available / 1048576, share * 100);
		advise(f, "free memory; collections cannot be swapped");
	} else {
		finds(f, SEV_OK, "%.0f MiB of memory are left, %.0f %%", h->mem_available / 1048576,
		      share * 100);
	}
}

static void swapping(struct exam *e, struct finding *f)
{
	const struct host *h = &e->look.host;
	double used = h->swap_total - h->swap_free;

	if (h->swap_total > 0 && used > h->swap_total / 2) {
		finds(f, SEV_WARNING, "%.0f of %.0f MiB of swap are in use", used / 1048576,
		      h->swap_total / 1048576);
		advise(f, "the machine is short of memory");
	}
}

static void swappiness(struct exam *e, struct finding *f)
{
	char buf[32];
	long v;

	if (!*line_of(e, "/proc/sys/vm/swappiness", buf, sizeof(buf)))
		return;
	v = strtol(buf, NULL, 10);
	if (v > 10 && e->look.host.swap_total > 0) {
		finds(f, SEV_NOTE, "vm.swappiness is %ld: programs are swapped out early", v);
		advise(f, "sysctl vm.swappiness=1, or --apply");
	}
}

static void huge_pages(struct exam *e, struct finding *f)
{
	char buf[80];

	line_of(e, "/sys/kernel/mm/transparent_hugepage/enabled", buf, sizeof(buf));
	if (strstr(buf, "[never]")) {
		finds(f, SEV_NOTE, "transparent huge pages are off");
		advise(f, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
	}
}

static void numa_balancing(struct exam *e, struct finding *f)
{
	char buf[32], nodes[64];

	line_of(e, "/sys/devices/system/node/online", nodes, sizeof(nodes));
	if (!strcmp(line_of(e, "/proc/sys/kernel/numa_balancing", buf, sizeof(buf)), "1") &&
	    *nodes && strcmp(nodes, "0")) {
		finds(f, SEV_NOTE, "the kernel moves pages between nodes %s", shown(nodes));
		advise(f, "where times vary: sysctl kernel.numa_balancing=0");
	}
}

static void debug_kernel(struct exam *e, struct finding *f)
{
	char buf[64];

	if (exam_file(e, "/proc/lockdep_stats", buf, sizeof(buf))) {
		finds(f, SEV_NOTE, "the kernel checks its locks: it is a debug kernel, and slow");
		advise(f, "its measurements do not apply to other kernels");
	}
}

static void network_errors(struct exam *e, struct finding *f)
{
	const struct host *h = &e->look.host;

	if (isnan(h->net_errors)) {
		finds(f, SEV_UNKNOWN, "/proc/net/dev cannot be read");
	} else if (h->net_errors > 1e-4 * (h->net_rx + h->net_tx) / 1500 + 100) {
		finds(f, SEV_NOTE, "%.0f network errors and drops since boot", h->net_errors);
		advise(f, "ip -s link says which interface");
	} else {
		finds(f, SEV_OK, "%.0f errors and drops since boot", h->net_errors);
	}
}

/* 10th column in hexadecimal of /proc/net/tcp: retransmissions in Tcp: of snmp. */
static void retransmits(struct exam *e, struct finding *f)
{
	double out = NAN, again = NAN;
	char *s;

	if (!exam_file(e, "/proc/net/snmp", text, sizeof(text)))
		return;
	s = strstr(text, "\nTcp: ");
	s = s ? strstr(s + 1, "\nTcp: ") : NULL;
	if (!s || sscanf(s, " Tcp: %*f %*f %*f %*f %*f %*f %*f %*f %*f %*f %lf %lf", &out, &again) != 2)
		return;
	if (out > 10000 && again / out > 0.02) {
		finds(f, SEV_WARNING, "%.1f %% of the TCP segments were sent again", 100 * again / out);
		advise(f, "the network loses packets");
	}
}

static void disk_busy(struct exam *e, struct finding *f)
{
	if (isnan(e->v[M_DISK_BUSY]))
		return;
	finds(f, e->v[M_DISK_BUSY] > 0.9 ? SEV_WARNING : SEV_OK, "disk %s is busy %.0f %% of the time",
	      shown(e->look.host.disk), e->v[M_DISK_BUSY] * 100);
	if (f->severity == SEV_WARNING)
		advise(f, "iotop says who it is");
}

static void disk_queue(struct exam *e, struct finding *f)
{
	char path[120], buf[120];

	if (!*e->look.host.disk)
		return;
	snprintf(path, sizeof(path), "/sys/block/%s/queue/rotational", e->look.host.disk);
	if (!strcmp(line_of(e, path, buf, sizeof(buf)), "1")) {
		finds(f, SEV_NOTE, "disk %s turns: seeks take milliseconds", shown(e->look.host.disk));
		advise(f, "keep what vexfs stores on flash");
	}
}

/* The kernel log: a copy's root/dmesg, or this machine's. */
static bool read_log(struct exam *e)
{
	int n;

	if (e->from)
		return exam_file(e, "/dmesg", text, sizeof(text));
	n = klogctl(3, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void log_has(struct exam *e, struct finding *f, const char *const words[],
		    enum severity severity, const char *what, const char *advice)
{
	int n = 0;

	if (!read_log(e)) {
		finds(f, SEV_UNKNOWN, "the kernel's log cannot be read: only root may");
		return;
	}
	for (; *words; words++)
		for (char *s = text; (s = strcasestr(s, *words)); s++)
			n++;
	if (!n)
		return;
	finds(f, severity, "the kernel's log has %d lines of %s", n, what);
	advise(f, "%s", advice);
}

static void log_oom(struct exam *e, struct finding *f)
{
	log_has(e, f, (const char *const[]){ "out of memory:", "oom-kill", NULL }, SEV_CRITICAL,
		"memory that ran out", "a process was killed: dmesg | grep -i oom");
}

static void log_thermal(struct exam *e, struct finding *f)
{
	log_has(e, f, (const char *const[]){ "temperature above threshold", "cpu clock throttled", NULL },
		SEV_WARNING, "processors that grew too hot", "look at cooling");
}

static void log_illegal(struct exam *e, struct finding *f)
{
	log_has(e, f, (const char *const[]){ "trap invalid opcode", "illegal instruction", NULL },
		SEV_WARNING, "instructions that the processor does not know",
		"a program was built for another processor");
}

static void log_disk(struct exam *e, struct finding *f)
{
	log_has(e, f, (const char *const[]){ "i/o error", "critical medium error", NULL }, SEV_CRITICAL,
		"disk errors", "save what you have: smartctl -a");
}

static void log_vexfs(struct exam *e, struct finding *f)
{
	log_has(e, f, (const char *const[]){ "WARNING: CPU", "BUG: ", "Oops: ", NULL }, SEV_CRITICAL,
		"kernel warnings", "dmesg says where; if it names vexfs, report it");
}

const struct check host_checks[] = {
	{ "cpu-flags", AREA_CPU, "instruction sets", cpu_flags },
	{ "cpu-governor", AREA_CPU, "frequency", governor },
	{ "cpu-idle-states", AREA_CPU, "idle states", idle_states },
	{ "cpu-throttled", AREA_CPU, "throttling", throttled },
	{ "cpu-microcode", AREA_CPU, "microcode", microcode },
	{ "cpu-clock", AREA_CPU, "clock", clock_source },
	{ "cpu-load", AREA_CPU, "load", load },
	{ "cpu-steal", AREA_CPU, "stolen time", steal },
	{ "cpu-pressure", AREA_CPU, "waiting for processors", psi_cpu },
	{ "cpu-debug-kernel", AREA_CPU, "kind of kernel", debug_kernel },
	{ "memory-pressure", AREA_MEMORY, "waiting for memory", psi_memory },
	{ "memory-low", AREA_MEMORY, "memory", memory_low },
	{ "memory-swap", AREA_MEMORY, "swap", swapping },
	{ "memory-swappiness", AREA_MEMORY, "swappiness", swappiness },
	{ "memory-huge-pages", AREA_MEMORY, "huge pages", huge_pages },
	{ "memory-numa", AREA_MEMORY, "NUMA balancing", numa_balancing },
	{ "disk-pressure", AREA_DISK, "waiting for disks", psi_io },
	{ "disk-busy", AREA_DISK, "disks", disk_busy },
	{ "disk-kind", AREA_DISK, "kind of disk", disk_queue },
	{ "network-errors", AREA_NETWORK, "network errors", network_errors },
	{ "network-retransmits", AREA_NETWORK, "retransmissions", retransmits },
	{ "log-oom", AREA_LOG, "memory that ran out", log_oom },
	{ "log-thermal", AREA_LOG, "temperature", log_thermal },
	{ "log-illegal", AREA_LOG, "illegal instructions", log_illegal },
	{ "log-disk", AREA_LOG, "disk errors", log_disk },
	{ "log-warnings", AREA_LOG, "kernel warnings", log_vexfs },
	{ 0 },
};
