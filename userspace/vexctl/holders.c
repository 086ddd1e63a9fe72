// SPDX-License-Identifier: GPL-2.0
/*
 * What prevents unloading of the module: programs that have the device open or mapped, and
 * collections that would be lost.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holders.h"

/* One of the names in /proc/PID/fd or /proc/PID/map_files leads to the device. */
static bool has_device(const char *pid, const char *which, dev_t device)
{
	char path[300];
	struct dirent *e;
	bool found = false;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, which);
	d = opendir(path);
	while (d && !found && (e = readdir(d)))
		found = *e->d_name != '.' && !fstatat(dirfd(d), e->d_name, &st, 0) &&
			S_ISCHR(st.st_mode) && st.st_rdev == device;
	if (d)
		closedir(d);
	return found;
}

static void name_of(const char *pid, char name[17])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, 17, f))
		strcpy(name, "?");
	name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
}

unsigned int holders(const char *device, char *text, size_t size)
{
	const char *path = device ? device : VEXFS_DEVICE;
	unsigned int n = 0;
	size_t used = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	*text = '\0';
	if (stat(path, &st))
		return 0;
	d = opendir("/proc");
	while (d && (e = readdir(d))) {
		char name[17];

		if (!isdigit((unsigned char)*e->d_name) || atoi(e->d_name) == getpid() ||
		    (!has_device(e->d_name, "fd", st.st_rdev) &&
		     !has_device(e->d_name, "map_files", st.st_rdev)))
			continue;
		name_of(e->d_name, name);
		if (used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s (%.20s)",
						 n ? ", " : "", name, e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static int count_volatile(const struct vexfs_stat *st, void *arg)
{
	*(uint64_t *)arg += st->durability == VEXFS_DURABILITY_NONE;
	return 0;
}

int volatile_collections(const char *device, uint64_t *n, struct vexfs_error *err)
{
	*n = 0;
	return vexfs_do_list_all(device, count_volatile, n, err);
}
