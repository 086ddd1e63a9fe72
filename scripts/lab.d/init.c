// SPDX-License-Identifier: GPL-2.0
/*
 * The first process inside a lab: mounts what a program expects, loads vexfs,
 * runs one command, hands back its output and its exit status, unloads vexfs
 * and powers the lab off. It must never write to the host except through the
 * channels and the results folder it was given.
 *
 * It reads its orders from a job file of NUL-terminated "key=value" records,
 * which the kernel command line names (vexlab=PATH). In an initramfs the job
 * file is /job, and the host's root is first mounted over 9p.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS	4096
#define MAX_LIST	64

static struct job {
	char *args[MAX_ARGS + 1];
	char *env[MAX_LIST + 1];
	char *preload[MAX_LIST];	/* modules the kernel needs for the root */
	char *module[MAX_LIST];		/* "path params" to load, in this order */
	char *keep[MAX_LIST];		/* host folders to keep visible under /tmp */
	unsigned int nr_args, nr_env, nr_preload, nr_module, nr_keep;
	char *cwd, *results, *results_fs, *results_src;
	char *out, *err, *ctl;
	bool root_9p, kmemleak;
	unsigned int timeout;
} job;

static int ctl = -1;

/* One line for the host; see read_control() in scripts/lab.d/run.sh. */
static void tell(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (ctl < 0 || write(ctl, line, n) != n)
		fprintf(stderr, "lab-init: %s", line);
}

