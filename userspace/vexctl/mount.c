// SPDX-License-Identifier: GPL-2.0
/* Verbs that mount collections and directories, and list what is mounted. */
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vexctl.h"

#define TYPE	"fuse.vexfs"
#define ARGS	40

extern char **environ;

/* Runs a program: its exit status, or a negative exit code after saying why it did not. */
static int run(struct ctl *c, char *const argv[])
{
	int err, status;
	pid_t pid;

	fflush(stdout);
	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (err)
		return -ctl_refuse(c, err, "%s: %s", argv[0], strerror(err));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -ctl_refuse(c, errno, "%s: %s", argv[0], strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_REFUSED;
}

static int list(struct ctl *c)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	unsigned int n = 0;
	struct mntent *m;

	if (!f)
		return ctl_refuse(c, errno, "/proc/self/mounts: %s", strerror(errno));
	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "mounts");
		json_array_begin(&c->out);
	}
	while ((m = getmntent(f))) {
		if (strcmp(m->mnt_type, TYPE))
			continue;
		n++;
		if (!c->json) {
			printf("%s on %s\n", shown(m->mnt_fsname), shown(m->mnt_dir));
			continue;
		}
		json_object_begin(&c->out);
		json_kv_string(&c->out, "source", m->mnt_fsname);
		json_kv_string(&c->out, "mount", m->mnt_dir);
		json_kv_string(&c->out, "options", m->mnt_opts);
		json_object_end(&c->out);
	}
	endmntent(f);
	if (c->json) {
		json_array_end(&c->out);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else if (!n) {
		puts("nothing of vexfs is mounted");
	}
	return EXIT_OK;
}

static int mounted(struct ctl *c, const char *what, const char *dir)
{
	if (!c->json)
		return EXIT_OK;
	json_object_begin(&c->out);
	json_kv_string(&c->out, what, dir);
	json_object_end(&c->out);
	json_finish(&c->out);
	return EXIT_OK;
}

static int run_mount(struct ctl *c)
{
	/* options that vexfs-mount has under the same names */
	static const char *const with_value[] = {
		"over", "collection", "embed", "embed-user", "state", "k", "timeout", "threads", "queue",
	};
	static const char *const flags[] = { "allow-other", "list-near", "all", "quiet-modes" };
	char *argv[ARGS] = { "vexfs-mount" }, names[2][16][32];
	int n = 1, ret;

	if (!c->argc)
		return opt_given(c, "options") || opt_given(c, "over") ?
		       ctl_usage(c, "where to mount is missing") : list(c);
	for (size_t i = 0; i < sizeof(with_value) / sizeof(*with_value); i++) {
		const char *value = opt_string(c, with_value[i], NULL);

		if (!value)
			continue;
		snprintf(names[0][i], sizeof(names[0][i]), "--%s", with_value[i]);
		argv[n++] = names[0][i];
		argv[n++] = (char *)(uintptr_t)value;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (!opt_given(c, flags[i]))
			continue;
		snprintf(names[1][i], sizeof(names[1][i]), "--%s",
			 strcmp(flags[i], "quiet-modes") ? flags[i] : "quiet");
		argv[n++] = names[1][i];
	}
	if (opt_given(c, "options")) {
		argv[n++] = "-o";
		argv[n++] = (char *)(uintptr_t)opt_string(c, "options", NULL);
	}
	if (c->device) {
		argv[n++] = "--device";
		argv[n++] = (char *)(uintptr_t)c->device;
	}
	argv[n++] = "--";
	argv[n++] = c->argv[0];
	ret = run(c, argv);
	return ret ? abs(ret) : mounted(c, "mounted", c->argv[0]);
}

static bool is_ours(const char *path)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	bool found = false;
	struct mntent *m;

	while (f && !found && (m = getmntent(f)))
		found = !strcmp(m->mnt_type, TYPE) && !strcmp(m->mnt_dir, path);
	if (f)
		endmntent(f);
	return found;
}

static int run_umount(struct ctl *c)
{
	char *argv[] = { "fusermount3", "-u", "-q", "--", c->argv[0], NULL };
	char path[PATH_MAX];
	int ret;

	/* a mount whose daemon has ended cannot be resolved: its name is used as given */
	if (!is_ours(c->argv[0]) && (!realpath(c->argv[0], path) || !is_ours(path)))
		return ctl_refuse(c, EINVAL, "nothing of vexfs is mounted on '%s'", c->argv[0]);
	if (opt_given(c, "lazy"))
		argv[2] = "-z";
	ret = run(c, argv);
	if (ret < 0)
		return -ret;
	if (ret)
		return ctl_refuse(c, EBUSY, "%s does not go: a program is in it, or it is another user's",
				  c->argv[0]);
	return mounted(c, "unmounted", c->argv[0]);
}

static const struct opt mount_opts[] = {
	{ "options", 'o', OPT_STRING, "OPTION,...", "as mount(8) has them" },
	{ "over", 0, OPT_STRING, "DIR", "mount this directory, with links to similar files beside "
					"each file" },
	{ "collection", 0, OPT_STRING, "NAME", "with --over: where the vectors of its files are kept" },
	{ "embed", 0, OPT_STRING, "COMMAND", "with --over: program that makes vectors of text" },
	{ "embed-user", 0, OPT_STRING, "USER", "with --over: user that the program runs as" },
	{ "state", 0, OPT_STRING, "FILE", "with --over: table of ids, for file systems without "
					  "extended attributes" },
	{ "k", 0, OPT_STRING, "N", "with --over: links in F.near" },
	{ "list-near", 0, OPT_FLAG, NULL, "with --over: list F.near" },
	{ "all", 0, OPT_FLAG, NULL, "with --over: also embed files whose names begin with a dot" },
	{ "queue", 0, OPT_STRING, "N", "with --over: files that may wait to be embedded" },
	{ "allow-other", 0, OPT_FLAG, NULL, "let other users use the mount; collections keep "
					    "their permissions" },
	{ "timeout", 0, OPT_STRING, "SECONDS", "how long the kernel may cache names and "
					       "attributes" },
	{ "threads", 0, OPT_STRING, "N", "threads that answer" },
	{ "quiet-modes", 0, OPT_FLAG, NULL, "ignore chmod and chown of vectors" },
	{ 0 },
};

static const struct opt umount_opts[] = {
	{ "lazy", 'l', OPT_FLAG, NULL, "detach now, unmount when it is no longer in use" },
	{ 0 },
};

const struct verb mount_verbs[] = {
	{ "mount", "[MOUNT]", 0, 1, "mount collections, or a directory with similar files",
	  "Runs vexfs-mount(8). Without MOUNT it lists what is mounted.", mount_opts, run_mount },
	{ "umount", "MOUNT", 1, 1, "unmount what 'mount' has mounted", NULL, umount_opts, run_umount },
	{ 0 },
};
