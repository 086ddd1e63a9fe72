// SPDX-License-Identifier: GPL-2.0
/*
 * Imports and exports whole files in batches. Memory does not depend on the size of the
 * file, except for the ids of an export.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define BATCH_BYTES	(8u << 20)

struct batch {
	size_t rows;		/* room */
	size_t vector_bytes;
	unsigned char *vectors;
	uint64_t *ids;
	unsigned char *attrs;	/* NULL if there are none */
};

static void batch_free(struct batch *b)
{
	free(b->vectors);
	free(b->ids);
	free(b->attrs);
}

static int batch_alloc(struct batch *b, const struct vexfs *h, uint32_t format, bool attrs,
		       struct vexfs_error *err)
{
	b->vector_bytes = vexfs_vector_bytes(h, format);
	b->rows = BATCH_BYTES / b->vector_bytes;
	if (b->rows > VEXFS_BATCH_MAX)
		b->rows = VEXFS_BATCH_MAX;
	if (!b->rows)
		b->rows = 1;
	b->vectors = malloc(b->rows * b->vector_bytes);
	b->ids = malloc(b->rows * sizeof(uint64_t));
	b->attrs = attrs ? malloc(b->rows * h->attr_size) : NULL;
	if (b->vectors && b->ids && (b->attrs || !attrs))
		return 0;
	batch_free(b);
	return vexfs_fail(err, ENOMEM, "no memory for a batch of vectors");
}

/* ---- import ---- */

struct import {
	struct vexfs *h;
	struct vexfs_import_opts *opts;
	const char *path;
	struct vexfs_file *vectors, *ids, *attrs;
	struct vexfs_file_info info;
	struct vexfs_file_info ids_info;
	uint32_t format;
	struct batch batch;
};

/* Vectors of a b1 collection may be packed in the file, as rows of bytes. */
static bool is_packed_bits(const struct vexfs *h, const struct vexfs_file_info *info)
{
	return h->type == VEXFS_TYPE_B1 && info->elem == VEXFS_TYPE_U8 &&
	       info->dim == h->raw_bytes && info->dim != h->dim;
}

/* A second file with as many rows as the first, of which as many are skipped. */
static int open_side(struct import *im, const char *path, const char *what,
		     struct vexfs_file **file, struct vexfs_file_info *info,
		     struct vexfs_error *err)
{
	int ret = vexfs_file_open(path, file, info, err);

	if (ret)
		return ret;
	if (info->rows != im->info.rows)
		return vexfs_fail(err, EINVAL, "%s has %" PRIu64 " rows of %s, %s has %" PRIu64
				  " vectors", path, info->rows, what, im->path, im->info.rows);
	return vexfs_file_skip(*file, im->opts->skip, err);
}

static int import_open(struct import *im, struct vexfs_error *err)
{
	const struct vexfs *h = im->h;
	struct vexfs_file_info side;
	int ret;

	ret = vexfs_file_open(im->path, &im->vectors, &im->info, err);
	if (ret)
		return ret;
	im->format = im->info.elem == h->type || is_packed_bits(h, &im->info) ?
		     VEXFS_FORMAT_RAW : VEXFS_FORMAT_F32;
	if (im->info.dim != h->dim && !is_packed_bits(h, &im->info))
		return vexfs_fail(err, EINVAL, "%s has dimension %u, '%s' has %u", im->path,
				  im->info.dim, h->name, h->dim);
	if (im->opts->ids_path) {
		ret = open_side(im, im->opts->ids_path, "ids", &im->ids, &im->ids_info, err);
		if (ret)
			return ret;
		if (im->ids_info.dim != 1 || (im->ids_info.elem != VEXFS_ELEM_U64 &&
					      im->ids_info.elem != VEXFS_ELEM_I64))
			return vexfs_fail(err, EINVAL, "%s is not a list of 64-bit ids",
					  im->opts->ids_path);
	}
	if (im->opts->attrs_path) {
		ret = open_side(im, im->opts->attrs_path, "records", &im->attrs, &side, err);
		if (ret)
			return ret;
		if (side.elem != VEXFS_TYPE_U8 || side.dim != h->attr_size)
			return vexfs_fail(err, EINVAL, "%s has rows of %u x %s, a record of '%s' has %u bytes",
					  im->opts->attrs_path, side.dim, file_elem_name(side.elem),
					  h->name, h->attr_size);
	} else if (im->opts->attr && !h->attr_size) {
		return vexfs_fail(err, EINVAL, "'%s' has no attribute record", h->name);
	}
	ret = vexfs_file_skip(im->vectors, im->opts->skip, err);
	if (ret)
		return ret;
	return batch_alloc(&im->batch, h, im->format, im->attrs || im->opts->attr, err);
}

