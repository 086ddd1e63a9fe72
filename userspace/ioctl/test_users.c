// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: modes, owners, descriptors that change hands, user namespaces.
 */
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ioctl/test.h"

/* Runs @fn as another user in a child; its exit status. */
static int as_user(uid_t uid, gid_t gid, int (*fn)(int), int arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(99);
		_exit(-fn(arg));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -255;
}

static int u_attach_read(int unused)
{
	(void)unused;
	return raw_attach(raw_open(), "users", VEXFS_ATTACH_READ);
}

static int u_attach_write(int unused)
{
	(void)unused;
	return raw_attach(raw_open(), "users", VEXFS_ATTACH_WRITE);
}

static int u_drop(int unused)
{
	(void)unused;
	return raw_drop(raw_open(), "users");
}

static int u_list(int unused)
{
	struct vexfs_stat row;
	struct vexfs_list l = { .stat_size = sizeof(row), .stats = (uintptr_t)&row, .count = 1 };

	(void)unused;
	return RAW(raw_open(), VEXFS_IOC_LIST, &l) ?: -(int)l.count;
}

static int u_use(int fd)
{
	return put_some(fd, 1, 1, DIM, NULL);
}

static int u_chmod(int fd)
{
	struct vexfs_set s = { .what = VEXFS_SET_MODE, .mode = 0666 };

	return RAW(fd, VEXFS_IOC_SET, &s);
}

static int u_chown(int fd)
{
	struct vexfs_set s = { .what = VEXFS_SET_UID, .uid = 0 };

	return RAW(fd, VEXFS_IOC_SET, &s);
}

static int u_received(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1)
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return put_some(fd, 2, 1, DIM, NULL);
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int u_namespace(int unused)
{
	int err;

	(void)unused;
	if (unshare(CLONE_NEWUSER))
		return -77;
	err = raw_attach(raw_open(), "users", VEXFS_ATTACH_READ);
	if (err != -ENOENT)
		return -EPROTO;
	/* the same name is free here */
	err = raw_create("users", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	if (err < 0)
		return err;
	close(err);
	return raw_drop(raw_open(), "users");
}

void users(void)
{
	int fd = raw_create("users", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), sock[2], err;
	struct vexfs_set s = {
		.what = VEXFS_SET_UID | VEXFS_SET_GID | VEXFS_SET_MODE,
		.uid = 1000, .gid = 100, .mode = 0640,
	};

	is(RAW(fd, VEXFS_IOC_SET, &s), 0, "give it to user 1000, group 100, 0640");
	is(as_user(1000, 1000, u_attach_write, 0), 0, "the owner may write");
	is(as_user(2000, 100, u_attach_read, 0), 0, "the group may read");
	is(as_user(2000, 100, u_attach_write, 0), -EACCES, "the group may not write");
	is(as_user(2000, 2000, u_attach_read, 0), -EACCES, "others may not read");
	is(as_user(2000, 2000, u_list, 0), 0, "nor see it in the list");
	is(as_user(1000, 1000, u_list, 0), -1, "the owner sees it in the list");
	is(as_user(2000, 100, u_drop, 0), -EACCES, "the group may not drop it");
	is(as_user(2000, 2000, u_use, fd), 0, "an inherited descriptor keeps its rights");
	is(as_user(2000, 100, u_chmod, fd), -EACCES, "but another's mode cannot be changed with it");
	is(as_user(1000, 1000, u_chown, fd), -EACCES, "nor can the owner give it away");
	is(as_user(1000, 1000, u_chmod, fd), 0, "the owner changes the mode");
	socketpair(AF_UNIX, SOCK_STREAM, 0, sock);
	is(send_fd(sock[0], fd), 0, "a descriptor goes over a socket");
	is(as_user(3000, 3000, u_received, sock[1]), 0, "and works for another user");
	err = as_user(4000, 4000, u_namespace, 0);
	if (err == -77)
		skip("names in another user namespace", "no user namespaces here");
	else
		is(err, 0, "names in another user namespace");
	is(as_user(1000, 1000, u_drop, 0), 0, "the owner drops it");
	close(fd);
}
