// SPDX-License-Identifier: GPL-2.0
/*
 * Entry points that take structures which may grow. The program may be older or newer
 * than the library, so its structures may be smaller or larger. Each is converted to the
 * library's size here, and the result back.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* Copies @from, which has @size bytes in the program, into @own. */
static int take(void *own, size_t known, const void *from, size_t size, struct vexfs_error *err)
{
	const unsigned char *p = from;

	memset(own, 0, known);
	if (size < sizeof(uint32_t))
		return vexfs_fail(err, EINVAL, "a structure of %zu bytes is none", size);
	for (size_t i = known; i < size; i++)
		if (p[i])
			return vexfs_fail(err, E2BIG,
					  "the structure has %zu bytes, this library knows %zu: what is asked for takes a newer one",
					  size, known);
	memcpy(own, from, size < known ? size : known);
	return 0;
}

/* Copies the result back. Members that the library does not know stay 0. */
static void give(void *to, size_t size, const void *own, size_t known)
{
	memcpy(to, own, size < known ? size : known);
}

/* Structures of operations begin with their size; the program's value is kept. */
#define REQUEST(name, type)									\
	_Static_assert(!offsetof(struct type, size), "the size comes first");			\
	int vexfs_do_##name##_sized(struct vexfs *h, struct type *req, size_t size,		\
				    struct vexfs_error *err)					\
	{											\
		struct type own;								\
		int ret = take(&own, sizeof(own), req, size, err);				\
												\
		if (ret)									\
			return ret;								\
		ret = vexfs_do_##name(h, &own, err);						\
		own.size = (uint32_t)size;							\
		give(req, size, &own, sizeof(own));						\
		return ret;									\
	}

REQUEST(stat, vexfs_stat)
REQUEST(set, vexfs_set)
REQUEST(put, vexfs_put)
REQUEST(get, vexfs_get)
REQUEST(delete, vexfs_delete)
REQUEST(distance, vexfs_distance)
REQUEST(walk, vexfs_walk)
REQUEST(search, vexfs_search)
REQUEST(classify, vexfs_classify)
REQUEST(index, vexfs_index_req)
REQUEST(check, vexfs_check)
REQUEST(stream, vexfs_stream_req)
REQUEST(rows, vexfs_rows)
REQUEST(ack, vexfs_ack)
REQUEST(wait, vexfs_wait)

/* Output only: the previous contents do not matter. */
int vexfs_do_info_sized(const char *device, struct vexfs_info *info, size_t size,
			struct vexfs_error *err)
{
	struct vexfs_info own;
	int ret = vexfs_do_info(device, &own, err);

	if (ret)
		return ret;
	memset(info, 0, size);
	own.size = (uint32_t)size;
	give(info, size, &own, sizeof(own));
	return 0;
}

int vexfs_do_create_sized(const char *device, struct vexfs_create *req, size_t size,
			  const char *name, const char *layout, struct vexfs **h,
			  struct vexfs_error *err)
{
	struct vexfs_create own;
	uint32_t flags;
	int ret;

	if (h)
		*h = NULL;
	ret = take(&own, sizeof(own), req, size, err);
	if (ret)
		return ret;
	flags = own.flags;
	ret = vexfs_do_create(device, &own, name, layout, h, err);
	/* Clears flags and pointers that apply to one call only. */
	own.flags = flags;
	own.layout = 0;
	own.layout_len = 0;
	own.size = (uint32_t)size;
	give(req, size, &own, sizeof(own));
	return ret;
}

int vexfs_file_open_sized(const char *path, struct vexfs_file **file, struct vexfs_file_info *info,
			  size_t size, struct vexfs_error *err)
{
	struct vexfs_file_info own;
	int ret = vexfs_file_open(path, file, &own, err);

	if (!ret && info) {
		memset(info, 0, size);
		give(info, size, &own, sizeof(own));
	}
	return ret;
}

int vexfs_file_create_sized(const char *path, const struct vexfs_file_info *info, size_t size,
			    struct vexfs_file **file, struct vexfs_error *err)
{
	struct vexfs_file_info own;
	int ret;

	*file = NULL;
	ret = take(&own, sizeof(own), info, size, err);
	return ret ? ret : vexfs_file_create(path, &own, file, err);
}

int vexfs_import_sized(struct vexfs *h, const char *path, struct vexfs_import_opts *opts,
		       size_t size, struct vexfs_error *err)
{
	struct vexfs_import_opts own;
	int ret = take(&own, sizeof(own), opts, size, err);

	if (ret)
		return ret;
	ret = vexfs_import(h, path, &own, err);
	give(opts, size, &own, sizeof(own));
	return ret;
}

int vexfs_export_sized(struct vexfs *h, const char *path, struct vexfs_export_opts *opts,
		       size_t size, struct vexfs_error *err)
{
	struct vexfs_export_opts own;
	int ret = take(&own, sizeof(own), opts, size, err);

	if (ret)
		return ret;
	ret = vexfs_export(h, path, &own, err);
	give(opts, size, &own, sizeof(own));
	return ret;
}