/* Fills a batch; returns the number of rows, or an error. */
static ssize_t import_read(struct import *im, size_t rows, struct vexfs_error *err)
{
	struct batch *b = &im->batch;
	ssize_t n, side;

	n = im->format == VEXFS_FORMAT_RAW ?
	    vexfs_file_read(im->vectors, b->vectors, rows, err) :
	    vexfs_file_read_f32(im->vectors, (float *)b->vectors, rows, err);
	if (n <= 0)
		return n;
	if (im->ids) {
		side = vexfs_file_read(im->ids, b->ids, (size_t)n, err);
		if (side < 0)
			return side;
	} else {
		for (ssize_t i = 0; i < n; i++)
			b->ids[i] = im->opts->first_id + im->opts->done + (uint64_t)i;
	}
	if (im->attrs) {
		side = vexfs_file_read(im->attrs, b->attrs, (size_t)n, err);
		if (side < 0)
			return side;
	} else if (b->attrs) {
		for (ssize_t i = 0; i < n; i++)
			memcpy(b->attrs + (size_t)i * im->h->attr_size, im->opts->attr,
			       im->h->attr_size);
	}
	return n;
}

static int import_loop(struct import *im, struct vexfs_error *err)
{
	struct vexfs_import_opts *opts = im->opts;
	uint64_t left = im->info.rows > opts->skip ? im->info.rows - opts->skip : 0;
	uint64_t total = opts->limit && opts->limit < left ? opts->limit : left;

	if (!im->ids && total && opts->first_id + (total - 1) < opts->first_id)
		return vexfs_fail(err, EINVAL, "first id %" PRIu64 ": %" PRIu64
				  " vectors do not fit below 2^64", opts->first_id, total);
	while (opts->done < total) {
		uint64_t want = total - opts->done;
		struct vexfs_put put = {
			.flags = opts->flags ? opts->flags : VEXFS_PUT_INSERT,
			.format = im->format,
			.ids = (uintptr_t)im->batch.ids,
			.vectors = (uintptr_t)im->batch.vectors,
			.attrs = (uintptr_t)im->batch.attrs,
			.priority = opts->priority,
		};
		ssize_t n = import_read(im, want < im->batch.rows ? (size_t)want : im->batch.rows,
					err);
		int ret;

		if (n < 0)
			return (int)n;
		put.count = (uint32_t)n;
		ret = vexfs_do_put(im->h, &put, err);
		opts->done += put.done;
		opts->kernel_ns += put.kernel_ns;
		if (ret && err) {
			char text[sizeof(err->text)];

			memcpy(text, err->text, sizeof(text));
			return vexfs_fail(err, -ret, "%s, row %" PRIu64 ": %s", im->path,
					  opts->skip + opts->done, text);
		}
		if (ret)
			return ret;
		if (opts->progress && opts->progress(opts->done, total, opts->arg))
			return vexfs_fail(err, ECANCELED, "stopped after %" PRIu64 " of %" PRIu64
					  " vectors", opts->done, total);
	}
	return 0;
}

int vexfs_import(struct vexfs *h, const char *path, struct vexfs_import_opts *opts,
		 struct vexfs_error *err)
{
	struct import im = { .h = h, .opts = opts, .path = path };
	int ret;

