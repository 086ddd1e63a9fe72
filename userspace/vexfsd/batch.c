// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers between kernel and store. They are allocated once and shared, so that memory
 * does not grow with the number of collections. A thread holds one for no longer than one
 * write to the disk.
 */
#include <errno.h>
#include <stdlib.h>

#include "vexfsd.h"

static int batch_make(struct batch *b)
{
	b->changes = calloc(BATCH_CHANGES, sizeof(*b->changes));
	b->ids = calloc(BATCH_CHANGES, sizeof(*b->ids));
	b->ops = calloc(BATCH_CHANGES, sizeof(*b->ops));
	b->errors = calloc(BATCH_CHANGES, sizeof(*b->errors));
	b->attrs = calloc(BATCH_CHANGES, VEXFS_ATTR_MAX);
	b->vectors = calloc(1, BATCH_BYTES);
	return b->changes && b->ids && b->ops && b->errors && b->attrs && b->vectors ? 0 : -ENOMEM;
}

int batches_make(struct daemon *d)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < BATCHES; i++)
		ret = batch_make(&d->batches[i]);
	return ret;
}

void batches_free(struct daemon *d)
{
	for (unsigned int i = 0; i < BATCHES; i++) {
		free(d->batches[i].changes);
		free(d->batches[i].ids);
		free(d->batches[i].ops);
		free(d->batches[i].errors);
		free(d->batches[i].attrs);
		free(d->batches[i].vectors);
	}
}

struct batch *batch_take(struct daemon *d)
{
	struct batch *b = NULL;

	pthread_mutex_lock(&d->lock);
	while (!b && !d->stopping) {
		for (unsigned int i = 0; i < BATCHES && !b; i++)
			if (!d->batches[i].taken)
				b = &d->batches[i];
		if (!b)
			pthread_cond_wait(&d->batch_free, &d->lock);
	}
	if (b)
		b->taken = true;
	pthread_mutex_unlock(&d->lock);
	return b;
}

void batch_give(struct daemon *d, struct batch *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&d->lock);
	b->taken = false;
	pthread_cond_broadcast(&d->batch_free);
	pthread_mutex_unlock(&d->lock);
}
