// SPDX-License-Identifier: GPL-2.0
#include "leftover.h"

#include <pthread.h>
#include <stddef.h>

static struct leftover *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void leftover_add(struct leftover *l, void (*end)(struct leftover *l))
{
	l->end = end;
	pthread_mutex_lock(&lock);
	l->next = all;
	l->link = &all;
	if (all)
		all->link = &l->next;
	all = l;
	pthread_mutex_unlock(&lock);
}

void leftover_remove(struct leftover *l)
{
	pthread_mutex_lock(&lock);
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	pthread_mutex_unlock(&lock);
}

void leftovers_end(void)
{
	struct leftover *l;

	while ((l = all)) {
		leftover_remove(l);
		l->end(l);
	}
}
