// SPDX-License-Identifier: GPL-2.0
/*
 * A directory of debugfs for each collection: its properties, its graph, and a file that
 * checks it when read. A worker keeps the directories in step with the registry. An open
 * file does not hold its collection.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/ns_common.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "control/collections.h"
#include "index/index.h"
#include "store/store.h"

/**
 * struct shown - a collection that has a directory
 * @node: in shown_list, by rising serial
 * @serial: of the collection
 * @dir: its directory
 */
struct shown {
	struct list_head node;
	u64 serial;
	struct dentry *dir;
};

/* Only the worker uses them while it may run. */
static LIST_HEAD(shown_list);
static struct dentry *parent;

static void sync_dirs(struct work_struct *work);
static DECLARE_WORK(sync_work, sync_dirs);

/* The collection of a file, referenced, or NULL when it was dropped. */
static struct vexfs_collection *collection_of(struct seq_file *m)
{
	return vexfs_collection_by_serial((unsigned long)m->private);
}

static int info_show(struct seq_file *m, void *unused)
{
	struct vexfs_collection *c = collection_of(m);
	struct vexfs_stat st = {};

	if (!c)
		return -ENOENT;
	vexfs_collection_stat(c, &st);
	vexfs_collection_put(c);
	seq_printf(m, "type %s\nmetric %s\ndim %u\nattr_size %u\n", vexfs_type_name(st.type),
		   vexfs_metric_name(st.metric), st.dim, st.attr_size);
	seq_printf(m, "count %llu\ncapacity %llu\nbytes %llu\n", st.count, st.capacity, st.bytes);
	seq_printf(m, "row_bytes %u\nstride %u\nmode %04o\nuid %u\ngid %u\n", st.row_bytes,
		   st.stride, st.mode, st.uid, st.gid);
	seq_printf(m, "created %lld\nsequence %llu\n", st.created, st.seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(info);

static int ops_show(struct seq_file *m, void *unused)
{
	struct vexfs_collection *c = collection_of(m);
	struct vexfs_counts n;

	if (!c)
		return -ENOENT;
	vexfs_collection_counts(c, &n);
	vexfs_collection_put(c);
	seq_printf(m, "searches %llu\nreads %llu\nputs %llu\ndeletes %llu\nothers %llu\nerrors %llu\n",
		   n.n[VEXFS_COUNTED_SEARCH], n.n[VEXFS_COUNTED_READ], n.n[VEXFS_COUNTED_PUT],
		   n.n[VEXFS_COUNTED_DELETE], n.n[VEXFS_COUNTED_OTHER],
		   n.n[VEXFS_COUNTED_ERROR]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ops);

static const char *state_name(u32 state)
{
	static const char *const names[] = {
		[VEXFS_INDEX_ABSENT] = "absent", [VEXFS_INDEX_BUILDING] = "building",
		[VEXFS_INDEX_READY] = "ready", [VEXFS_INDEX_STOPPED] = "stopped",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static int graph_show(struct seq_file *m, void *unused)
{
	struct vexfs_collection *c = collection_of(m);
	struct vexfs_stat st = {};

	if (!c)
		return -ENOENT;
	vexfs_collection_stat(c, &st);
	vexfs_collection_put(c);
	seq_printf(m, "state %s\ndone %llu\nof %llu\nbytes %llu\n", state_name(st.index_state),
		   st.index_done, st.count, st.index_bytes);
	seq_printf(m, "m %u\nef_construction %u\ncode %u\n", st.m, st.ef_construction, st.code);
	seq_printf(m, "error %u\n", st.index_error);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(graph);

static int check_show(struct seq_file *m, void *unused)
{
	struct vexfs_collection *c = collection_of(m);
	struct vexfs_check *check;
	int err = -ENOMEM;

	if (!c)
		return -ENOENT;
	check = kzalloc(sizeof(*check), GFP_KERNEL);
	if (check)
		err = vexfs_check(c, check);
	if (!err) {
		seq_printf(m, "vectors %llu\nreachable %llu\nlinks %llu\nfaults %llu\n",
			   check->vectors, check->reachable, check->links, check->faults);
		if (*check->report)
			seq_printf(m, "report %s\n", check->report);
	}
	kfree(check);
	vexfs_collection_put(c);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(check);

static struct shown *shown_new(struct vexfs_collection *c)
{
	struct shown *s = kzalloc(sizeof(*s), GFP_KERNEL);
	char name[VEXFS_NAME_SIZE + 16];
	struct vexfs_stat st;
	void *serial;

	if (!s)
		return NULL;
	vexfs_collection_stat(c, &st);
	/* Other user namespaces may have collections of the same name. */
	if (st.user_ns == init_user_ns.ns.inum)
		strscpy(name, st.name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%s@%u", st.name, st.user_ns);
	s->serial = st.serial;
	serial = (void *)(unsigned long)st.serial;
	s->dir = debugfs_create_dir(name, parent);
	debugfs_create_file("info", 0400, s->dir, serial, &info_fops);
	debugfs_create_file("ops", 0400, s->dir, serial, &ops_fops);
	debugfs_create_file("graph", 0400, s->dir, serial, &graph_fops);
	debugfs_create_file("check", 0400, s->dir, serial, &check_fops);
	return s;
}

static void shown_end(struct shown *s)
{
	debugfs_remove_recursive(s->dir);
	list_del(&s->node);
	kfree(s);
}

/*
 * List and registry are both ordered by serial number, so that one walk compares them. A name may
 * be used again, so directories of dropped collections are removed before new ones are created.
 */
static void sync_dirs(struct work_struct *work)
{
	struct vexfs_collection *c;
	struct shown *s, *next, *last;
	u64 cursor = 0;

	s = list_first_entry(&shown_list, struct shown, node);
	while ((c = vexfs_collection_next(&cursor, VEXFS_SEE_ALL))) {
		while (!list_entry_is_head(s, &shown_list, node) && s->serial < vexfs_collection_serial(c)) {
			next = list_next_entry(s, node);
			shown_end(s);
			s = next;
		}
		if (!list_entry_is_head(s, &shown_list, node))
			s = list_next_entry(s, node);
		vexfs_collection_put(c);
		cond_resched();
	}
	while (!list_entry_is_head(s, &shown_list, node)) {
		next = list_next_entry(s, node);
		shown_end(s);
		s = next;
	}

	last = list_empty(&shown_list) ? NULL : list_last_entry(&shown_list, struct shown, node);
	cursor = last ? last->serial + 1 : 0;
	while ((c = vexfs_collection_next(&cursor, VEXFS_SEE_ALL))) {
		s = shown_new(c);
		vexfs_collection_put(c);
		if (!s)
			break;
		list_add_tail(&s->node, &shown_list);
		cond_resched();
	}
}

static void registry_changed(void)
{
	queue_work(system_dfl_wq, &sync_work);
}

int vexfs_collections_show_init(struct dentry *root)
{
	parent = debugfs_create_dir("collections", root);
	vexfs_registry_watch(registry_changed);
	return 0;
}

void vexfs_collections_show_exit(void)
{
	struct shown *s, *next;

	vexfs_registry_watch(NULL);
	/* No collection can be created any more, so the watcher is not running. */
	cancel_work_sync(&sync_work);
	list_for_each_entry_safe(s, next, &shown_list, node)
		shown_end(s);
}
