// SPDX-License-Identifier: GPL-2.0
/*
 * The vectors of changes. A change names a slot, which may have got another vector since:
 * the sequence number that is kept beside each row says whether it has.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "index/rows.h"
#include "store/stream.h"

static int get_row(struct vexfs_collection *c, const struct vexfs_rows_part *p,
		   const struct vexfs_change *ch, void *vector, void *attrs)
{
	const struct vexfs_extent *e;
	u32 row;

	if (ch->op != VEXFS_CHANGE_INSERT && ch->op != VEXFS_CHANGE_UPDATE)
		return -EINVAL;
	e = vexfs_slot_has(c, ch->slot, ch->seq);
	if (!e)
		return -ESTALE;
	row = ch->slot - e->first;
	if (vector)
		vexfs_vector_export(c, p->format, vector, vexfs_extent_row(c, e, ch->slot),
				    e->aux[row]);
	if (attrs && e->attrs)
		memcpy(attrs, e->attrs + (size_t)row * c->attr_size, c->attr_size);
	/* the row before the second look: a slot that storage has let go may be cleared */
	smp_rmb();
	return vexfs_slot_has(c, ch->slot, ch->seq) ? 0 : -ESTALE;
}

void vexfs_get_rows(struct vexfs_collection *c, struct vexfs_rows_part *p)
{
	size_t bytes = vexfs_format_bytes(c, p->format);
	u32 i;
	int idx;

	p->done = 0;
	idx = vexfs_read_lock(c);
	for (i = 0; i < p->n; i++) {
		void *vector = p->vectors ? p->vectors + i * bytes : NULL;
		void *attrs = p->attrs ? p->attrs + (size_t)i * c->attr_size : NULL;

		p->errors[i] = get_row(c, p, &p->changes[i], vector, attrs);
		if (!p->errors[i]) {
			p->done++;
			continue;
		}
		/* what was copied may be anything */
		if (vector)
			memset(vector, 0, bytes);
		if (attrs)
			memset(attrs, 0, c->attr_size);
	}
	vexfs_read_unlock(c, idx);
}
VEXFS_EXPORT_KUNIT(vexfs_get_rows);
