// SPDX-License-Identifier: GPL-2.0
/* Statistics of the machine from /proc. */
#include "host.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool host_file(const char *root, const char *path, char *buf, size_t size)
{
	char name[4300];
	size_t len = 0;
	ssize_t n = -1;
	int fd;

	snprintf(name, sizeof(name), "%s%s", root, path);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	buf[len] = '\0';
	return n >= 0 || len;
}

enum {
	FILE_LOAD, FILE_STAT, FILE_MEMORY, FILE_PSI_CPU, FILE_PSI_MEM, FILE_PSI_IO, FILE_DISKS,
	FILE_NETWORK, FILES
};

static const char *const files[FILES] = {
	[FILE_LOAD] = "/proc/loadavg",
	[FILE_STAT] = "/proc/stat",
	[FILE_MEMORY] = "/proc/meminfo",
	[FILE_PSI_CPU] = "/proc/pressure/cpu",
	[FILE_PSI_MEM] = "/proc/pressure/memory",
	[FILE_PSI_IO] = "/proc/pressure/io",
	[FILE_DISKS] = "/proc/diskstats",
	[FILE_NETWORK] = "/proc/net/dev",
};

#define DISKS_MAX	64

/**
 * struct host_files - files that are read at each look, kept open
 * @fd: of each file; UNTRIED, or ABSENT where this kernel has none
 * @disk: what the lines of /proc/diskstats stood for at the last look
 */
struct host_files {
	int fd[FILES];
	struct {
		char name[32];
		bool whole;
	} disk[DISKS_MAX];
};

#define UNTRIED	(-1)
#define ABSENT	(-2)

struct host_files *host_files_new(void)
{
	struct host_files *keep = calloc(1, sizeof(*keep));

	for (int i = 0; keep && i < FILES; i++)
		keep->fd[i] = UNTRIED;
	return keep;
}

void host_files_free(struct host_files *keep)
{
	for (int i = 0; keep && i < FILES; i++)
		if (keep->fd[i] >= 0)
			close(keep->fd[i]);
	free(keep);
}

/* A read ends early only where the next line does not fit into the kernel's page. */
#define ALL_READ	2048

static bool read_kept(struct host_files *keep, int file, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n = -1;
	int fd = keep->fd[file];

	if (fd == UNTRIED) {
		fd = open(files[file], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		keep->fd[file] = fd >= 0 ? fd : errno == ENOENT ? ABSENT : UNTRIED;
	}
	if (fd < 0)
		return false;
	do {
		n = pread(fd, buf + len, size - 1 - len, (off_t)len);
		len += n > 0 ? (size_t)n : 0;
	} while (n >= ALL_READ && len + 1 < size);
	buf[len] = '\0';
	return n >= 0 || len;
}

static bool read_file(struct host_files *keep, const char *root, int file, char *buf, size_t size)
{
	return keep ? read_kept(keep, file, buf, size) : host_file(root, files[file], buf, size);
}

/* The number that follows @key at the start of a line. */
static double after(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *s = text; s && *s; s = strchr(s, '\n'), s += s != NULL)
		if (!strncmp(s, key, len))
			return strtod(s + len, NULL);
	return NAN;
}

static void read_cpus(struct host_files *keep, const char *root, struct host *h)
{
	char buf[1 << 14];
	double v[8] = { 0 };

	h->cpu_total = h->cpu_idle = h->cpu_steal = NAN;
	h->cpus = 0;
	if (!read_file(keep, root, FILE_STAT, buf, sizeof(buf)) ||
	    sscanf(buf, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5], &v[6], &v[7]) < 4)
		return;
	h->cpu_total = 0;
	for (int i = 0; i < 8; i++)
		h->cpu_total += v[i];
	h->cpu_idle = v[3] + v[4];
	h->cpu_steal = v[7];
	for (const char *s = buf; s; s = strchr(s, '\n'), s += s != NULL)
		h->cpus += !strncmp(s, "cpu", 3) && isdigit((unsigned char)s[3]);
}

