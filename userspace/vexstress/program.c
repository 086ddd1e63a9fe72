// SPDX-License-Identifier: GPL-2.0
#include "program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void vx_program(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n > 0) {
		path[n] = 0;
		slash = strrchr(path, '/');
		snprintf(slash + 1, size - (size_t)(slash + 1 - path), "%s", name);
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, size, "%s", name);
}
