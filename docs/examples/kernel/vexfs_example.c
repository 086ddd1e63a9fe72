// SPDX-License-Identifier: GPL-2.0
/*
 * How another module uses vexfs: it makes a collection of colours, asks for the one
 * nearest to a wish, has a graph built, lets the neighbours say whether the wish is a
 * warm colour, has all of it checked, and cleans up. It prints what it finds and keeps
 * nothing. Build it against a built vexfs:
 *
 *	make -C KERNEL M=$PWD VEXFS=PATH_TO_VEXFS KBUILD_EXTRA_SYMBOLS=PATH_TO_ITS_Module.symvers
 */
#include <linux/delay.h>
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
static u8 warm[] = { 1, 0, 0, 0, 0, 1 };
static const u8 wish[3] = { 250, 150, 30 };

static int fill(struct vexfs_client *client)
{
	static const u64 ids[] = { 0, 1, 2, 3, 4, 5 };
	struct vexfs_client_vectors v = {
		.flags = VEXFS_PUT_INSERT,
		.format = VEXFS_FORMAT_RAW,	/* u8, as the collection has them */
		.count = ARRAY_SIZE(ids),
		.ids = ids,
		.vectors = colours,
		.attrs = warm,			/* a byte each */
	};

	return vexfs_client_put(client, &v);
}

static int ask(struct vexfs_client *client)
{
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

/* Searches find the same without a graph; with one, they look at fewer of many. */
static int build(struct vexfs_client *client)
{
	const struct vexfs_index_req req = { .op = VEXFS_INDEX_OP_BUILD, .m = 8 };
	int err = vexfs_client_index(client, &req);
	struct vexfs_stat st;

	if (err)
		return err;
	do {
		msleep(20);
		err = vexfs_client_stat(client, &st);
	} while (!err && st.index_state == VEXFS_INDEX_BUILDING);
	if (!err)
		pr_info("vexfs_example: graph of %llu colours\n", st.index_done);
	return err;
}

static int vote(struct vexfs_client *client)
{
	struct vexfs_vote votes[2];
	struct vexfs_client_classify q = {
		.format = VEXFS_FORMAT_RAW,
		.k = 3,
		.field_size = sizeof(warm[0]),
		.query = wish,
		.votes = votes,
		.count = ARRAY_SIZE(votes),
	};
	int err = vexfs_client_classify(client, &q);

	if (!err)
		pr_info("vexfs_example: %s, by %u votes of 3\n",
			votes[0].value ? "warm" : "not warm", votes[0].votes);
	return err;
}

static int check(struct vexfs_client *client)
{
	struct vexfs_check check;
	int err = vexfs_client_check(client, &check);

	if (!err)
		pr_info("vexfs_example: %llu colours, %llu reachable, %llu faults\n",
			check.vectors, check.reachable, check.faults);
	return err;
}

static int __init example_init(void)
{
	struct vexfs_create req = {
		.name = "example-colours",
		.dim = 3,
		.type = VEXFS_TYPE_U8,
		.metric = VEXFS_METRIC_L2,
		.attr_size = sizeof(warm[0]),
	};
	struct vexfs_client *client = vexfs_client_create(&req, NULL);
	int err;

	if (IS_ERR(client))
		return PTR_ERR(client);
	err = fill(client);
	if (!err)
		err = ask(client);
	if (!err)
		err = build(client);
	if (!err)
		err = vote(client);
	if (!err)
		err = check(client);
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
