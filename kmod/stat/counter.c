// SPDX-License-Identifier: GPL-2.0
/*
 * The list of subjects of the statistics. The values belong to the subjects.
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "stat/counter.h"

/*
 * Protects the list. Held while a subject is read or reset, so that the subject cannot be removed.
 */
static DEFINE_MUTEX(subjects_lock);
static LIST_HEAD(subjects);

static struct vexfs_subject *find_subject(const char *name)
{
	struct vexfs_subject *s;

	list_for_each_entry(s, &subjects, node)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

int vexfs_subject_add(struct vexfs_subject *s)
{
	int err = 0;

	if (s->counters_n > VEXFS_SUBJECT_COUNTERS_MAX)
		return -EINVAL;
	mutex_lock(&subjects_lock);
	if (find_subject(s->name))
		err = -EEXIST;
	else
		list_add_tail(&s->node, &subjects);
	mutex_unlock(&subjects_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_subject_add);

void vexfs_subject_del(struct vexfs_subject *s)
{
	mutex_lock(&subjects_lock);
	list_del(&s->node);
	mutex_unlock(&subjects_lock);
}
VEXFS_EXPORT_KUNIT(vexfs_subject_del);

struct vexfs_subject *vexfs_subject_find(const char *name)
{
	struct vexfs_subject *s;

	mutex_lock(&subjects_lock);
	s = find_subject(name);
	mutex_unlock(&subjects_lock);
	return s;
}
VEXFS_EXPORT_KUNIT(vexfs_subject_find);

int vexfs_subject_walk(int (*fn)(struct vexfs_subject *s, void *arg), void *arg)
{
	struct vexfs_subject *s;
	int ret = 0;

	mutex_lock(&subjects_lock);
	list_for_each_entry(s, &subjects, node) {
		ret = fn(s, arg);
		if (ret)
			break;
	}
	mutex_unlock(&subjects_lock);
	return ret;
}
VEXFS_EXPORT_KUNIT(vexfs_subject_walk);

int vexfs_subject_reset(const char *name)
{
	bool all = !strcmp(name, "all");
	struct vexfs_subject *s;
	int err = all ? 0 : -ENOENT;

	mutex_lock(&subjects_lock);
	list_for_each_entry(s, &subjects, node) {
		if (!all && strcmp(s->name, name))
			continue;
		if (s->reset)
			err = s->reset();
		else if (!all)
			err = -EOPNOTSUPP;
		if (err)
			break;
		if (!all)
			break;
	}
	mutex_unlock(&subjects_lock);
	return err;
}
VEXFS_EXPORT_KUNIT(vexfs_subject_reset);
