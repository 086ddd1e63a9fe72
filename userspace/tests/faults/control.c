// SPDX-License-Identifier: GPL-2.0
/*
 * The control plane while memory fails: every netlink command, every file and
 * every kind of setting. A setting that was refused has changed nothing.
 */
#include <fcntl.h>
#include <linux/vexfs.h>
#include <stdlib.h>

#include "tests/faults/inject.h"
#include "tests/genl.h"

#define DEBUGFS		"/sys/kernel/debug/vexfs/"
#define PARAMETERS	"/sys/module/vexfs/parameters/"

static struct msg request;
static int sock;

/*
 * Sends the request; what the kernel has to say it says at once. A lost answer is
 * an answer: ENOBUFS.
 */
static int send_it(void)
{
	return send(sock, &request, request.h.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Reads the answers there are; a dump goes on while it is read. */
static void read_answers(int err)
{
	static char buf[BUF_SIZE];

	(void)err;
	while (recv(sock, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		;
}

static void ask_for(const char *name)
{
	struct step s = { .name = name, .call = send_it, .after = read_answers };

	try_step(&s);
}

static void doit(int cmd)
{
	begin(&request, family, NLM_F_ACK, cmd);
}

static void dump(const char *name, int cmd)
{
	begin(&request, family, NLM_F_DUMP, cmd);
	ask_for(name);
}

/* Whether there is a collection of that name is known to the kernel alone. */
static void forget_netlink_one(int err)
{
	static struct msg m;
	static struct answer a;

	read_answers(err);
	begin(&m, family, NLM_F_ACK, VEXFS_CMD_COLLECTION_DEL);
	put_text(&m, VEXFS_A_COLLECTION_NAME, "netlink-one");
	ask(&m, &a);
	if (a.err && a.err != -ENOENT)
		wrong("drop: %s", strerror(-a.err));
}

static void make_netlink_one(void)
{
	static struct msg m;
	static struct answer a;

	begin(&m, family, NLM_F_ACK, VEXFS_CMD_COLLECTION_NEW);
	put_text(&m, VEXFS_A_COLLECTION_NAME, "netlink-one");
	put_u32(&m, VEXFS_A_COLLECTION_DIM, 8);
	put_u32(&m, VEXFS_A_COLLECTION_TYPE, VEXFS_TYPE_F32);
	put_u32(&m, VEXFS_A_COLLECTION_METRIC, VEXFS_METRIC_L2);
	ask(&m, &a);
	if (a.err && a.err != -EEXIST)
		wrong("new: %s", strerror(-a.err));
}

static void try_netlink(void)
{
	struct step new = { .name = "collection-new", .call = send_it, .after = forget_netlink_one };
	struct step del = {
		.name = "collection-del", .before = make_netlink_one, .call = send_it,
		.after = read_answers,
	};

	doit(VEXFS_CMD_MODULE_GET);
	ask_for("module-get");
	doit(VEXFS_CMD_COLLECTION_NEW);
	put_text(&request, VEXFS_A_COLLECTION_NAME, "netlink-one");
	put_u32(&request, VEXFS_A_COLLECTION_DIM, 8);
	put_u32(&request, VEXFS_A_COLLECTION_TYPE, VEXFS_TYPE_F32);
	put_u32(&request, VEXFS_A_COLLECTION_METRIC, VEXFS_METRIC_L2);
	try_step(&new);
	make_netlink_one();
	doit(VEXFS_CMD_COLLECTION_SET);
	put_text(&request, VEXFS_A_COLLECTION_NAME, "netlink-one");
	put_u32(&request, VEXFS_A_COLLECTION_MODE, 0640);
	ask_for("collection-set");
	doit(VEXFS_CMD_COLLECTION_GET);
	put_text(&request, VEXFS_A_COLLECTION_NAME, "netlink-one");
	ask_for("collection-get");
	dump("collection-get of all", VEXFS_CMD_COLLECTION_GET);
	doit(VEXFS_CMD_COLLECTION_DEL);
	put_text(&request, VEXFS_A_COLLECTION_NAME, "netlink-one");
	try_step(&del);
	forget_netlink_one(0);
	dump("stats-get", VEXFS_CMD_STATS_GET);
	dump("tunable-get", VEXFS_CMD_TUNABLE_GET);
	dump("event-get", VEXFS_CMD_EVENT_GET);
	doit(VEXFS_CMD_RESET);
	put_text(&request, VEXFS_A_STATS_SUBJECT, "all");
	ask_for("reset");
	doit(VEXFS_CMD_SELFTEST);
	ask_for("selftest");
}

/* ---- settings ---- */

static unsigned int read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		wrong("cannot read %s", path);
	if (fd >= 0)
		close(fd);
	return (unsigned int)strtoul(text, NULL, 10);
}

static const unsigned int sizes[] = { 160, 80, 48 };

static void sizes_are(int err)
{
	static const unsigned int before[] = { 128, 64, 32 };
	static const char *const names[] = { "small", "medium", "large" };
	char path[64], text[16];

	read_answers(err);
	for (unsigned int i = 0, changed = 0; i < 3; i++) {
		unsigned int now;

		snprintf(path, sizeof(path), PARAMETERS "pool_%s", names[i]);
		now = read_number(path);
		if (now != before[i] && now != sizes[i])
			wrong("pool_%s is %u", names[i], now);
		/* All three or none. */
		if (i && (now == sizes[i]) != changed)
			wrong("half of the sizes were set");
		changed = now == sizes[i];
		snprintf(text, sizeof(text), "%u", before[i]);
		if (!write_file(path, text))
			wrong("cannot set %s back", path);
	}
}

static int write_parameter(void)
{
	return write_file(PARAMETERS "pool_small", "160") ? 0 : -errno;
}

static void parameter_is(int err)
{
	unsigned int now = read_number(PARAMETERS "pool_small");

	if (now != (err ? 128 : 160))
		wrong("pool_small is %u", now);
	write_file(PARAMETERS "pool_small", "128");
}

static void try_settings(void)
{
	struct step set = { .name = "three sizes at once", .call = send_it, .after = sizes_are };
	struct step parameter = {
		.name = "a size as a parameter", .call = write_parameter, .after = parameter_is,
	};

	write_file(PARAMETERS "pool_auto", "0");
	write_file(PARAMETERS "pool_small", "128");
	write_file(PARAMETERS "pool_medium", "64");
	write_file(PARAMETERS "pool_large", "32");
	begin(&request, family, NLM_F_ACK, VEXFS_CMD_TUNABLE_SET);
	put_setting(&request, "pool_small", sizes[0]);
	put_setting(&request, "pool_medium", sizes[1]);
	put_setting(&request, "pool_large", sizes[2]);
	try_step(&set);
	try_step(&parameter);
	write_file(PARAMETERS "pool_auto", "1");
}

/* ---- files ---- */

static const char *file;

static int read_file(void)
{
	static char buf[BUF_SIZE];
	int fd = open(file, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

static void try_files(void)
{
	static const char *const files[] = {
		"ops", "pools", "stack", "events", "counters",
	};

	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];
		struct step s = { .name = files[i], .call = read_file };

		snprintf(path, sizeof(path), DEBUGFS "%s", files[i]);
		file = path;
		try_step(&s);
	}
}

void try_control(void)
{
	sock = open_socket();
	if (sock < 0 || !resolve()) {
		result(false, "there is a netlink family");
		return;
	}
	try_netlink();
	try_settings();
	try_files();
	close(sock);
}
