// SPDX-License-Identifier: GPL-2.0
/* The service manager's protocol: lines on a datagram socket, whose name is in the environment. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "parse.h"
#include "vexfsd.h"

void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, strlen(path));
	if (*path == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}

void notify_alive(void)
{
	if (watchdog_ms())
		notify("WATCHDOG=1");
}

unsigned int watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t v, who;

	if (!us || !parse_u64(us, &v) || !v)
		return 0;
	if (pid && (!parse_u64(pid, &who) || who != (uint64_t)getpid()))
		return 0;
	/* Half of the timeout, as sd_watchdog_enabled(3) recommends. */
	return v / 2000 > 60000 ? 60000 : v / 2000 < 1 ? 1 : (unsigned int)(v / 2000);
}
