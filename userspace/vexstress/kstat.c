// SPDX-License-Identifier: GPL-2.0
/*
 * What the module tells about itself: tables in debugfs, parameters in sysfs.
 * A table is read by the names in its heading, so that columns may be added.
 */
#include "kstat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARAMETERS	"/sys/module/vexfs/parameters/"

char *vx_kstat_text(const char *file)
{
	char path[512], *buf = NULL, *grown;
	size_t size = 0, room = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", vx_set.debugfs, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	for (;;) {
		if (room - size < 4096) {
			room = room ? room * 2 : 65536;
			grown = realloc(buf, room + 1);
			if (!grown)
				break;
			buf = grown;
		}
		n = read(fd, buf + size, room - size);
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	close(fd);
	if (!buf || !size) {
		free(buf);
		return NULL;
	}
	buf[size] = 0;
	return buf;
}

/* The line after a heading "# @section ..." up to the next empty line. */
static char *section_of(char *text, const char *section)
{
	char *p = text;

	if (!section)
		return text;
	while ((p = strchr(p, '#'))) {
		char *s = p + 1;

		while (*s == ' ')
			s++;
		if (!strncmp(s, section, strlen(section))) {
			p = strchr(s, '\n');
			return p ? p + 1 : NULL;
		}
		p++;
	}
	return NULL;
}

int vx_pools_read(uint64_t *allocs, uint64_t *hits)
{
	char *text = vx_kstat_text("pools"), *p, *line, *save = NULL;
	int alloc_at = -1, hit_at = -1, rows = 0;

	*allocs = *hits = 0;
	if (!text)
		return -1;
	p = section_of(text, "since load");
	for (line = p ? strtok_r(p, "\n", &save) : NULL; line && *line != '#';
	     line = strtok_r(NULL, "\n", &save)) {
		char *word, *inner = NULL;
		int at = 0, heading = alloc_at < 0;

		for (word = strtok_r(line, " \t", &inner); word;
		     word = strtok_r(NULL, " \t", &inner), at++) {
			if (heading) {
				if (!strcmp(word, "allocs"))
					alloc_at = at;
				else if (!strcmp(word, "hits"))
					hit_at = at;
			} else if (at == alloc_at) {
				*allocs += strtoull(word, NULL, 10);
				rows++;
			} else if (at == hit_at) {
				*hits += strtoull(word, NULL, 10);
			}
		}
		if (alloc_at < 0 || hit_at < 0)
			break;
	}
	free(text);
	return rows && hit_at >= 0 ? 0 : -1;
}

int vx_stack_read(const char *figure, uint64_t *since_load)
{
	char *text = vx_kstat_text("stack"), *line, *save = NULL;
	int ret = -1;

	if (!text)
		return -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64];
		unsigned long long reset, load;

		if (sscanf(line, "%63s %llu %llu", name, &reset, &load) == 3 &&
		    !strcmp(name, figure)) {
			*since_load = load;
			ret = 0;
			break;
		}
	}
	free(text);
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
