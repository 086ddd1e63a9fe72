// SPDX-License-Identifier: GPL-2.0
#include "storage.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <time.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS		10000
#define STEP_MS		20

extern char **environ;

/* Our own daemon; one at a time. */
static struct {
	pid_t pid;
	char dir[128];
} ours;

/* Does anybody store durable collections? A small one is made, and goes again. */
static int probe(int *why)
{
	struct vexfs_create req = { .dim = 1, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2,
				    .durability = VEXFS_DURABILITY_GROUP };
	struct vexfs_error err;
	struct vexfs *h = NULL;
	char name[VEXFS_NAME_SIZE];

	snprintf(name, sizeof(name), "vexstress.%d.probe", (int)getpid());
	if (vexfs_do_create(vx_set.device, &req, name, NULL, &h, &err)) {
		*why = err.code;
		return -1;
	}
	vexfs_close(h);
	if (vexfs_do_drop(vx_set.device, name, &err))
		vx_say("dropping %s: %s", name, err.text);
	return 0;
}

static int spawn_daemon(void)
{
	char path[4096], store[160], socket[160], log[160];
	char *argv[] = { path, (char *)"--store", store, (char *)"--socket", socket, NULL, NULL, NULL };
	posix_spawn_file_actions_t fa;
	int err;

	vx_program("vexfsd", path, sizeof(path));
	snprintf(store, sizeof(store), "%s/store", ours.dir);
	snprintf(socket, sizeof(socket), "%s/socket", ours.dir);
	snprintf(log, sizeof(log), "%s/log", ours.dir);
	if (mkdir(store, 0700))
		return errno;
	if (vx_set.device) {
		argv[5] = (char *)"--device";
		argv[6] = vx_set.device;
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&fa, 1, 2);
	err = posix_spawnp(&ours.pid, path, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (err)
		ours.pid = 0;
	return err;
}

static int refuse(struct vx_job *job, const char *what, int err)
{
	snprintf(job->note, sizeof(job->note), "%s: %s", what, strerror(err));
	vx_storage_stop();
	return VX_SKIPPED;
}

int vx_storage_start(struct vx_job *job)
{
	const struct timespec step = { 0, STEP_MS * 1000000l };
	const char *tmp = getenv("TMPDIR");
	int why = 0, err, waited = 0;

	if (!probe(&why))
		return VX_OK;
	/* EROFS: nobody stores; the rest is not mended by a daemon */
	if (why != EROFS)
		return refuse(job, "durable collections cannot be made here", why);
	snprintf(ours.dir, sizeof(ours.dir), "%.90s/vexstress-store.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(ours.dir)) {
		ours.dir[0] = 0;
		return refuse(job, "no directory for a store", errno);
	}
	err = spawn_daemon();
	if (err)
		return refuse(job, "vexfsd cannot be started", err);
	while (probe(&why) && waited < WAIT_MS && !vx_signal) {
		if (waitpid(ours.pid, NULL, WNOHANG) == ours.pid) {
			ours.pid = 0;
			return refuse(job, "vexfsd ended at once", why);
		}
		nanosleep(&step, NULL);
		waited += STEP_MS;
	}
	return waited < WAIT_MS ? VX_OK : refuse(job, "vexfsd does not store", why);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void vx_storage_stop(void)
{
	if (ours.pid > 0) {
		kill(ours.pid, SIGTERM);
		while (waitpid(ours.pid, NULL, 0) < 0 && errno == EINTR)
			;
		ours.pid = 0;
	}
	if (ours.dir[0] && nftw(ours.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS))
		vx_say("%s is left behind: %s", ours.dir, strerror(errno));
	ours.dir[0] = 0;
}
