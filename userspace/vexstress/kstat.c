// SPDX-License-Identifier: GPL-2.0
/*
 * The module's counters in debugfs and its parameters in sysfs. Changes only parameters
 * that it is told to set.
 */
#include "kstat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PARAMETERS	"/sys/module/vexfs/parameters/"

int vx_counter(const char *subject, const char *counter, uint64_t *since_load)
{
	char path[512], line[512], s[64], f[64];
	unsigned long long load;
	int ret = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/counters", vx_set.debugfs);
	file = fopen(path, "re");
	if (!file)
		return -1;
	*since_load = 0;
	/* subject instance counter kind unit since_reset since_load # meaning */
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %*s %63s %*s %*s %*u %llu", s, f, &load) != 3 ||
		    strcmp(s, subject) || strcmp(f, counter))
			continue;
		*since_load += load;
		ret = 0;
	}
	fclose(file);
	return ret;
}

static int parameter_path(const char *name, char *path, size_t size)
{
	if (strchr(name, '/') || !strcmp(name, ".."))
		return -1;
	snprintf(path, size, PARAMETERS "%s", name);
	return 0;
}

int vx_param_get(const char *name, char *buf, size_t size)
{
	char path[256], *end;
	ssize_t n;
	int fd;

	if (parameter_path(name, path, sizeof(path)))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = 0;
	end = strchr(buf, '\n');
	if (end)
		*end = 0;
	return 0;
}

/* A list such as "auto [avx512] avx2 scalar": the one in brackets. */
void vx_param_chosen(char *value)
{
	char *open = strchr(value, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return;
	*close = 0;
	memmove(value, open + 1, strlen(open + 1) + 1);
}

int vx_param_set(const char *name, const char *value)
{
	char path[256];
	int fd, ret = 0;

	if (parameter_path(name, path, sizeof(path))) {
		errno = ENOENT;
		return -1;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		ret = -1;
	close(fd);
	return ret;
}
