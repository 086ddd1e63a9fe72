// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: modes, owners, descriptors that change hands, user namespaces.
 */
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/ioctl/test.h"

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

/* ---- limits of users ---- */

static int create_kept(const char *name)
{
	int fd = raw_create(name, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* -errno of the first of @n that could not be made, or 0; they stay. */
static int create_many(const char *prefix, int n)
{
	char name[VEXFS_NAME_SIZE];
	int err = 0;

	for (int i = 0; i < n && !err; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		err = create_kept(name);
	}
	return err;
}

static int drop_many(const char *prefix, int n)
{
	char name[VEXFS_NAME_SIZE];
	int err = 0;

	for (int i = 0; i < n && !err; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		err = raw_drop(ctl, name);
	}
	return err;
}

static int u_limit(int unused)
{
	int err;

	(void)unused;
	if (create_many("limit", 8) || create_kept("limit8") != -ENOSPC)
		return -EPROTO;
	err = raw_drop(raw_open(), "limit0");
	/* somebody who lists collections may hold it for a moment longer */
	for (int i = 0; !err && i < 500; i++) {
		err = create_kept("limit0");
		if (err != -ENOSPC)
			break;
		err = 0;
		usleep(10000);
	}
	return err ?: drop_many("limit", 8);
}

static int u_other(int unused)
{
	(void)unused;
	return create_kept("other") ?: raw_drop(raw_open(), "other");
}

/* Maps @n users from 100000 on into the namespace of a child, who then runs @fn. */
static int in_namespace(uid_t owner, int (*fn)(void))
{
	int up[2], down[2], status;
	char path[64], byte = 0;
	pid_t pid;
	FILE *f;

	if (pipe(up) || pipe(down))
		return -errno;
	pid = fork();
	if (!pid) {
		if (setgroups(0, NULL) || setresgid(owner, owner, owner) ||
		    setresuid(owner, owner, owner))
			_exit(99);
		if (unshare(CLONE_NEWUSER))
			_exit(77);
		if (write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1)
			_exit(98);
		_exit(-fn());
	}
	if (read(up[0], &byte, 1) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
		f = fopen(path, "w");
		if (f && fprintf(f, "0 100000 1000\n") > 0 && !fclose(f)) {
			snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
			f = fopen(path, "w");
			if (f && fprintf(f, "0 100000 1000\n") > 0)
				fclose(f);
		}
		if (write(down[1], &byte, 1) != 1)
			return -EIO;
	}
	close(up[0]);
	close(up[1]);
	close(down[0]);
	close(down[1]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -255;
}

/* Eight users of one namespace, each with two: together they are one user. */
static int n_multiply(void)
{
	char prefix[16];
	int made = 0;

	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return -EPERM;
	for (uid_t uid = 0; uid < 8; uid++) {
		if (seteuid(uid))
			return -EPROTO;
		for (int i = 0; i < 2; i++) {
			int err;

			snprintf(prefix, sizeof(prefix), "n%u.%d", (unsigned int)uid, i);
			err = create_kept(prefix);
			if (err && err != -ENOSPC)
				return err;
			made += !err;
		}
		if (seteuid(0))
			return -EPROTO;
	}
	return made == 8 ? 0 : -EPROTO;
}

struct left {
	uint32_t abandoned;
	uint32_t there;
	bool drop;
};

/* Collections of other namespaces that the caller sees; they are dropped when @l->drop. */
static int look_for(struct left *l)
{
	static struct vexfs_stat rows[64];
	struct vexfs_list req = {
		.flags = VEXFS_LIST_ALL, .stat_size = sizeof(rows[0]), .stats = (uintptr_t)rows,
	};
	int err;

	do {
		req.count = 64;
		err = RAW(ctl, VEXFS_IOC_LIST, &req);
		for (uint32_t i = 0; !err && i < req.count; i++) {
			struct vexfs_drop d = {
				.flags = VEXFS_DROP_SERIAL, .serial = rows[i].serial,
			};

			if (strncmp(rows[i].name, "n", 1) || rows[i].name[2] != '.')
				continue;
			l->there++;
			if (!(rows[i].flags & VEXFS_STAT_ABANDONED))
				continue;
			l->abandoned++;
			if (l->drop)
				err = RAW(ctl, VEXFS_IOC_DROP, &d);
		}
	} while (!err && req.cursor);
	return err;
}

static int u_sees_none(int unused)
{
	struct left l = { 0 };

	(void)unused;
	ctl = raw_open();
	return look_for(&l) ?: l.there ? -EPROTO : 0;
}

static int u_drop_serial(int serial)
{
	struct vexfs_drop d = { .flags = VEXFS_DROP_SERIAL, .serial = (uint64_t)serial };

	return RAW(raw_open(), VEXFS_IOC_DROP, &d);
}

static int serial_of(const char *name)
{
	int fd = raw_open();
	struct vexfs_stat st = { };

	if (raw_attach(fd, name, VEXFS_ATTACH_READ) || RAW(fd, VEXFS_IOC_STAT, &st))
		return 0;
	close(fd);
	return (int)st.serial;
}

static void serials(void)
{
	struct vexfs_drop d = { .name = "users", .flags = VEXFS_DROP_SERIAL };
	int serial = serial_of("users");

	ok(serial > 0, "a collection has a number");
	is(as_user(3000, 3000, u_drop_serial, serial), -EACCES,
	   "another user may not drop a readable collection by its number");
	is(create_kept("hidden"), 0, "a collection that others may not read");
	is(as_user(3000, 3000, u_drop_serial, serial_of("hidden")), -ENOENT,
	   "it does not exist for them by its number");
	raw_drop(ctl, "hidden");
	is(RAW(ctl, VEXFS_IOC_DROP, &d), -EINVAL, "a name and a number");
	d.flags = 0;
	d.serial = 1;
	is(RAW(ctl, VEXFS_IOC_DROP, &d), -EINVAL, "a number without its flag");
	is(u_drop_serial(0), -ENOENT, "number 0");
	d = (struct vexfs_drop){ .flags = 1u << 7 };
	is(RAW(ctl, VEXFS_IOC_DROP, &d), -EINVAL, "an unknown flag");
}

void limits(void)
{
	struct left l = { 0 };
	int err;

	set_param("max_user_collections", "8");
	is(as_user(1000, 1000, u_limit, 0), 0,
	   "a user has as many collections as the limit, and one more after a drop");
	is(create_many("root", 9), 0, "an administrator has no limit of its own");
	is(drop_many("root", 9), 0, "the administrator drops them");
	err = in_namespace(1000, n_multiply);
	if (err == -77) {
		skip("limits in another user namespace", "no user namespaces here");
	} else {
		is(err, 0, "eight users in one namespace have eight together");
		is(as_user(1000, 1000, u_other, 0), -ENOSPC, "they count for the user who made the namespace");
		is(as_user(2000, 2000, u_other, 0), 0, "other users have limits of their own");
		is(as_user(2000, 2000, u_sees_none, 0), 0, "other users do not see them");
		/* the last reference of the process that has gone may take a moment */
		for (int i = 0; i < 500; i++) {
			l = (struct left){ 0 };
			if (look_for(&l) || l.abandoned == 8)
				break;
			usleep(10000);
		}
		ok(l.there == 8 && l.abandoned == 8, "collections of a dead namespace are listed (%u of %u)",
		   l.abandoned, l.there);
		l = (struct left){ .drop = true };
		is(look_for(&l), 0, "they are dropped by their numbers");
		l = (struct left){ 0 };
		is(look_for(&l) ?: -(int)l.there, 0, "none of them is left");
		is(as_user(1000, 1000, u_limit, 0), 0, "its maker can create collections again");
	}
	set_param("max_user_collections", "1024");

	set_param("max_total_kb", "64");
	err = raw_create("total", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	is(err < 0 ? err : put_some(err, 0, 30000, DIM, NULL), -ENOSPC, "the limit of the machine");
	set_param("max_total_kb", "0");
	if (err >= 0) {
		is(put_some(err, 0, 30000, DIM, NULL), 0, "without the limit all are created");
		close(err);
	}
	raw_drop(ctl, "total");
}

static int u_fsuid(int unused)
{
	struct vexfs_stat st = { };
	int fd, err;

	(void)unused;
	/* root that acts for user 1000 makes files of his, and collections */
	setfsuid(1000);
	fd = raw_create("fsuid", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	if (fd < 0)
		return fd;
	err = RAW(fd, VEXFS_IOC_STAT, &st);
	raw_drop(fd, "fsuid");
	return err ?: st.uid == 1000 ? 0 : -EPROTO;
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
	is(as_user(2000, 2000, u_list, 0), 0, "others do not see it in the list");
	is(as_user(1000, 1000, u_list, 0), -1, "the owner sees it in the list");
	is(as_user(2000, 100, u_drop, 0), -EACCES, "the group may not drop it");
	is(as_user(2000, 2000, u_use, fd), 0, "an inherited descriptor keeps its rights");
	is(as_user(2000, 100, u_chmod, fd), -EACCES, "but another's mode cannot be changed with it");
	is(as_user(1000, 1000, u_chown, fd), -EACCES, "the owner cannot give it away");
	is(as_user(1000, 1000, u_chmod, fd), 0, "the owner changes the mode");
	socketpair(AF_UNIX, SOCK_STREAM, 0, sock);
	is(send_fd(sock[0], fd), 0, "a descriptor goes over a socket");
	is(as_user(3000, 3000, u_received, sock[1]), 0, "the passed descriptor works for another user");
	err = as_user(4000, 4000, u_namespace, 0);
	if (err == -77)
		skip("names in another user namespace", "no user namespaces here");
	else
		is(err, 0, "names in another user namespace");
	serials();
	is(as_user(0, 0, u_fsuid, 0), 0, "the owner of a collection is that of a new file");
	is(as_user(1000, 1000, u_drop, 0), 0, "the owner drops it");
	close(fd);
}
