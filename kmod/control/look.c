// SPDX-License-Identifier: GPL-2.0
/*
 * Permissions of the control plane: who may read what, and who may change settings.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "control/look.h"
#include "stat/event.h"
#include "store/store.h"

bool vexfs_control_open(void)
{
	/*
	 * A module whose init fails is freed, even while somebody has a dump or a file of it
	 * open. When init cannot fail any more, the state is still COMING for a short time:
	 * callers try again.
	 */
	return READ_ONCE(THIS_MODULE->state) != MODULE_STATE_COMING;
}

/* The credentials of the task that opened the socket of @req. */
static const struct cred *socket_opener(struct sk_buff *req)
{
	struct socket *sock = NETLINK_CB(req).sk->sk_socket;

	return sock && sock->file ? sock->file->f_cred : NULL;
}

/* What the current credentials allow. Asking for a list is no violation: not audited. */
static enum vexfs_look look_of_current(void)
{
	kgid_t admins = vexfs_admin_group();

	if ((gid_valid(admins) && in_egroup_p(admins)) ||
	    ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return VEXFS_LOOK_ALL;
	return in_egroup_p(vexfs_device_group()) ? VEXFS_LOOK_TOTALS : VEXFS_LOOK_OWN;
}

enum vexfs_look vexfs_looks(struct sk_buff *req)
{
	const struct cred *by = socket_opener(req), *old;
	enum vexfs_look mine = look_of_current(), theirs;

	if (!vexfs_control_open() || !by)
		return VEXFS_LOOK_NOT;
	old = override_creds(by);
	theirs = look_of_current();
	revert_creds(old);
	return min(mine, theirs);
}

static int not_open(struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack, "vexfs is still being loaded: try again");
	return -EAGAIN;
}

int vexfs_may_look(struct sk_buff *req, enum vexfs_look what, struct netlink_ext_ack *extack)
{
	enum vexfs_look look = vexfs_looks(req);

	if (look >= what)
		return 0;
	if (look == VEXFS_LOOK_NOT)
		return not_open(extack);
	NL_SET_ERR_MSG(extack, "looking takes CAP_SYS_ADMIN or the group of /dev/vexfs");
	return -EPERM;
}

int vexfs_may_change(struct sk_buff *req, struct netlink_ext_ack *extack)
{
	if (!vexfs_control_open())
		return not_open(extack);
	if (netlink_ns_capable(req, &init_user_ns, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "changing takes CAP_SYS_ADMIN");
	return -EPERM;
}

kuid_t vexfs_looks_as(struct sk_buff *req)
{
	const struct cred *by = socket_opener(req);

	return by && uid_eq(by->fsuid, current_fsuid()) ? by->fsuid : INVALID_UID;
}

bool vexfs_looks_at_event(enum vexfs_look look, kuid_t uid, const struct vexfs_event *ev)
{
	return look == VEXFS_LOOK_ALL || (uid_valid(uid) && uid_eq(uid, ev->owner));
}

bool vexfs_looks_at(struct sk_buff *req, enum vexfs_look look, const struct vexfs_collection *c)
{
	const struct cred *by = socket_opener(req), *old;
	bool seen;

	if (look == VEXFS_LOOK_ALL)
		return true;
	if (!by || !vexfs_collection_seen(c, VEXFS_SEE_RUN))
		return false;
	old = override_creds(by);
	seen = vexfs_collection_seen(c, VEXFS_SEE_RUN);
	revert_creds(old);
	return seen;
}