static void power_off(void)
{
	sync();
	if (ctl >= 0)
		tcdrain(ctl);
	reboot(job.root_9p ? RB_AUTOBOOT : RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *what)
{
	tell("failed %s: %s", what, strerror(errno));
	power_off();
}

static char *slurp(const char *path, size_t *len)
{
	size_t have = 0, room = 1 << 16;
	char *buf = malloc(room + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || !buf)
		return NULL;
	while ((n = read(fd, buf + have, room - have)) > 0) {
		have += n;
		if (have == room) {
			room *= 2;
			buf = realloc(buf, room + 1);
			if (!buf)
				return NULL;
		}
	}
	close(fd);
	buf[have] = '\0';
	*len = have;
	return buf;
}

static void add(char **list, unsigned int *n, unsigned int max, char *value)
{
	if (*n < max)
		list[(*n)++] = value;
}

static void read_job(const char *path)
{
	size_t len = 0;
	char *p = slurp(path, &len), *end;

	if (!p)
		fail(path);
	for (end = p + len; p < end; p += strlen(p) + 1) {
		char *value = strchr(p, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(p, "arg"))
			add(job.args, &job.nr_args, MAX_ARGS, value);
		else if (!strcmp(p, "env"))
			add(job.env, &job.nr_env, MAX_LIST, value);
		else if (!strcmp(p, "preload"))
			add(job.preload, &job.nr_preload, MAX_LIST, value);
		else if (!strcmp(p, "module"))
			add(job.module, &job.nr_module, MAX_LIST, value);
		else if (!strcmp(p, "keep"))
			add(job.keep, &job.nr_keep, MAX_LIST, value);
		else if (!strcmp(p, "cwd"))
			job.cwd = value;
		else if (!strcmp(p, "results"))
			job.results = value;
		else if (!strcmp(p, "results_fs"))
			job.results_fs = value;
		else if (!strcmp(p, "results_src"))
			job.results_src = value;
		else if (!strcmp(p, "out"))
			job.out = value;
		else if (!strcmp(p, "err"))
			job.err = value;
		else if (!strcmp(p, "ctl"))
			job.ctl = value;
		else if (!strcmp(p, "kmemleak"))
			job.kmemleak = *value == '1';
		else if (!strcmp(p, "timeout"))
			job.timeout = strtoul(value, NULL, 10);
		value += strlen(value);
		p = value;
	}
}

static void make_path(const char *path)
{
	char *copy = strdup(path), *p;

	for (p = copy + 1; copy && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	mkdir(path, 0755);
	free(copy);
}

/* Best effort: a stock kernel may lack one of them. */
static void try_mount(const char *type, const char *dir, const char *opts)
{
	mount(type, dir, type, MS_NOSUID, opts);
}

static void mount_early(void)
{
	try_mount("devtmpfs", "/dev", "mode=0755");
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	try_mount("devpts", "/dev/pts", "mode=0620,ptmxmode=0666");
	try_mount("tmpfs", "/dev/shm", "mode=1777");
	try_mount("proc", "/proc", NULL);
	try_mount("sysfs", "/sys", NULL);
	try_mount("debugfs", "/sys/kernel/debug", "mode=0700");
	try_mount("tracefs", "/sys/kernel/tracing", NULL);
	try_mount("configfs", "/sys/kernel/config", NULL);
	try_mount("cgroup2", "/sys/fs/cgroup", NULL);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

/*
 * The writable folders are fresh tmpfs; host folders below them that the
 * command needs (a clone under /tmp, say) are bound back to their places.
 */
static void mount_scratch(void)
{
	int fds[MAX_LIST];
	unsigned int i;

	for (i = 0; i < job.nr_keep; i++)
		fds[i] = open(job.keep[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
	mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	mount("tmpfs", "/var/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	for (i = 0; i < job.nr_keep; i++) {
		char from[64];

		if (fds[i] < 0)
			continue;
		snprintf(from, sizeof(from), "/proc/self/fd/%d", fds[i]);
		make_path(job.keep[i]);
		if (mount(from, job.keep[i], NULL, MS_BIND | MS_REC, NULL))
			tell("note cannot bind %s: %s", job.keep[i], strerror(errno));
		close(fds[i]);
	}
	if (!job.results)
		return;
	make_path(job.results);
	if (mount(job.results_fs[0] == '9' ? "results" : "none", job.results, job.results_fs, 0,
		  job.results_src))
		fail("mounting the results folder");
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return;
	ioctl(s, SIOCSIFFLAGS, &ifr);
	close(s);
}

static int load_module(char *spec)
{
	char *params = strchr(spec, ' ');
	int fd, err;

	if (params)
		*params++ = '\0';
	fd = open(spec, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	err = syscall(SYS_finit_module, fd, params ? params : "", 0);
	if (err && errno == EEXIST)
		err = 0;
	close(fd);
	return err;
}

/* The name of a module is its file's, with underscores. */
static void module_name(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/');
	char *p;

	snprintf(name, size, "%s", base ? base + 1 : path);
	p = strchr(name, '.');
	if (p)
		*p = '\0';
	for (p = name; *p; p++)
		if (*p == '-')
			*p = '_';
}

static int unload_module(const char *path)
{
	char name[64];
	int tries;

	module_name(path, name, sizeof(name));
	for (tries = 0; tries < 50; tries++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		if (errno == ENOENT)
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			return -1;
		usleep(100000);
	}
	return -1;
}

static int open_channel(const char *path)
{
	struct termios t;
	int fd, tries;

	for (tries = 0; tries < 200; tries++) {
		fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			break;
		usleep(10000);
	}
	if (fd >= 0 && !tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	return fd;
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= n;
	}
}

/* Copies what is there; false at the end of the stream. */
static bool pump(int from, int to)
{
	static char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n > 0) {
		write_all(to, buf, n);
		return true;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void child_main(int out, int err)
{
	int null = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (chdir(job.cwd)) {
		fprintf(stderr, "lab: cannot enter %s: %s\n", job.cwd, strerror(errno));
		_exit(126);
	}
	signal(SIGPIPE, SIG_DFL);
	environ = job.env;
	execvpe(job.args[0], job.args, job.env);
	fprintf(stderr, "lab: cannot run %s: %s\n", job.args[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void run_command(int out, int err)
{
	int po[2], pe[2], status = 0;
	double deadline = 0, killed = 0, drain = 0;
	struct pollfd p[2];
	bool done = false;
	pid_t pid, got;

	if (pipe2(po, O_CLOEXEC) || pipe2(pe, O_CLOEXEC))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid)
		child_main(po[1], pe[1]);
	close(po[1]);
	close(pe[1]);
	fcntl(po[0], F_SETFL, O_NONBLOCK);
	fcntl(pe[0], F_SETFL, O_NONBLOCK);
	p[0] = (struct pollfd){ .fd = po[0], .events = POLLIN };
	p[1] = (struct pollfd){ .fd = pe[0], .events = POLLIN };
	if (job.timeout)
		deadline = seconds() + job.timeout;

	/* Leftover children may hold the pipes: stop soon after the command. */
	while (p[0].fd >= 0 || p[1].fd >= 0 || !done) {
		int n = poll(p, 2, 20);

		if (n > 0 && p[0].fd >= 0 && p[0].revents && !pump(p[0].fd, out))
			p[0].fd = -1;
		if (n > 0 && p[1].fd >= 0 && p[1].revents && !pump(p[1].fd, err))
			p[1].fd = -1;
		while ((got = waitpid(-1, &status, WNOHANG)) > 0) {
			if (got != pid)
				continue;
			done = true;
			drain = seconds() + 0.3;
			if (WIFEXITED(status))
				tell("exit %d", WEXITSTATUS(status));
			else
				tell("signal %d", WTERMSIG(status));
		}
		if (done && n <= 0 && seconds() > drain)
			break;
		if (!done && deadline && seconds() > deadline) {
			if (!killed) {
				tell("timeout %u", job.timeout);
				kill(-pid, SIGTERM);
				killed = seconds();
			} else if (seconds() > killed + 3) {
				kill(-1, SIGKILL);
			}
		}
	}
	tcdrain(out);
	tcdrain(err);
}

static void reap_all(void)
{
	double end = seconds() + 2;

	kill(-1, SIGKILL);
	while (seconds() < end) {
		if (waitpid(-1, NULL, WNOHANG) < 0)
			break;
		usleep(1000);
	}
}

/* A line for the kernel log. Not by dprintf(), which wants a file that can seek. */
static void log_line(int kmsg, const char *fmt, const char *text)
{
	char line[512];
	int n = snprintf(line, sizeof(line), fmt, text);

	if (n > (int)sizeof(line) - 1)
		n = sizeof(line) - 1;
	if (write(kmsg, line, n) != n)
		tell("note cannot write to the kernel log: %s", strerror(errno));
}

/* Logs where modules were loaded, for reports that are read after unloading. */
static void log_modules(void)
{
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	size_t len = 0;
	char *list = slurp("/proc/modules", &len);

	for (char *line = list ? strtok(list, "\n") : NULL; line; line = strtok(NULL, "\n"))
		log_line(kmsg, "loaded: %.400s\n", line);
	free(list);
	close(kmsg);
}

/*
 * Runs once, after the modules were unloaded. kmemleak reports an object only when it is five
 * seconds old and unchanged in two scans.
 */
static void scan_leaks(void)
{
	const char *file = "/sys/kernel/debug/kmemleak";
	int fd, kmsg, pass;
	size_t len = 0;
	char *report;

	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		tell("note no kmemleak in this kernel");
		return;
	}
	sleep(6);
	for (pass = 0; pass < 2; pass++)
		if (write(fd, "scan", 4) != 4)
			tell("note kmemleak scan failed: %s", strerror(errno));
	close(fd);
	report = slurp(file, &len);
	if (!report || !len)
		return;
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	log_line(kmsg, "%s\n", "kmemleak: found:");
	for (char *line = strtok(report, "\n"); line; line = strtok(NULL, "\n"))
		log_line(kmsg, "%.400s\n", line);
	close(kmsg);
	free(report);
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (write(fd, "clear", 5) != 5)
		tell("note kmemleak clear failed: %s", strerror(errno));
	close(fd);
}

/* Out of the initramfs: load the drivers, mount the host's root, move there. */
static void enter_root(void)
{
	const char *opts = "trans=virtio,version=9p2000.L,cache=loose,msize=262144";
	unsigned int i;

	job.root_9p = true;
	mkdir("/dev", 0755);
	mkdir("/new", 0755);
	try_mount("devtmpfs", "/dev", NULL);
	for (i = 0; i < job.nr_preload; i++)
		if (load_module(job.preload[i]))
			fail(job.preload[i]);
	ctl = open_channel(job.ctl);
	if (mount("root", "/new", "9p", MS_RDONLY, opts))
		fail("mounting the host's files over 9p");
	umount2("/dev", MNT_DETACH);
	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("entering the host's root");
}

int main(void)
{
	const char *path = getenv("vexlab");
	struct rlimit core = { 0, 0 };
	unsigned int i;
	int out, err;

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &core);
	read_job(path ? path : "/job");
	if (!path)
		enter_root();
	mount_early();
	if (ctl < 0)
		ctl = open_channel(job.ctl);
	out = open_channel(job.out);
	err = open_channel(job.err);
	if (ctl < 0 || out < 0 || err < 0)
		fail("opening the channels to the host");
	mount_scratch();
	loopback_up();
	sethostname("lab", 3);
	tell("up");

	for (i = 0; i < job.nr_module; i++) {
		if (load_module(job.module[i])) {
			tell("module %s %s", job.module[i], strerror(errno));
			power_off();
		}
	}
	run_command(out, err);
	reap_all();
	if (job.kmemleak)
		log_modules();
	while (i--) {
		if (unload_module(job.module[i])) {
			tell("stuck %s %s", job.module[i], strerror(errno));
			break;
		}
	}
	if (job.kmemleak)
		scan_leaks();
	tell("end");
	power_off();
}