	vexfs_error_clear(err);
	opts->done = 0;
	opts->kernel_ns = 0;
	ret = import_open(&im, err);
	if (!ret) {
		ret = import_loop(&im, err);
		batch_free(&im.batch);
	}
	vexfs_file_close(im.vectors, NULL);
	vexfs_file_close(im.ids, NULL);
	vexfs_file_close(im.attrs, NULL);
	return ret;
}

/* ---- export ---- */

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int collect_ids(struct vexfs *h, uint64_t **out, uint64_t *count, struct vexfs_error *err)
{
	struct vexfs_walk walk = { 0 };
	uint64_t room = 0, n = 0;
	uint64_t *ids = NULL;

	do {
		int ret;

		if (room - n < VEXFS_BATCH_MAX) {
			uint64_t *more;

			room = 2 * room + VEXFS_BATCH_MAX;
			more = reallocarray(ids, room, sizeof(*ids));
			if (!more) {
				free(ids);
				return vexfs_fail(err, ENOMEM, "no memory for %" PRIu64 " ids", room);
			}
			ids = more;
		}
		walk.count = VEXFS_BATCH_MAX;
		walk.ids = (uintptr_t)(ids + n);
		ret = vexfs_do_walk(h, &walk, err);
		if (ret) {
			free(ids);
			return ret;
		}
		n += walk.count;
	} while (walk.cursor);
	qsort(ids, n, sizeof(*ids), by_id);
	*out = ids;
	*count = n;
	return 0;
}

/* The representation of the collection's rows in a file of that format. */
static void export_shape(const struct vexfs *h, int format, struct vexfs_file_info *info,
			 uint32_t *vector_format)
{
	bool npy = format == VEXFS_FILE_NPY;

	info->elem = VEXFS_TYPE_F32;
	info->dim = h->dim;
	*vector_format = VEXFS_FORMAT_F32;
	switch (h->type) {
	case VEXFS_TYPE_F16:
		if (npy)
			info->elem = VEXFS_TYPE_F16;
		break;
	case VEXFS_TYPE_I8:
		if (npy || format == VEXFS_FILE_I8BIN)
			info->elem = VEXFS_TYPE_I8;
		break;
	case VEXFS_TYPE_U8:
		if (npy || format == VEXFS_FILE_U8BIN || format == VEXFS_FILE_BVECS)
			info->elem = VEXFS_TYPE_U8;
		break;
	case VEXFS_TYPE_B1:
		if (npy || format == VEXFS_FILE_U8BIN || format == VEXFS_FILE_BVECS) {
			info->elem = VEXFS_TYPE_U8;
			info->dim = h->raw_bytes;
		}
		break;
	}
	if (info->elem != VEXFS_TYPE_F32 || h->type == VEXFS_TYPE_F32)
		*vector_format = VEXFS_FORMAT_RAW;
}

struct export {
	struct vexfs *h;
	struct vexfs_export_opts *opts;
	struct vexfs_file *vectors, *ids, *attrs;
	struct batch batch;
	int32_t *errors;
};

/* Exports one batch. Vectors that were deleted since their ids were read are left out. */
static int export_batch(struct export *ex, uint32_t format, size_t count, struct vexfs_error *err)
{
	struct batch *b = &ex->batch;
	struct vexfs_get get = {
		.format = format,
		.count = (uint32_t)count,
		.ids = (uintptr_t)b->ids,
		.vectors = (uintptr_t)b->vectors,
		.attrs = (uintptr_t)b->attrs,
		.errors = (uintptr_t)ex->errors,
	};
	size_t kept = 0;
	int ret;

	ret = vexfs_do_get(ex->h, &get, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < count; i++) {
		uint32_t attr = ex->h->attr_size;

		if (ex->errors[i])
			continue;
		if (i != kept) {
			memcpy(b->vectors + kept * b->vector_bytes, b->vectors + i * b->vector_bytes,
			       b->vector_bytes);
			b->ids[kept] = b->ids[i];
			if (b->attrs)
				memcpy(b->attrs + kept * attr, b->attrs + i * attr, attr);
		}
		kept++;
	}
	ret = vexfs_file_write(ex->vectors, b->vectors, kept, err);
	if (!ret && ex->ids)
		ret = vexfs_file_write(ex->ids, b->ids, kept, err);
	if (!ret && ex->attrs)
		ret = vexfs_file_write(ex->attrs, b->attrs, kept, err);
	ex->opts->done += kept;
	return ret;
}

