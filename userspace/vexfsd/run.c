// SPDX-License-Identifier: GPL-2.0
/*
 * RUN is a file beside the store. It names the module instance that was served last, and
 * pairs the kernel's collections with those of the store. If the same instance no longer
 * has a collection of this list, that collection was dropped. A pair without a number of
 * the kernel is a collection that is only in the store: it is still to be restored, or
 * cannot be. For any other instance, all collections are restored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "crc32c.h"
#include "vexfsd.h"

#define RUN_MAGIC	0x315552564c4b4e53ull
#define RUN_MAX		1000000u

struct run_head {
	uint64_t magic;
	uint64_t instance;
	uint8_t store[16];
	uint32_t count;
	/* checksum of this header, in which it counts as 0, and of the pairs */
	uint32_t crc;
};

struct run_pair {
	uint64_t key;
	uint64_t serial;
};

static uint32_t run_crc(const struct run_head *h, const struct run_pair *pairs)
{
	struct run_head copy = *h;

	copy.crc = 0;
	return crc32c(crc32c(0, &copy, sizeof(copy)), pairs, h->count * sizeof(*pairs));
}

int run_read(struct daemon *d, uint64_t *last,
	     int (*fn)(void *arg, uint64_t key, uint64_t serial), void *arg)
{
	struct run_head h;
	struct run_pair *pairs;
	void *data;
	size_t len;
	int ret = store_slurp(d->io, "RUN", sizeof(h) + RUN_MAX * sizeof(*pairs), &data, &len);

	*last = 0;
	if (ret)
		return ret;
	ret = -EUCLEAN;
	if (len >= sizeof(h)) {
		memcpy(&h, data, sizeof(h));
		pairs = (struct run_pair *)((uint8_t *)data + sizeof(h));
		/* The file of a copied store says nothing about this one. */
		if (h.magic == RUN_MAGIC && h.count <= RUN_MAX &&
		    len == sizeof(h) + h.count * sizeof(*pairs) &&
		    h.crc == run_crc(&h, pairs) && !memcmp(h.store, store_id(d->s), 16)) {
			ret = 0;
			for (uint32_t i = 0; !ret && i < h.count; i++)
				ret = fn(arg, pairs[i].key, pairs[i].serial);
			/* Half of the pairs would be worse than none. */
			if (!ret)
				*last = h.instance;
		}
	}
	free(data);
	return ret;
}

int run_write(struct daemon *d)
{
	struct run_head *h;
	struct run_pair *pairs;
	size_t room = 0;
	int ret;

	pthread_mutex_lock(&d->run_lock);
	pthread_mutex_lock(&d->lock);
	for (struct coll *k = d->colls; k; k = k->next)
		room++;
	h = calloc(1, sizeof(*h) + room * sizeof(*pairs));
	if (h) {
		*h = (struct run_head) { .magic = RUN_MAGIC, .instance = d->instance };
		memcpy(h->store, store_id(d->s), sizeof(h->store));
		pairs = (struct run_pair *)(h + 1);
		for (struct coll *k = d->colls; k; k = k->next)
			if (k->key)
				pairs[h->count++] = (struct run_pair) { k->key, k->serial };
		h->crc = run_crc(h, pairs);
	}
	pthread_mutex_unlock(&d->lock);
	ret = h ? store_replace(d->io, "RUN", h, sizeof(*h) + h->count * sizeof(*pairs)) : -ENOMEM;
	free(h);
	pthread_mutex_unlock(&d->run_lock);
	return ret;
}
