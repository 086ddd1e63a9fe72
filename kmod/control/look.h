/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may look at what, the one rule of the control plane. What a netlink socket is
 * told is allowed to both who opened it and who sends the request: neither lends the
 * other an eye.
 */
#ifndef _VEXFS_LOOK_H
#define _VEXFS_LOOK_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct netlink_ext_ack;
struct sk_buff;
struct vexfs_collection;
struct vexfs_event;

/* Each includes those before it. */
enum vexfs_look {
	VEXFS_LOOK_NOT,		/* the module is only coming up */
	VEXFS_LOOK_OWN,		/* anybody: collections that they may list, events of their own */
	VEXFS_LOOK_TOTALS,	/* the group of /dev/vexfs: figures and settings */
	VEXFS_LOOK_ALL,		/* admin_gid, CAP_SYS_ADMIN: everybody's names and events */
};

enum vexfs_look vexfs_looks(struct sk_buff *req);
/* 0, or -EPERM or -EAGAIN with a sentence. */
int vexfs_may_look(struct sk_buff *req, enum vexfs_look what, struct netlink_ext_ack *extack);
/* CAP_SYS_ADMIN over the machine, for the store is the machine's. Likewise. */
int vexfs_may_change(struct sk_buff *req, struct netlink_ext_ack *extack);

/* Whose events they may see besides; INVALID_UID when the two differ. */
kuid_t vexfs_looks_as(struct sk_buff *req);
bool vexfs_looks_at_event(enum vexfs_look look, kuid_t uid, const struct vexfs_event *ev);
/* The collection is seen (VEXFS_SEE_RUN), or all are. */
bool vexfs_looks_at(struct sk_buff *req, enum vexfs_look look, const struct vexfs_collection *c);

/* False until the module has come up for good: then nothing may begin that could last. */
bool vexfs_control_open(void);

#endif