struct host_core *host_cores(const char *root, size_t *n)
{
	struct host_core *list = NULL;
	char name[4300], line[512];
	FILE *f;

	*n = 0;
	snprintf(name, sizeof(name), "%s/proc/stat", root);
	f = fopen(name, "re");
	while (f && fgets(line, sizeof(line), f) && !strncmp(line, "cpu", 3)) {
		struct host_core c = { 0 }, *more;
		double v[8] = { 0 };

		if (!isdigit((unsigned char)line[3]) ||
		    sscanf(line, "cpu%u %lf %lf %lf %lf %lf %lf %lf %lf", &c.id, &v[0], &v[1], &v[2],
			   &v[3], &v[4], &v[5], &v[6], &v[7]) < 5)
			continue;
		for (int i = 0; i < 8; i++)
			c.total += v[i];
		c.idle = v[3] + v[4];
		more = realloc(list, (*n + 1) * sizeof(*list));
		if (!more) {
			free(list);
			list = NULL;
			*n = 0;
			break;
		}
		list = more;
		list[(*n)++] = c;
	}
	if (f)
		fclose(f);
	return list;
}

static void read_memory(struct host_files *keep, const char *root, struct host *h)
{
	char buf[8192] = "";

	read_file(keep, root, FILE_MEMORY, buf, sizeof(buf));
	h->mem_total = after(buf, "MemTotal:") * 1024;
	h->mem_available = after(buf, "MemAvailable:") * 1024;
	h->swap_total = after(buf, "SwapTotal:") * 1024;
	h->swap_free = after(buf, "SwapFree:") * 1024;
}

/* The total of a line of @text, in microseconds. */
static double stalled(const char *text, const char *line)
{
	const char *s = strstr(text, line), *total = s ? strstr(s, "total=") : NULL;

	return total ? strtod(total + 6, NULL) : NAN;
}

static void read_psi(struct host_files *keep, const char *root, struct host *h)
{
	static const struct {
		int file, some, full;	/* full of the processors is always 0 */
	} psi[] = {
		{ FILE_PSI_CPU, PSI_CPU, -1 },
		{ FILE_PSI_MEM, PSI_MEM, PSI_MEM_FULL },
		{ FILE_PSI_IO, PSI_IO, PSI_IO_FULL },
	};

	for (size_t i = 0; i < sizeof(psi) / sizeof(psi[0]); i++) {
		char buf[512] = "";

		read_file(keep, root, psi[i].file, buf, sizeof(buf));
		h->psi[psi[i].some] = stalled(buf, "some");
		if (psi[i].full >= 0)
			h->psi[psi[i].full] = stalled(buf, "full");
	}
}

/* Disks only: no partitions and no devices that consist of others. */
static bool whole_disk(const char *root, const char *name)
{
	char path[4300];

	if (!strncmp(name, "loop", 4) || !strncmp(name, "ram", 3) || !strncmp(name, "dm-", 3) ||
	    !strncmp(name, "zram", 4))
		return false;
	snprintf(path, sizeof(path), "%s/sys/block/%s", root, name);
	return !access(path, F_OK);
}

/* The same, asked once for each device as long as @keep is. */
static bool line_counts(struct host_files *keep, const char *root, size_t line, const char *name)
{
	if (!keep || line >= DISKS_MAX)
		return whole_disk(root, name);
	if (strcmp(keep->disk[line].name, name)) {
		snprintf(keep->disk[line].name, sizeof(keep->disk[line].name), "%s", name);
		keep->disk[line].whole = whole_disk(root, name);
	}
	return keep->disk[line].whole;
}

