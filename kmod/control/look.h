/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Read permissions of the control plane. An answer over netlink contains only what both the opener
 * of the socket and the sender of the request may read.
 */
#ifndef _VEXFS_LOOK_H
#define _VEXFS_LOOK_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct netlink_ext_ack;
struct sk_buff;
struct vexfs_collection;
struct vexfs_event;

/* What a caller may read; each value includes those before it. */
enum vexfs_look {
	VEXFS_LOOK_NOT,		/* nothing: the module is still being loaded */
	VEXFS_LOOK_OWN,		/* any user: collections that it may list, its own events */
	VEXFS_LOOK_TOTALS,	/* the group of /dev/vexfs: totals and settings */
	VEXFS_LOOK_ALL,		/* admin_gid, CAP_SYS_ADMIN: names and events of all users */
};

enum vexfs_look vexfs_looks(struct sk_buff *req);
/* 0, or -EPERM or -EAGAIN with a message. */
int vexfs_may_look(struct sk_buff *req, enum vexfs_look what, struct netlink_ext_ack *extack);
/* The same for changes: CAP_SYS_ADMIN in the initial user namespace. */
int vexfs_may_change(struct sk_buff *req, struct netlink_ext_ack *extack);

/* The user whose events they may read besides; INVALID_UID when the two differ. */
kuid_t vexfs_looks_as(struct sk_buff *req);
bool vexfs_looks_at_event(enum vexfs_look look, kuid_t uid, const struct vexfs_event *ev);
/*
 * True when the caller may see @c: with VEXFS_LOOK_ALL always, otherwise as VEXFS_SEE_RUN allows.
 */
bool vexfs_looks_at(struct sk_buff *req, enum vexfs_look look, const struct vexfs_collection *c);

/* False while loading may still fail; callers must not register anything then. */
bool vexfs_control_open(void);

#endif
