// SPDX-License-Identifier: GPL-2.0
/*
 * How much of the disk a user's collections may take, so that one user does not fill the
 * disk of all. Root has no limit. Those who hold many user ids through a user namespace
 * are not limited by id, so the collections of such a namespace count together.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#include "vexfsd.h"

#define MIB	((uint64_t)1 << 20)

int quota_begin(struct daemon *d)
{
	struct statvfs fs;

	if (d->opts.user_limited) {
		d->user_max = d->opts.user_mb * MIB;
		return 0;
	}
	if (statvfs(d->opts.store, &fs))
		return -errno;
	d->user_max = (uint64_t)fs.f_blocks * fs.f_frsize / 2;
	return 0;
}

void quota_note(struct coll *k)
{
	const struct store_meta *m = store_coll_meta(k->c);
	struct store_info info;

	store_coll_info(k->c, &info);
	k->owner = m->uid;
	k->user_ns = m->user_ns;
	k->bytes = info.bytes;
}

int quota_check(struct coll *k, const struct store_meta *meta, struct store_error *err)
{
	struct daemon *d = k->d;
	bool foreign = meta->user_ns != d->user_ns;
	uint64_t used = 0;

	if (!d->user_max || (!meta->uid && !foreign))
		return 0;
	pthread_mutex_lock(&d->lock);
	for (struct coll *o = d->colls; o; o = o->next)
		if (foreign ? o->user_ns == meta->user_ns :
		    o->owner == meta->uid && o->user_ns == d->user_ns)
			used += o->bytes;
	pthread_mutex_unlock(&d->lock);
	if (used < d->user_max)
		return 0;
	return store_fail(err, EDQUOT, "the collections of %s %u take %" PRIu64
			  " MiB in the store, of %" PRIu64 " that they may",
			  foreign ? "user namespace" : "user",
			  foreign ? (unsigned int)meta->user_ns : meta->uid,
			  used / MIB, d->user_max / MIB);
}