static void read_disks(struct host_files *keep, const char *root, struct host *h)
{
	char buf[1 << 15];
	size_t line = 0;
	bool any = false;

	h->disk_busy_ms = h->disk_read = h->disk_written = NAN;
	h->disk[0] = '\0';
	if (!read_file(keep, root, FILE_DISKS, buf, sizeof(buf)))
		return;
	for (char *s = buf, *end; s && *s; s = end ? end + 1 : NULL) {
		double read, written, busy;
		char name[32];

		end = strchr(s, '\n');
		if (sscanf(s, "%*u %*u %31s %*u %*u %lf %*u %*u %*u %lf %*u %*u %lf", name, &read,
			   &written, &busy) != 4 || !line_counts(keep, root, line++, name))
			continue;
		h->disk_read = (any ? h->disk_read : 0) + read * 512;
		h->disk_written = (any ? h->disk_written : 0) + written * 512;
		if (!any || busy > h->disk_busy_ms) {
			h->disk_busy_ms = busy;
			snprintf(h->disk, sizeof(h->disk), "%s", name);
		}
		any = true;
	}
}

static void read_network(struct host_files *keep, const char *root, struct host *h)
{
	char buf[1 << 14];

	h->net_rx = h->net_tx = h->net_errors = NAN;
	if (!read_file(keep, root, FILE_NETWORK, buf, sizeof(buf)))
		return;
	h->net_rx = h->net_tx = h->net_errors = 0;
	for (char *s = buf, *end; s && *s; s = end ? end + 1 : NULL) {
		double rx, rx_err, rx_drop, tx, tx_err, tx_drop;
		char name[32], *colon;

		end = strchr(s, '\n');
		colon = strchr(s, ':');
		if (!colon || (end && colon > end) || sscanf(s, " %31[^:]", name) != 1 ||
		    !strcmp(name, "lo"))
			continue;
		if (sscanf(colon + 1, "%lf %*u %lf %lf %*u %*u %*u %*u %lf %*u %lf %lf", &rx, &rx_err,
			   &rx_drop, &tx, &tx_err, &tx_drop) != 6)
			continue;
		h->net_rx += rx;
		h->net_tx += tx;
		h->net_errors += rx_err + tx_err + rx_drop + tx_drop;
	}
}

void host_read(struct host_files *keep, const char *root, struct host *h)
{
	struct timespec now;
	char buf[128];

	clock_gettime(CLOCK_MONOTONIC, &now);
	h->mono_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	h->load1 = read_file(keep, root, FILE_LOAD, buf, sizeof(buf)) ? strtod(buf, NULL) : NAN;
	read_cpus(keep, root, h);
	read_memory(keep, root, h);
	read_psi(keep, root, h);
	read_disks(keep, root, h);
	read_network(keep, root, h);
}

/* Increase relative to @over; NAN when the counter decreased. */
static double growth(double a, double b, double over)
{
	return b >= a && over > 0 ? (b - a) / over : NAN;
}

void host_between(const struct host *a, const struct host *b, struct host_rates *r)
{
	double s = (double)(b->mono_ns - a->mono_ns) / 1e9, ticks = b->cpu_total - a->cpu_total;

	r->cpu_busy = 1 - growth(a->cpu_idle, b->cpu_idle, ticks);
	r->cpu_steal = growth(a->cpu_steal, b->cpu_steal, ticks);
	for (int i = 0; i < PSI_KINDS; i++)
		r->psi[i] = growth(a->psi[i], b->psi[i], s * 1e6);
	r->disk_busy = strcmp(a->disk, b->disk) ? NAN :
		       growth(a->disk_busy_ms, b->disk_busy_ms, s * 1e3);
	r->disk_read = growth(a->disk_read, b->disk_read, s);
	r->disk_written = growth(a->disk_written, b->disk_written, s);
	r->net_rx = growth(a->net_rx, b->net_rx, s);
	r->net_tx = growth(a->net_tx, b->net_tx, s);
	r->net_errors = growth(a->net_errors, b->net_errors, s);
}