static int export_open(struct export *ex, const char *path, struct vexfs_file_info *info,
		       struct vexfs_error *err)
{
	struct vexfs_file_info ids = { .elem = VEXFS_ELEM_U64, .dim = 1, .rows = info->rows };
	struct vexfs_file_info attrs = { .elem = VEXFS_TYPE_U8, .dim = ex->h->attr_size,
					 .rows = info->rows };
	int ret;

	ret = vexfs_file_create(path, info, &ex->vectors, err);
	if (!ret && ex->opts->ids_path)
		ret = vexfs_file_create(ex->opts->ids_path, &ids, &ex->ids, err);
	if (!ret && ex->opts->attrs_path) {
		if (!attrs.dim)
			return vexfs_fail(err, EINVAL, "'%s' has no attribute record", ex->h->name);
		ret = vexfs_file_create(ex->opts->attrs_path, &attrs, &ex->attrs, err);
	}
	return ret;
}

static int export_loop(struct export *ex, const uint64_t *ids, uint64_t total, uint32_t format,
		       struct vexfs_error *err)
{
	uint64_t at = 0;

	while (at < total) {
		size_t n = total - at < ex->batch.rows ? (size_t)(total - at) : ex->batch.rows;
		int ret;

		memcpy(ex->batch.ids, ids + at, n * sizeof(*ids));
		ret = export_batch(ex, format, n, err);
		if (ret)
			return ret;
		at += n;
		if (ex->opts->progress && ex->opts->progress(at, total, ex->opts->arg))
			return vexfs_fail(err, ECANCELED, "stopped after %" PRIu64 " of %" PRIu64
					  " vectors", at, total);
	}
	return 0;
}

int vexfs_export(struct vexfs *h, const char *path, struct vexfs_export_opts *opts,
		 struct vexfs_error *err)
{
	int format = opts->format ? (int)opts->format : vexfs_file_format_from_path(path);
	struct export ex = { .h = h, .opts = opts };
	struct vexfs_file_info info = { .format = (enum vexfs_file_format)(format > 0 ? format : 0) };
	uint32_t vector_format;
	uint64_t *ids = NULL;
	int ret;

	vexfs_error_clear(err);
	opts->done = 0;
	export_shape(h, format, &info, &vector_format);
	ret = collect_ids(h, &ids, &info.rows, err);
	if (ret)
		return ret;
	ret = export_open(&ex, path, &info, err);
	if (!ret)
		ret = batch_alloc(&ex.batch, h, vector_format, ex.attrs, err);
	if (!ret) {
		ex.errors = malloc(ex.batch.rows * sizeof(*ex.errors));
		ret = ex.errors ? export_loop(&ex, ids, info.rows, vector_format, err) :
		      vexfs_fail(err, ENOMEM, "no memory for a batch of vectors");
		free(ex.errors);
		batch_free(&ex.batch);
	}
	free(ids);
	if (!ret) {
		ret = vexfs_file_close(ex.attrs, err);
		ex.attrs = NULL;
	}
	if (!ret) {
		ret = vexfs_file_close(ex.ids, err);
		ex.ids = NULL;
	}
	if (!ret) {
		ret = vexfs_file_close(ex.vectors, err);
		ex.vectors = NULL;
	}
	vexfs_file_abandon(ex.attrs);
	vexfs_file_abandon(ex.ids);
	vexfs_file_abandon(ex.vectors);
	return ret;
}
