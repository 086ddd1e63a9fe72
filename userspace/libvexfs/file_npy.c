// SPDX-License-Identifier: GPL-2.0
/*
 * The header of NumPy's .npy files: a magic number, a version, a length, and a Python
 * dictionary as text. Only the keys of such a header are parsed, and the text need not be
 * terminated.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define NPY_HEADER_MAX	65536
#define NPY_OUR_HEADER	128

static const struct {
	const char *descr;
	unsigned int elem;
} npy_types[] = {
	{ "<f4", VEXFS_TYPE_F32 }, { "<f2", VEXFS_TYPE_F16 }, { "<f8", VEXFS_ELEM_F64 },
	{ "|i1", VEXFS_TYPE_I8 }, { "|u1", VEXFS_TYPE_U8 }, { "<i4", VEXFS_ELEM_I32 },
	{ "<u8", VEXFS_ELEM_U64 }, { "<i8", VEXFS_ELEM_I64 },
};

static int npy_fail(const struct vexfs_file *file, struct vexfs_error *err, const char *why)
{
	return vexfs_fail(err, EINVAL, "%s: not a .npy file that can be read: %s", file->path, why);
}

/* The value of a key in the dictionary. */
static const char *value_of(const char *header, const char *key)
{
	char quoted[32];
	const char *s;

	snprintf(quoted, sizeof(quoted), "'%s'", key);
	s = strstr(header, quoted);
	if (!s)
		return NULL;
	s += strlen(quoted);
	s += strspn(s, " ");
	if (*s != ':')
		return NULL;
	s++;
	return s + strspn(s, " ");
}

static bool read_u64(const char **s, uint64_t *v)
{
	char *end;

	*s += strspn(*s, " ");
	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	*v = strtoull(*s, &end, 10);
	*s = end + strspn(end, " L");
	return !errno;
}

static int read_shape(struct vexfs_file *file, const char *s, struct vexfs_error *err)
{
	uint64_t rows, dim = 1;

	if (!s || *s++ != '(' || !read_u64(&s, &rows) || *s != ',')
		return npy_fail(file, err, "its shape is not (rows, dimension)");
	s++;
	s += strspn(s, " ");
	if (*s != ')') {
		if (!read_u64(&s, &dim) || *s != ')')
			return npy_fail(file, err, "its shape is not (rows, dimension)");
	}
	if (!dim || dim > VEXFS_DIM_MAX)
		return vexfs_fail(err, EINVAL, "%s: dimension %" PRIu64 ": it must be 1 to %u",
				  file->path, dim, VEXFS_DIM_MAX);
	file->info.rows = rows;
	file->info.dim = (uint32_t)dim;
	return 0;
}

static int read_dictionary(struct vexfs_file *file, const char *header, struct vexfs_error *err)
{
	const char *descr = value_of(header, "descr");
	const char *order = value_of(header, "fortran_order");
	size_t i;

	for (i = 0; descr && i < ARRAY_SIZE(npy_types); i++)
		if (*descr == '\'' && !strncmp(descr + 1, npy_types[i].descr, 3) &&
		    descr[4] == '\'')
			break;
	if (!descr || i == ARRAY_SIZE(npy_types))
		return npy_fail(file, err,
				"its type is none of <f4 <f2 <f8 |i1 |u1 <i4 <i8 <u8");
	file->info.elem = npy_types[i].elem;
	if (!order || strncmp(order, "False", 5))
		return npy_fail(file, err, "its order is not that of C");
	return read_shape(file, value_of(header, "shape"), err);
}

int npy_read_header(struct vexfs_file *file, uint64_t *data_at, struct vexfs_error *err)
{
	unsigned char start[12];
	size_t len, prefix;
	char *header;
	int ret;

	if (fread(start, 1, 10, file->f) != 10 || memcmp(start, "\x93NUMPY", 6))
		return npy_fail(file, err, "its magic is missing");
	if (start[6] < 1 || start[6] > 3)
		return npy_fail(file, err, "its version is not 1, 2 or 3");
	len = (size_t)start[8] | (size_t)start[9] << 8;
	prefix = 10;
	if (start[6] > 1) {
		if (fread(start + 10, 1, 2, file->f) != 2)
			return npy_fail(file, err, "it is cut short");
		len |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
		prefix = 12;
	}
	if (len > NPY_HEADER_MAX)
		return npy_fail(file, err, "its header is too long");
	header = malloc(len + 1);
	if (!header)
		return vexfs_fail(err, ENOMEM, "no memory for a header");
	if (fread(header, 1, len, file->f) != len) {
		free(header);
		return npy_fail(file, err, "it is cut short");
	}
	header[len] = '\0';
	ret = read_dictionary(file, header, err);
	free(header);
	*data_at = prefix + len;
	return ret;
}

int npy_write_header(struct vexfs_file *file)
{
	char header[NPY_OUR_HEADER];
	const char *descr = "<f4";
	int n;

	for (size_t i = 0; i < ARRAY_SIZE(npy_types); i++)
		if (npy_types[i].elem == file->info.elem)
			descr = npy_types[i].descr;
	memset(header, ' ', sizeof(header));
	memcpy(header, "\x93NUMPY\x01\x00", 8);
	header[8] = (char)(NPY_OUR_HEADER - 10);
	header[9] = 0;
	if (file->info.elem == VEXFS_ELEM_U64)
		n = snprintf(header + 10, sizeof(header) - 10,
			     "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ",), }",
			     descr, file->info.rows);
	else
		n = snprintf(header + 10, sizeof(header) - 10,
			     "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ", %u), }",
			     descr, file->info.rows, file->info.dim);
	header[10 + n] = ' ';
	header[NPY_OUR_HEADER - 1] = '\n';
	return fwrite(header, 1, sizeof(header), file->f) == sizeof(header) ? 0 : -1;
}
