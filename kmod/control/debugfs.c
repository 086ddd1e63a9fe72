// SPDX-License-Identifier: GPL-2.0
/*
 * Files under vexfs in debugfs. The layers below write into a seq_file and know nothing
 * of debugfs; this file knows nothing of what they write.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "control/collections.h"
#include "control/debugfs.h"
#include "control/look.h"
#include "control/summary.h"
#include "math/fpu.h"
#include "math/proof.h"
#include "stat/show.h"

typedef void (*show_fn)(struct seq_file *m);

/**
 * struct debugfs_file - one file
 * @dir: directory under vexfs, or NULL
 * @name: its name
 * @show: writes the whole of it
 */
struct debugfs_file {
	const char *dir;
	const char *name;
	show_fn show;
};

/* Files of one directory stand together. */
static const struct debugfs_file files[] = {
	{ NULL, "summary", vexfs_show_summary },
	{ NULL, "fpu", vexfs_fpu_show },
	{ NULL, "pools", vexfs_show_pools },
	{ NULL, "stack", vexfs_show_stack },
	{ NULL, "ops", vexfs_show_ops },
	{ NULL, "events", vexfs_show_events },
	{ NULL, "counters", vexfs_show_counters },
	{ "simd", "variants", vexfs_math_show_variants },
	{ "simd", "selftest", vexfs_math_show_selftest },
	{ "simd", "bench", vexfs_math_show_bench },
};

static struct dentry *root;

static int debugfs_file_show(struct seq_file *m, void *unused)
{
	const struct debugfs_file *f = m->private;

	f->show(m);
	return 0;
}

static int debugfs_file_open(struct inode *inode, struct file *file)
{
	if (!vexfs_control_open())
		return -EAGAIN;
	/* Large enough for the whole file, since a second attempt would measure again. */
	return single_open_size(file, debugfs_file_show, inode->i_private, SZ_64K);
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = debugfs_file_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

int vexfs_debugfs_init(void)
{
	struct dentry *dir = NULL;
	const char *name = NULL;
	size_t i;

	/* debugfs is only for reading: the module works without it. */
	root = debugfs_create_dir("vexfs", NULL);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		const struct debugfs_file *f = &files[i];

		if (f->dir && (!name || strcmp(f->dir, name)))
			dir = debugfs_create_dir(f->dir, root);
		name = f->dir;
		debugfs_create_file(f->name, 0400, f->dir ? dir : root, (void *)f, &fops);
	}
	return vexfs_collections_show_init(root);
}

void vexfs_debugfs_exit(void)
{
	vexfs_collections_show_exit();
	debugfs_remove_recursive(root);
}
