// SPDX-License-Identifier: GPL-2.0
/* The control plane for verbs: a failed connection or a refusal ends the verb. */
#include "vexctl.h"
#include "wire.h"

struct wire *wire_open(struct ctl *c, int *ret)
{
	struct vexfs_error err;
	struct wire *n = wire_connect(&err);

	if (!n)
		*ret = ctl_fail(c, &err);
	return n;
}

int wire_fail(struct ctl *c, struct wire *n, int err)
{
	return ctl_refuse(c, -err, "%s", wire_why(n));
}
