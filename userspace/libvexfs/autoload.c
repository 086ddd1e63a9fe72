// SPDX-License-Identifier: GPL-2.0
/*
 * Lets the kernel load vexfs where it is installed and not loaded. The minor number of
 * /dev/vexfs is assigned at load, so no device node exists whose opening could load the
 * module. Looking up its netlink family does: the kernel then runs modprobe, for any
 * user, and respects the administrator's blacklist.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/vexfs_netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

bool vexfs_autoload(void)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[NLA_ALIGN(sizeof(VEXFS_FAMILY_NAME))];
	} req = {
		.nl = {
			.nlmsg_len = sizeof(req),
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = {
			.nla_len = NLA_HDRLEN + sizeof(VEXFS_FAMILY_NAME),
			.nla_type = CTRL_ATTR_FAMILY_NAME,
		},
		.name = VEXFS_FAMILY_NAME,
	};
	struct nlmsghdr answer = { .nlmsg_type = NLMSG_ERROR };
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ssize_t got = -1;

	if (s < 0)
		return false;
	if (send(s, &req, sizeof(req), 0) == (ssize_t)sizeof(req)) {
		/* the answer arrives when modprobe has ended */
		do {
			got = recv(s, &answer, sizeof(answer), MSG_TRUNC);
		} while (got < 0 && errno == EINTR);
	}
	close(s);
	return got >= (ssize_t)sizeof(answer) && answer.nlmsg_type == GENL_ID_CTRL;
}
