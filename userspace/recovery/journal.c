// SPDX-License-Identifier: GPL-2.0
/* The journal of recoveries. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct journal {
	int fd;
};

/* Finds in the last lines a step that began and did not end. */
static void find_unfinished(int fd, char *unfinished, size_t size)
{
	char buf[8192], *line, *next;
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(buf) - 1 ? end - (off_t)sizeof(buf) + 1 : 0;
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, from);

	*unfinished = '\0';
	buf[n > 0 ? n : 0] = '\0';
	for (line = buf; line && *line; line = next) {
		char what[16], step[40];

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		/* An incomplete line is ignored. */
		if (!next || sscanf(line, "%*s %15s %39s", what, step) != 2)
			continue;
		if (!strcmp(what, "begin"))
			snprintf(unfinished, size, "%s", step);
		else if (!strcmp(what, "end") || !strcmp(what, "finish"))
			*unfinished = '\0';
	}
}

struct journal *journal_open(const char *log, char *unfinished, size_t size, char *why, size_t room)
{
	struct journal *j = calloc(1, sizeof(*j));
	char path[600];

	*unfinished = '\0';
	snprintf(path, sizeof(path), "%s.journal", log);
	if (!j) {
		snprintf(why, room, "no memory");
		return NULL;
	}
	j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (j->fd < 0) {
		snprintf(why, room, "%s: %s", path, strerror(errno));
		free(j);
		return NULL;
	}
	if (flock(j->fd, LOCK_EX | LOCK_NB)) {
		snprintf(why, room, "another recovery runs");
		journal_close(j);
		return NULL;
	}
	find_unfinished(j->fd, unfinished, size);
	return j;
}

int journal_write(struct journal *j, const char *what, const char *step, const char *outcome)
{
	char line[300];
	int len = snprintf(line, sizeof(line), "%lld %s %s %.200s\n", (long long)time(NULL), what, step,
			   outcome);

	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	if (write(j->fd, line, (size_t)len) != len || fdatasync(j->fd))
		return -1;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	close(j->fd);
	free(j);
}
