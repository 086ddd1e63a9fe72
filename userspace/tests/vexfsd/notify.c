// SPDX-License-Identifier: GPL-2.0
/*
 * vexfsd and the service manager: a socket of ours takes what the daemon sends to it,
 * from its start to its end. No module is needed: the daemon waits for one.
 *
 *	vexfsd-notify PROGRAM DIR	DIR: a folder for its store and sockets
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define WAIT_MS	60000

static const char *program, *folder;

/* Binds a datagram socket; @name begins with @ for one without a file. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(name);

	if (fd < 0 || len >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, name, len);
	if (*name == '@')
		at.sun_path[0] = 0;
	if (bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)))
		return -1;
	return fd;
}

static pid_t start(const char *where, const char *watchdog_us, const char *watchdog_pid)
{
	char store[300], sock[300], device[300];
	pid_t pid;

	snprintf(store, sizeof(store), "%s/store", folder);
	snprintf(sock, sizeof(sock), "%s/control", folder);
	snprintf(device, sizeof(device), "%s/no-device", folder);
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	if (where)
		setenv("NOTIFY_SOCKET", where, 1);
	if (watchdog_us)
		setenv("WATCHDOG_USEC", watchdog_us, 1);
	if (watchdog_pid)
		setenv("WATCHDOG_PID", watchdog_pid, 1);
	/* what it says of itself is not looked at here */
	if (!freopen("/dev/null", "w", stderr))
		_exit(126);
	execl(program, program, "--store", store, "--socket", sock, "--device", device, (char *)NULL);
	_exit(127);
}

/* The next message, or "" after @ms without one. */
static const char *next(int fd, int ms)
{
	static char text[200];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&p, 1, ms) == 1)
		n = recv(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	return text;
}

/* Reads until @what comes; counts @count of the others. */
static bool until(int fd, const char *what, const char *count, unsigned int *n)
{
	const char *text;

	do {
		text = next(fd, WAIT_MS);
		if (count && !strcmp(text, count))
			++*n;
	} while (*text && strcmp(text, what));
	return *text;
}

static bool ends_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void whole_life(const char *where, const char *kind)
{
	int fd = listen_at(where);
	unsigned int n = 0, beats = 0;
	pid_t pid;

	if (fd < 0) {
		ok(false, "%s: cannot listen: %s", kind, strerror(errno));
		return;
	}
	pid = start(where, "100000", NULL);
	ok(until(fd, "READY=1", NULL, NULL), "%s: READY=1 when it serves", kind);
	while (beats < 5 && until(fd, "WATCHDOG=1", "READY=1", &n))
		beats++;
	ok(beats == 5, "%s: WATCHDOG=1 again and again", kind);
	ok(!n, "%s: ready once", kind);
	kill(pid, SIGTERM);
	n = 0;
	ok(until(fd, "STOPPING=1", "READY=1", &n) && !n, "%s: STOPPING=1 at its end", kind);
	ok(ends_well(pid), "%s: it ends with 0", kind);
	ok(!*next(fd, 0), "%s: nothing behind that", kind);
	close(fd);
	if (*where != '@')
		unlink(where);
}

/* A keep-alive message that is meant for another process, or for nobody. */
static void no_watchdog(const char *where, const char *us, const char *watch_pid, const char *what)
{
	int fd = listen_at(where);
	unsigned int n = 0;
	pid_t pid = start(where, us, watch_pid);

	ok(fd >= 0 && until(fd, "READY=1", "WATCHDOG=1", &n), "%s: it is ready", what);
	/* the main thread wakes up once a second to look for the module */
	poll(NULL, 0, 1500);
	kill(pid, SIGTERM);
	ok(until(fd, "STOPPING=1", "WATCHDOG=1", &n) && !n, "%s: no WATCHDOG=1", what);
	ok(ends_well(pid), "%s: it ends with 0", what);
	close(fd);
	unlink(where);
}

int main(int argc, char **argv)
{
	char path[300], name[64], none[300];
	pid_t pid;

	if (argc != 3) {
		fprintf(stderr, "usage: vexfsd-notify PROGRAM DIR\n");
		return 2;
	}
	program = argv[1];
	folder = argv[2];
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	snprintf(path, sizeof(path), "%s/notify", folder);
	snprintf(name, sizeof(name), "@vexfsd-notify-%d", (int)getpid());
	snprintf(none, sizeof(none), "%s/nobody", folder);
	whole_life(path, "a socket");
	whole_life(name, "an abstract socket");
	no_watchdog(path, NULL, NULL, "without a watchdog");
	no_watchdog(path, "100000", "1", "a watchdog of another process");
	no_watchdog(path, "100ms", NULL, "a time that is no number");
	pid = start(none, "100000", NULL);
	/* it must not die of a manager that is not there */
	poll(NULL, 0, 500);
	ok(!kill(pid, 0) && !waitpid(pid, NULL, WNOHANG), "nobody listens: it runs");
	kill(pid, SIGTERM);
	ok(ends_well(pid), "nobody listens: it ends with 0");
	return done();
}
