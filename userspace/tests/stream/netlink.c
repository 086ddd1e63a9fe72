// SPDX-License-Identifier: GPL-2.0
/* Requests over netlink must not wait for storage, so they do not change durable collections. */
#include "tests/genl.h"
#include "tests/stream/stream.h"

static struct msg m;
static struct answer a;

static void about(int cmd, const char *name)
{
	begin(&m, family, NLM_F_ACK, cmd);
	put_text(&m, VEXFS_A_COLLECTION_NAME, name);
}

static void refused(const char *what)
{
	ask(&m, &a);
	ok(a.err == -EOPNOTSUPP && strstr(a.why, "is changed through /dev/vexfs"),
	   "netlink: %s of a durable collection is refused (%d, '%s')", what, a.err, a.why);
}

void over_netlink(void)
{
	int s = stored("net", VEXFS_DURABILITY_GROUP), fd = attach("net");
	uint64_t before = stat_of(fd).seq;

	ok(resolve(), "netlink: there is the family");
	about(VEXFS_CMD_COLLECTION_DEL, "net");
	refused("the drop");
	about(VEXFS_CMD_COLLECTION_SET, "net");
	put_u32(&m, VEXFS_A_COLLECTION_MODE, 0600);
	refused("a change of settings");
	ok(stat_of(fd).seq == before, "netlink: nothing was changed");
	about(VEXFS_CMD_COLLECTION_GET, "net");
	ask(&m, &a);
	ok(!a.err && got(&a, VEXFS_A_COLLECTION_NAME), "netlink: it can be looked at");
	close(fd);
	forget(s, "net");
}
