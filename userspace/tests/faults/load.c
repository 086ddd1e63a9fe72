// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the module while memory fails: it is refused, or comes up whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/inject.h"
#include "tests/ioctl/raw.h"

static int file = -1;
static const char *params;

static int load(void)
{
	return syscall(SYS_finit_module, file, params, 0) ? -errno : 0;
}

static int unload(void)
{
	for (int tries = 0; tries < 100; tries++) {
		if (!syscall(SYS_delete_module, "vexfs", O_NONBLOCK))
			return 0;
		if (errno == ENOENT)
			return -ENOENT;
		usleep(50000);
	}
	return -EBUSY;
}

static void loaded(int err)
{
	struct vexfs_info info = { };
	int fd;

	if (err) {
		if (unload() != -ENOENT)
			wrong("refused, and yet there");
		return;
	}
	fd = raw_open();
	if (fd < 0 || RAW(fd, VEXFS_IOC_INFO, &info))
		wrong("loaded, and does not answer");
	if (fd >= 0)
		close(fd);
	if (unload())
		wrong("does not unload");
}

/*
 * Somebody who opens the device whenever it is there: what loads and then fails must not
 * have been open for a moment, for it is freed whoever has it.
 */
static pid_t start_opening(void)
{
	pid_t pid = fork();

	while (!pid) {
		struct vexfs_info info = { };
		int fd = raw_open();

		if (fd >= 0) {
			RAW(fd, VEXFS_IOC_INFO, &info);
			close(fd);
			/* time to unload it */
			usleep(20000);
		}
	}
	return pid;
}

void try_loading(const char *module)
{
	struct step first = {
		.name = "load the module",
		.call = load,
		.after = loaded,
		.every = 3,
	}, whole = first;
	pid_t opener;

	file = open(module, O_RDONLY | O_CLOEXEC);
	if (!result(file >= 0 && !unload() && inject_within_function("do_one_initcall"),
		"the module can be taken out"))
		return;
	opener = start_opening();
	/* Small pools: filling them is many times the same allocation. */
	params = "pool_small=2 pool_medium=2 pool_large=2 pool_reserve=1";
	try_step(&first);
	params = "";
	whole.name = "load the module with its usual pools";
	whole.every = 61;
	try_step(&whole);
	if (opener > 0) {
		kill(opener, SIGKILL);
		waitpid(opener, NULL, 0);
	}
	result(!load(), "the module is back");
	close(file);
}
