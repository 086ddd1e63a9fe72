// SPDX-License-Identifier: GPL-2.0
/* Verbs that transfer whole files: import and export. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vexctl.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int report(struct ctl *c, const char *what, uint64_t done, uint64_t kernel_ns,
		  uint64_t wall_ns)
{
	ctl_progress_end(c);
	if (!c->json) {
		printf("%s %" PRIu64 " vectors in %.3f s\n", what, done, (double)wall_ns / 1e9);
		return EXIT_OK;
	}
	json_object_begin(&c->out);
	json_kv_u64(&c->out, what, done);
	if (kernel_ns)
		json_kv_u64(&c->out, "kernel_ns", kernel_ns);
	json_kv_u64(&c->out, "wall_ns", wall_ns);
	json_object_end(&c->out);
	json_finish(&c->out);
	return EXIT_OK;
}

static int run_import(struct ctl *c)
{
	const char *attr = opt_string(c, "attr", NULL);
	unsigned char record[VEXFS_ATTR_MAX] = { 0 };
	struct vexfs_import_opts opts = {
		.skip = opt_u64(c, "skip", 0),
		.limit = opt_u64(c, "limit", 0),
		.first_id = opt_u64(c, "first-id", 0),
		.ids_path = opt_string(c, "ids", NULL),
		.attrs_path = opt_string(c, "attrs", NULL),
		.flags = opt_given(c, "upsert") ? VEXFS_PUT_UPSERT : VEXFS_PUT_INSERT,
		.progress = ctl_progress,
		.arg = c,
	};
	uint64_t start = now_ns();
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (opts.ids_path && opt_given(c, "first-id"))
		return ctl_usage(c, "--ids and --first-id exclude each other");
	if (opts.attrs_path && attr)
		return ctl_usage(c, "--attrs and --attr exclude each other");
	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		return ctl_fail(c, &err);
	if (attr) {
		struct vexfs_layout layout;

		if (vexfs_layout_parse(vexfs_layout_text(h), &layout, &err) ||
		    vexfs_record_parse(&layout, attr, record, &err)) {
			vexfs_close(h);
			return ctl_fail(c, &err);
		}
		opts.attr = record;
	}
	if (opt_given(c, "limit") && !opts.limit)
		ret = report(c, "imported", 0, 0, now_ns() - start);
	else if (vexfs_import(h, c->argv[1], &opts, &err))
		ret = ctl_fail(c, &err);
	else
		ret = report(c, "imported", opts.done, opts.kernel_ns, now_ns() - start);
	vexfs_close(h);
	return ret;
}

static int run_export(struct ctl *c)
{
	struct vexfs_export_opts opts = {
		.ids_path = opt_string(c, "ids", NULL),
		.attrs_path = opt_string(c, "attrs", NULL),
		.progress = ctl_progress,
		.arg = c,
	};
	uint64_t start = now_ns();
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &h, &err))
		return ctl_fail(c, &err);
	/* Removes files that are incomplete. */
	stop_on_signals();
	if (vexfs_export(h, c->argv[1], &opts, &err))
		ret = ctl_fail(c, &err);
	else
		ret = report(c, "exported", opts.done, 0, now_ns() - start);
	vexfs_close(h);
	if (ret && stop_wanted())
		end_by_signal();
	return ret;
}

static const struct opt import_opts[] = {
	{ "limit", 0, OPT_U64, "N", "take at most N vectors" },
	{ "skip", 0, OPT_U64, "N", "skip the first N vectors of the file" },
	{ "first-id", 0, OPT_U64, "N", "id of the first imported vector, default 0; the others count up" },
	{ "ids", 0, OPT_STRING, "FILE.npy", "ids, one 64-bit number per vector of the file" },
	{ "attrs", 0, OPT_STRING, "FILE", "attribute records, rows of bytes (.u8bin or .npy)" },
	{ "attr", 0, OPT_STRING, "A=1,B=2", "one attribute record for all vectors" },
	{ "upsert", 0, OPT_FLAG, NULL, "replace vectors whose id exists" },
	{ 0 },
};

static const struct opt export_opts[] = {
	{ "ids", 0, OPT_STRING, "FILE.npy", "write the ids to this file" },
	{ "attrs", 0, OPT_STRING, "FILE", "write the attribute records to this file (.u8bin or .npy)" },
	{ 0 },
};

const struct verb file_verbs[] = {
	{ "import", "NAME FILE", 2, 2, "store the vectors of a file",
	  "The suffix of the file name selects the format: .fvecs .ivecs .bvecs .fbin .u8bin .i8bin or "
	  ".npy. Numbers are converted to the collection's type; bits of a b1 collection may come "
	  "packed, as rows of bytes. When a vector is refused, those before it are stored.",
	  import_opts, run_import },
	{ "export", "NAME FILE", 2, 2, "write all vectors to a file",
	  "Vectors are written in the order of their ids. The suffix of the file name selects "
	  "the format; a type that the format does not know is written as f32. The file appears when it "
	  "is complete.", export_opts, run_export },
	{ 0 },
};
