// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"

#define BACKLOG		1024
#define FIRST_FD	3	/* where systemd's begin */

static int listen_unix(const char *path, char *why, size_t size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		snprintf(why, size, "the path of the socket is too long");
		return -1;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* One that a dead exporter has left goes; one that answers stays. */
	if (fd >= 0 && !lstat(path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno == ECONNREFUSED)
		unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, BACKLOG)) {
		snprintf(why, size, "cannot listen at %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Parts "ADDRESS:PORT"; false when that is not what it is. */
static bool part(const char *where, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(where, ':'), *from = where;
	size_t n;

	if (!colon) {
		snprintf(host, size, "127.0.0.1");
		*port = where;
		return true;
	}
	n = (size_t)(colon - where);
	if (*where == '[') {
		if (n < 2 || where[n - 1] != ']')
			return false;
		from = where + 1;
		n -= 2;
	} else if (memchr(where, ':', n)) {
		return false;
	}
	if (n >= size)
		return false;
	memcpy(host, from, n);
	host[n] = '\0';
	*port = colon + 1;
	return true;
}

/* The resolver would take 70000 for 4464. */
static bool port_valid(const char *port)
{
	char *end;
	unsigned long v = strtoul(port, &end, 10);

	return *port >= '0' && *port <= '9' && !*end && v <= 65535;
}

static void explain(char *why, size_t size, const char *host, const char *port, int err)
{
	if (err == EADDRINUSE)
		snprintf(why, size, "port %s of %s is taken%s; choose another with --listen PORT",
			 port, *host ? host : "this machine", strcmp(port, LISTEN_PORT) ? "" :
			 ", maybe by Prometheus, whose own port it is");
	else
		snprintf(why, size, "cannot listen at port %s of %s: %s", port,
			 *host ? host : "this machine", strerror(err));
}

int listen_at(const char *where, char *why, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE |
				  AI_NUMERICSERV | AI_NUMERICHOST }, *all, *i;
	char host[128];
	const char *port;
	int fd = -1, one = 1, err;

	if (!strncmp(where, "unix:", 5))
		return listen_unix(where + 5, why, size);
	if (!part(where, host, sizeof(host), &port) || !port_valid(port)) {
		snprintf(why, size, "'%s' is neither PORT, ADDRESS:PORT, [ADDRESS]:PORT nor unix:PATH",
			 where);
		return -1;
	}
	err = getaddrinfo(*host ? host : NULL, port, &hints, &all);
	if (err) {
		snprintf(why, size, "'%s' is no address to listen at: %s", where, gai_strerror(err));
		return -1;
	}
	for (i = all; i && fd < 0; i = i->ai_next) {
		fd = socket(i->ai_family, i->ai_socktype | SOCK_CLOEXEC, i->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, i->ai_addr, i->ai_addrlen) || listen(fd, BACKLOG)) {
			err = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	if (fd < 0)
		explain(why, size, host, port, err);
	return fd;
}

int listen_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || strtol(pid, NULL, 10) != getpid() || strtol(fds, NULL, 10) < 1)
		return -1;
	fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC);
	return FIRST_FD;
}
