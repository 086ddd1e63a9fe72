// SPDX-License-Identifier: GPL-2.0
/*
 * Watches the kernel log during a run: new lines that no healthy kernel writes make the
 * run fail. If the log may not be read, the result says so.
 */
#include "vexstress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ALARM(text) text,
static const char *const alarms[] = {
#include "kernel_alarms.h"
	/* Only here: some tests in labs use up memory on purpose. */
	ALARM("Out of memory")
};

static int fd = -1;

void vx_klog_begin(void)
{
	if (vx_set.no_klog)
		return;
	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
		close(fd);
		fd = -1;
	}
}

bool vx_klog_watched(void)
{
	return fd >= 0;
}

json_t *vx_klog_end(void)
{
	json_t *out = NULL;
	char buf[8192], *text, *end;
	ssize_t n;
	size_t i;

	if (fd < 0)
		return NULL;
	for (;;) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* records were overwritten: continue with the next */
		if (n <= 0)
			break;
		buf[n] = 0;
		/* "level,number,time,flags;text\n" and further lines with details */
		text = strchr(buf, ';');
		text = text ? text + 1 : buf;
		end = strchr(text, '\n');
		if (end)
			*end = 0;
		for (i = 0; i < ARRAY_SIZE(alarms); i++) {
			if (!strstr(text, alarms[i]))
				continue;
			if (!out)
				out = json_array();
			if (json_array_size(out) < 50)
				json_array_append_new(out, vx_json_text(text));
			break;
		}
	}
	return out;
}
