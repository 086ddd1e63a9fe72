// SPDX-License-Identifier: GPL-2.0
/*
 * The file writer: which files it replaces and which it refuses, and that no part of a file
 * remains that could not be written completely.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outfile.h"
#include "tap.h"

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static bool holds(const char *name, const char *want)
{
	char text[100] = "";
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n >= 0 && !strcmp(text, want);
}

/* No name in the directory ends in .part. */
static bool clean(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	bool good = d;

	while (d && (e = readdir(d)))
		good = good && !strstr(e->d_name, ".part");
	if (d)
		closedir(d);
	return good;
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool refused(const char *path, int error)
{
	struct outfile o;

	if (!outfile_write(&o, path, "new", 3))
		return false;
	if (o.error != error || !*o.why)
		printf("# %s: %d, '%s'\n", path, o.error, o.why);
	return o.error == error && *o.why;
}

static void test_regular(void)
{
	struct outfile o;
	struct stat st;

	umask(022);
	ok(!outfile_write(&o, "a", "new", 3) && holds("a", "new") && !stat("a", &st) &&
	   (st.st_mode & 07777) == 0644, "a new file has the mode that the umask leaves");
	put("b", "something old");
	chmod("b", 0600);
	if (!geteuid() && chown("b", 1000, 1001))
		abort();
	ok(!outfile_write(&o, "b", "new", 3) && holds("b", "new"), "a file is replaced");
	ok(!stat("b", &st) && (st.st_mode & 07777) == 0600, "its mode is kept");
	ok(geteuid() || (st.st_uid == 1000 && st.st_gid == 1001), "its owner is kept by root");
	ok(!outfile_open(&o, "b", false) && holds("b", "new") && fputs("half", o.f) >= 0 &&
	   !fflush(o.f) && holds("b", "new"), "the old file stays until the new one is complete");
	outfile_abandon(&o);
	ok(holds("b", "new") && clean("."), "the old file stays when the new one is discarded");
	ok(!outfile_open(&o, "b", true) && fputs("line\n", o.f) >= 0 && !fflush(o.f) &&
	   holds("b", "line\n") && !outfile_commit(&o),
	   "a file opened for followers shows each line at once");
	ok(refused("nowhere/a", ENOENT), "a file in a missing directory");
	ok(refused(".", EISDIR) && refused("sub/", EISDIR), "a directory is refused");
	ok(!outfile_write(&o, "sub/c", "x", 1) && holds("sub/c", "x"),
	   "a file in another directory");
}

static void test_links(void)
{
	struct outfile o;
	struct stat st;

	put("goal", "old");
	if (symlink("goal", "link") || symlink("link", "link2") || symlink("not-yet", "dangling") ||
	    symlink("loop", "loop") || symlink("../goal", "sub/up"))
		abort();
	ok(!outfile_write(&o, "link2", "new", 3) && holds("goal", "new") && !lstat("link2", &st) &&
	   S_ISLNK(st.st_mode) && !lstat("link", &st) && S_ISLNK(st.st_mode),
	   "a symbolic link stays, and its target is replaced");
	ok(!outfile_write(&o, "sub/up", "up", 2) && holds("goal", "up") && clean("."),
	   "a symbolic link to another directory stays, and its target is replaced");
	ok(!outfile_write(&o, "dangling", "x", 1) && holds("not-yet", "x"),
	   "the target of a dangling symbolic link is created");
	ok(refused("loop", ELOOP), "a loop of symbolic links is refused");
	if (geteuid()) {
		skip("another user's link in a world-writable directory", "needs root");
		return;
	}
	if (mkdir("all", 01777) || chmod("all", 01777) || symlink("../goal", "all/trap") ||
	    lchown("all/trap", 1000, 1000) || symlink("../goal", "all/mine"))
		abort();
	ok(refused("all/trap", EACCES) && holds("goal", "up"),
	   "another user's link in a world-writable directory is not followed");
	ok(!outfile_write(&o, "all/mine", "mine", 4) && holds("goal", "mine"),
	   "one's own link in a world-writable directory is followed");
}

/*
 * Device nodes made by the test: as root, a faulty writer would replace those of the machine.
 */
static void test_devices(void)
{
	const char *null = geteuid() ? "/dev/null" : "null", *full = geteuid() ? "/dev/full" : "full-dev";
	struct outfile o;
	struct stat st;
	int fd;

	if (!geteuid() && (mknod(null, S_IFCHR | 0666, makedev(1, 3)) ||
			   mknod(full, S_IFCHR | 0666, makedev(1, 7)) ||
			   mknod("disk", S_IFBLK | 0600, makedev(7, 250)))) {
		skip("devices", "none can be made");
		return;
	}
	fd = open(null, O_WRONLY);
	if (fd < 0) {
		skip("devices", "the file system has none");
		return;
	}
	close(fd);
	ok(!outfile_write(&o, null, "gone", 4) && !lstat(null, &st) && S_ISCHR(st.st_mode),
	   "a character device is written to and not replaced");
	ok(!symlink(null, "to-null") && !outfile_write(&o, "to-null", "gone", 4) &&
	   !lstat("to-null", &st) && S_ISLNK(st.st_mode) && !lstat(null, &st) &&
	   S_ISCHR(st.st_mode),
	   "a character device behind a symbolic link is written to and not replaced");
	ok(refused(full, ENOSPC) && !lstat(full, &st) && S_ISCHR(st.st_mode),
	   "a write error of a device is reported");
	if (geteuid())
		skip("a block device is refused", "needs root");
	else
		ok(refused("disk", EINVAL), "a block device is refused");
}

static void test_special(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd, status;
	struct outfile o;
	struct stat st;
	char text[8] = "";
	pid_t pid;

	if (mkfifo("fifo", 0600) || bind(s, (void *)&sa, sizeof(sa)))
		abort();
	fd = open("fifo", O_RDONLY | O_NONBLOCK);
	ok(!outfile_write(&o, "fifo", "through", 7) && read(fd, text, 7) == 7 &&
	   !strcmp(text, "through") && !lstat("fifo", &st) && S_ISFIFO(st.st_mode),
	   "a named pipe is written to and not replaced");
	close(fd);
	ok(refused("socket", ENXIO) && !lstat("socket", &st) && S_ISSOCK(st.st_mode),
	   "a socket is refused");
	close(s);
	test_devices();
	/* Earlier output of the process stays in front of it. */
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!freopen("printed", "w", stdout))
			_exit(1);
		fputs("before ", stdout);
		_exit(outfile_write(&o, "/dev/stdout", "after", 5) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	ok(!status && holds("printed", "before after"),
	   "/dev/stdout that is a regular file is appended to");
}

static void test_failing(void)
{
	struct rlimit limit = { 4096, RLIM_INFINITY }, all = { RLIM_INFINITY, RLIM_INFINITY };
	static char much[1 << 20];
	struct outfile o;
	int before;

	put("kept", "old");
	memset(much, 'x', sizeof(much));
	before = descriptors();
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	ok(outfile_write(&o, "kept", much, sizeof(much)) && o.error == EFBIG && holds("kept",
										      "old") &&
	   clean("."),
	   "a file above the size limit: the old file stays, and no part of the new one");
	setrlimit(RLIMIT_FSIZE, &all);
	ok(descriptors() == before, "a file above the size limit: no descriptor is left open");
	if (geteuid() || mkdir("full", 0700) || mount("tmpfs", "full", "tmpfs", 0, "size=64k")) {
		skip("a full disk", "needs root");
	} else {
		put("full/kept", "old");
		ok(outfile_write(&o, "full/kept", much, sizeof(much)) && o.error == ENOSPC &&
		   holds("full/kept", "old") && clean("full"),
		   "a full disk: the old file stays, and no part of the new one");
		umount("full");
	}
	if (geteuid()) {
		put("read-only", "old");
		chmod("read-only", 0444);
		ok(refused("read-only", EACCES) && holds("read-only", "old"),
		   "a file without write permission is refused");
	} else {
		pid_t pid;
		int status;

		put("read-only", "old");
		chmod(".", 0777);
		fflush(stdout);
		pid = fork();
		if (!pid)
			_exit(setuid(1000) || !refused("read-only", EACCES));
		waitpid(pid, &status, 0);
		chmod(".", 0700);
		ok(!status && holds("read-only", "old") && clean("."),
		   "a file without write permission is refused");
	}
	ok(descriptors() == before, "a refused file leaves no descriptor open");
}

/* Signals to a child that is writing, that has committed, and that has forked. */
static void test_signal(void)
{
	struct outfile o, p;
	int status, ready[2];
	char byte;
	pid_t pid;

	put("old", "old");
	fflush(stdout);
	if (pipe(ready))
		abort();
	pid = fork();
	if (!pid) {
		/* ignored where this runs in the background, and that is left alone */
		signal(SIGINT, SIG_DFL);
		outfile_discard_on_signals();
		if (outfile_open(&o, "old", false) || outfile_open(&p, "sub/other", false) ||
		    fputs("half", o.f) < 0 || fflush(o.f) || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		abort();
	ok(!clean(".") && !clean("sub"), "two temporary files exist while two files are written");
	kill(pid, SIGINT);
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT && holds("old", "old") && clean(".") &&
	   clean("sub"), "SIGINT during the write: no temporary file is left, the old file stays");
	if (outfile_open(&o, "old", false))
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		outfile_discard_all();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(!clean("."), "a child process does not remove the temporary file of its parent");
	fputs("new", o.f);
	ok(!outfile_commit(&o) && holds("old", "new") && clean("."),
	   "the file of the parent is then complete");
	outfile_discard_all();
	ok(holds("old", "new"), "a committed file is not discarded");
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	char dir[] = "/tmp/outfile.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) || mkdir("sub", 0755))
		return 1;
	test_regular();
	test_links();
	test_special();
	test_failing();
	test_signal();
	if (!chdir("/")) {
		char command[64];

		snprintf(command, sizeof(command), "rm -rf %s", dir);
		if (system(command))
			return 1;
	}
	return done();
}
