// SPDX-License-Identifier: GPL-2.0
/*
 * Turns a family with split ops into one with plain ops, for kernels that know
 * no other. Empty everywhere else.
 */
#include "compat/genl.h"

#ifndef HAVE_GENL_SPLIT_OPS
#undef genl_family

#define CMDS_MAX	32

/* What of the flags is asked for; the others say which forms there are. */
#define PERMISSIONS	(GENL_ADMIN_PERM | GENL_UNS_ADMIN_PERM)

static struct genl_ops ops[CMDS_MAX];
static struct genl_family family;

/* For a command that takes no attributes: refuses whatever comes. */
static const struct nla_policy nothing[] = {
	[1] = { .type = NLA_REJECT },
};

struct genl_family *vexfs_genl_family(const struct vexfs_split_family *f)
{
	return &family;
}

static struct genl_ops *find_op(u8 cmd, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (ops[i].cmd == cmd)
			return &ops[i];
	return NULL;
}

int vexfs_genl_register(const struct vexfs_split_family *f)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_split_ops; i++) {
		const struct genl_split_ops *s = &f->split_ops[i];
		struct genl_ops *o = find_op(s->cmd, n);

		if (!o) {
			if (WARN_ON(n == CMDS_MAX))
				return -E2BIG;
			o = &ops[n++];
			*o = (struct genl_ops){
				.cmd = s->cmd,
				.flags = s->flags & PERMISSIONS,
				.policy = nothing,
				.maxattr = ARRAY_SIZE(nothing) - 1,
			};
		}
		if (s->doit)
			o->doit = s->doit;
		if (s->dumpit)
			o->dumpit = s->dumpit;
		/* The same permission for both forms of a command, or the wrong one would do. */
		if ((o->flags ^ s->flags) & PERMISSIONS) {
			pr_err("%s: forms of command %u differ in permissions\n", f->name,
			       s->cmd);
			return -EINVAL;
		}
		/* One policy for both forms of a command: the wider one. */
		if (s->policy && (o->policy == nothing || s->maxattr > o->maxattr)) {
			o->policy = s->policy;
			o->maxattr = s->maxattr;
		}
	}
	strscpy(family.name, f->name, sizeof(family.name));
	family.version = f->version;
	family.netnsok = f->netnsok;
	family.parallel_ops = f->parallel_ops;
	family.module = f->module;
	family.ops = ops;
	family.n_ops = n;
	family.mcgrps = f->mcgrps;
	family.n_mcgrps = f->n_mcgrps;
	return genl_register_family(&family);
}

int vexfs_genl_unregister(const struct vexfs_split_family *f)
{
	return genl_unregister_family(&family);
}

#endif
