// SPDX-License-Identifier: GPL-2.0
/*
 * How another module uses vexfs: it makes a collection of colours, asks for the one
 * nearest to a wish, prints it, and cleans up. Build it against a built vexfs:
 *
 *	make -C KERNEL M=$PWD VEXFS=PATH_TO_VEXFS KBUILD_EXTRA_SYMBOLS=PATH_TO_ITS_Module.symvers
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/vexfs_kernel.h>

static const char * const names[] = { "red", "green", "blue", "white", "black", "orange" };
static u8 colours[][3] = {
	{ 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 }, { 255, 255, 255 }, { 0, 0, 0 },
	{ 255, 165, 0 },
};

static int fill(struct vexfs_client *client)
{
	static const u64 ids[] = { 0, 1, 2, 3, 4, 5 };
	struct vexfs_client_vectors v = {
		.flags = VEXFS_PUT_INSERT,
		.format = VEXFS_FORMAT_RAW,	/* u8, as the collection has them */
		.count = ARRAY_SIZE(ids),
		.ids = ids,
		.vectors = colours,
	};

	return vexfs_client_put(client, &v);
}

static int ask(struct vexfs_client *client)
{
	static const u8 wish[3] = { 250, 150, 30 };
	struct vexfs_client_hit hits[2];
	u32 count;
	struct vexfs_client_search s = {
		.flags = VEXFS_SEARCH_EXACT,
		.format = VEXFS_FORMAT_RAW,
		.count = 1,
		.k = ARRAY_SIZE(hits),
		.queries = wish,
		.hits = hits,
		.counts = &count,
	};
	int err = vexfs_client_search(client, &s);
	u32 i;

	for (i = 0; !err && i < count; i++)
		pr_info("vexfs_example: %s, squared distance %lld\n", names[hits[i].id],
			vexfs_distance_milli(hits[i].distance) / 1000);
	return err;
}

static int __init example_init(void)
{
	struct vexfs_create req = {
		.name = "example-colours",
		.dim = 3,
		.type = VEXFS_TYPE_U8,
		.metric = VEXFS_METRIC_L2,
	};
	struct vexfs_client *client = vexfs_client_create(&req, NULL);
	int err;

	if (IS_ERR(client))
		return PTR_ERR(client);
	err = fill(client);
	if (!err)
		err = ask(client);
	vexfs_client_close(client);
	vexfs_client_drop(req.name);
	return err;
}

static void __exit example_exit(void)
{
}

module_init(example_init);
module_exit(example_exit);

MODULE_DESCRIPTION("Example of the kernel API of vexfs");
MODULE_AUTHOR("vexfs maintainers");
MODULE_LICENSE("GPL");
#ifdef VEXFS_BARE_NAMESPACES	/* kernels before 6.13 */
MODULE_IMPORT_NS(VEXFS);
#else
MODULE_IMPORT_NS("VEXFS");
#endif
