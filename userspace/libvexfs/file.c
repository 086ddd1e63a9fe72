// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes vector files, row by row. A file may be hostile: its header is checked
 * against its size before memory is allocated, and each value is read once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define STREAM_BUFFER	(1u << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the formats are little-endian");

static const struct {
	const char *name;
	unsigned int elem;	/* 0: the file has it */
} formats[] = {
	[VEXFS_FILE_FVECS] = { "fvecs", VEXFS_TYPE_F32 },
	[VEXFS_FILE_IVECS] = { "ivecs", VEXFS_ELEM_I32 },
	[VEXFS_FILE_BVECS] = { "bvecs", VEXFS_TYPE_U8 },
	[VEXFS_FILE_FBIN] = { "fbin", VEXFS_TYPE_F32 },
	[VEXFS_FILE_U8BIN] = { "u8bin", VEXFS_TYPE_U8 },
	[VEXFS_FILE_I8BIN] = { "i8bin", VEXFS_TYPE_I8 },
	[VEXFS_FILE_NPY] = { "npy", 0 },
};

const char *file_format_name(enum vexfs_file_format format)
{
	return format < ARRAY_SIZE(formats) && formats[format].name ? formats[format].name : "?";
}

const char *file_elem_name(unsigned int elem)
{
	switch (elem) {
	case VEXFS_ELEM_I32:
		return "i32";
	case VEXFS_ELEM_F64:
		return "f64";
	case VEXFS_ELEM_U64:
		return "u64";
	case VEXFS_ELEM_I64:
		return "i64";
	default:
		return vexfs_type_name(elem);
	}
}

size_t file_elem_bytes(unsigned int elem)
{
	switch (elem) {
	case VEXFS_TYPE_I8:
	case VEXFS_TYPE_U8:
		return 1;
	case VEXFS_TYPE_F16:
	case VEXFS_TYPE_BF16:
		return 2;
	case VEXFS_ELEM_F64:
	case VEXFS_ELEM_U64:
	case VEXFS_ELEM_I64:
		return 8;
	default:
		return 4;
	}
}

bool file_is_vecs(enum vexfs_file_format format)
{
	return format == VEXFS_FILE_FVECS || format == VEXFS_FILE_IVECS ||
	       format == VEXFS_FILE_BVECS;
}

int vexfs_file_format_from_path(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 1; dot && i < ARRAY_SIZE(formats); i++)
		if (!strcasecmp(dot + 1, formats[i].name))
			return (int)i;
	return -EINVAL;
}

static size_t row_bytes(const struct vexfs_file *file)
{
	return (size_t)file->info.dim * file->elem_bytes;
}

static void release(struct vexfs_file *file)
{
	outfile_abandon(&file->out);
	if (file->f && !file->writing)
		fclose(file->f);
	free(file->buffer);
	free(file->row);
	free(file->path);
	free(file);
}

static struct vexfs_file *new_file(const char *path, int format, struct vexfs_error *err)
{
	struct vexfs_file *file;

	if (format < 0) {
		vexfs_fail(err, EINVAL, "%s: the name does not end in .fvecs, .ivecs, .bvecs, "
			   ".fbin, .u8bin, .i8bin or .npy", path);
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	if (file) {
		file->path = strdup(path);
		file->buffer = malloc(STREAM_BUFFER);
		file->info.format = (enum vexfs_file_format)format;
		file->info.elem = formats[format].elem;
	}
	if (!file || !file->path || !file->buffer) {
		vexfs_fail(err, ENOMEM, "no memory to open a file");
		if (file)
			release(file);
		return NULL;
	}
	return file;
}

/* ---- reading ---- */

static int cut_short(const struct vexfs_file *file, struct vexfs_error *err)
{
	if (ferror(file->f))
		return vexfs_fail(err, errno ? errno : EIO, "%s: %s", file->path, strerror(errno));
	return vexfs_fail(err, EINVAL, "%s: it ends within row %" PRIu64, file->path, file->at);
}

static int check_dim(const struct vexfs_file *file, uint32_t dim, struct vexfs_error *err)
{
	if (dim && dim <= VEXFS_DIM_MAX)
		return 0;
	return vexfs_fail(err, EINVAL, "%s: not a .%s file: dimension %u, it must be 1 to %u",
			  file->path, file_format_name(file->info.format), dim, VEXFS_DIM_MAX);
}

static int read_vecs_header(struct vexfs_file *file, uint64_t size, struct vexfs_error *err)
{
	uint32_t dim;
	uint64_t row;
	int ret;

	if (!size)
		return vexfs_fail(err, EINVAL, "%s: it is empty", file->path);
	if (fread(&dim, 4, 1, file->f) != 1)
		return cut_short(file, err);
	ret = check_dim(file, dim, err);
	if (ret)
		return ret;
	file->info.dim = dim;
	row = 4 + row_bytes(file);
	file->info.rows = size / row;
	if (size % row)
		return vexfs_fail(err, EINVAL,
				  "%s: cut short: %" PRIu64 " rows of dimension %u and %" PRIu64
				  " bytes of another", file->path, file->info.rows, dim, size % row);
	rewind(file->f);
	return 0;
}

static int read_bin_header(struct vexfs_file *file, struct vexfs_error *err)
{
	uint32_t head[2];
	int ret;

	if (fread(head, 4, 2, file->f) != 2)
		return vexfs_fail(err, EINVAL, "%s: too short for a .%s file", file->path,
				  file_format_name(file->info.format));
	ret = check_dim(file, head[1], err);
	file->info.rows = head[0];
	file->info.dim = head[1];
	return ret;
}

/* Compares the rows in the header with the bytes in the file. */
static int check_size(const struct vexfs_file *file, uint64_t left, struct vexfs_error *err)
{
	uint64_t row = row_bytes(file);
	uint64_t need;

	if (__builtin_mul_overflow(file->info.rows, row, &need) || need > left)
		return vexfs_fail(err, EINVAL,
				  "%s: cut short: it claims %" PRIu64 " rows of dimension %u, there is room for %"
				  PRIu64, file->path, file->info.rows, file->info.dim, left / row);
	if (need < left)
		return vexfs_fail(err, EINVAL,
				  "%s: %" PRIu64 " bytes follow the %" PRIu64 " rows that it claims",
				  file->path, left - need, file->info.rows);
	return 0;
}

int vexfs_file_open(const char *path, struct vexfs_file **out, struct vexfs_file_info *info,
		    struct vexfs_error *err)
{
	struct vexfs_file *file = new_file(path, vexfs_file_format_from_path(path), err);
	uint64_t data_at = 8;
	struct stat st;
	int ret;

	*out = NULL;
	if (!file)
		return vexfs_file_format_from_path(path) < 0 ? -EINVAL : -ENOMEM;
	file->f = fopen(path, "rbe");
	if (!file->f || fstat(fileno(file->f), &st)) {
		ret = vexfs_fail(err, errno, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = vexfs_fail(err, EINVAL, "%s: not a regular file", path);
		goto fail;
	}
	setvbuf(file->f, file->buffer, _IOFBF, STREAM_BUFFER);
	file->elem_bytes = file_elem_bytes(file->info.elem);
	if (file_is_vecs(file->info.format)) {
		ret = read_vecs_header(file, (uint64_t)st.st_size, err);
	} else {
		if (file->info.format == VEXFS_FILE_NPY)
			ret = npy_read_header(file, &data_at, err);
		else
			ret = read_bin_header(file, err);
		file->elem_bytes = file_elem_bytes(file->info.elem);
		if (!ret)
			ret = check_size(file, (uint64_t)st.st_size - data_at, err);
	}
	if (ret)
		goto fail;
	vexfs_error_clear(err);
	if (info)
		*info = file->info;
	*out = file;
	return 0;
fail:
	release(file);
	return ret;
}

int vexfs_file_skip(struct vexfs_file *file, uint64_t rows, struct vexfs_error *err)
{
	uint64_t row = row_bytes(file) + (file_is_vecs(file->info.format) ? 4 : 0);

	if (rows > file->info.rows - file->at)
		rows = file->info.rows - file->at;
	if (fseeko(file->f, (off_t)(rows * row), SEEK_CUR))
		return vexfs_fail(err, errno, "%s: %s", file->path, strerror(errno));
	file->at += rows;
	return 0;
}

static ssize_t read_rows(struct vexfs_file *file, unsigned char *buf, size_t rows,
			 struct vexfs_error *err)
{
	uint64_t left = file->info.rows - file->at;
	size_t bytes = row_bytes(file);

	if (rows > left)
		rows = (size_t)left;
	if (!file_is_vecs(file->info.format)) {
		size_t n = rows ? fread(buf, bytes, rows, file->f) : 0;

		file->at += n;
		return n == rows ? (ssize_t)n : cut_short(file, err);
	}
	for (size_t i = 0; i < rows; i++, file->at++) {
		uint32_t dim;

		if (fread(&dim, 4, 1, file->f) != 1)
			return cut_short(file, err);
		if (dim != file->info.dim)
			return vexfs_fail(err, EINVAL,
					  "%s: row %" PRIu64 " has dimension %u, the first has %u",
					  file->path, file->at, dim, file->info.dim);
		if (fread(buf + i * bytes, bytes, 1, file->f) != 1)
			return cut_short(file, err);
	}
	return (ssize_t)rows;
}

ssize_t vexfs_file_read(struct vexfs_file *file, void *buf, size_t rows, struct vexfs_error *err)
{
	return read_rows(file, buf, rows, err);
}

float vexfs_f16_to_f32(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t exponent = half >> 10 & 31;
	uint32_t mantissa = half & 0x3ff;
	uint32_t bits;
	float f;

	if (!exponent) {
		f = (float)mantissa * 0x1p-24f;
		return sign ? -f : f;
	}
	bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

static float to_f32(unsigned int elem, const unsigned char *p)
{
	union {
		float f;
		double d;
		int32_t i;
		uint16_t h;
		int8_t b;
		uint64_t u;
		int64_t l;
	} v;

	memcpy(&v, p, file_elem_bytes(elem));
	switch (elem) {
	case VEXFS_TYPE_F16:
		return vexfs_f16_to_f32(v.h);
	case VEXFS_TYPE_I8:
		return (float)v.b;
	case VEXFS_TYPE_U8:
		return (float)*p;
	case VEXFS_ELEM_I32:
		return (float)v.i;
	case VEXFS_ELEM_F64:
		return (float)v.d;
	case VEXFS_ELEM_U64:
		return (float)v.u;
	case VEXFS_ELEM_I64:
		return (float)v.l;
	default:
		return v.f;
	}
}

ssize_t vexfs_file_read_f32(struct vexfs_file *file, float *buf, size_t rows,
			    struct vexfs_error *err)
{
	size_t done;

	if (file->info.elem == VEXFS_TYPE_F32)
		return read_rows(file, (unsigned char *)buf, rows, err);
	if (!file->row)
		file->row = malloc(row_bytes(file));
	if (!file->row)
		return vexfs_fail(err, ENOMEM, "no memory for a row");
	for (done = 0; done < rows; done++) {
		const unsigned char *p = file->row;
		ssize_t n = read_rows(file, file->row, 1, err);

		if (n < 0)
			return n;
		if (!n)
			break;
		for (uint32_t c = 0; c < file->info.dim; c++, p += file->elem_bytes)
			*buf++ = to_f32(file->info.elem, p);
	}
	return (ssize_t)done;
}

/* ---- writing ---- */

static int write_fail(const struct vexfs_file *file, struct vexfs_error *err)
{
	int e = errno ? errno : EIO;

	return vexfs_fail(err, e, "%s: %s", file->path, strerror(e));
}

/* Errors of the output file, as errors of this library. */
static int out_fail(const struct vexfs_file *file, struct vexfs_error *err)
{
	return vexfs_fail(err, file->out.error, "%s: %s", file->path, file->out.why);
}

static int write_header(struct vexfs_file *file)
{
	uint32_t head[2] = { (uint32_t)file->info.rows, file->info.dim };

	if (file->info.format == VEXFS_FILE_NPY)
		return npy_write_header(file);
	if (file_is_vecs(file->info.format))
		return 0;
	return fwrite(head, 4, 2, file->f) == 2 ? 0 : -1;
}

int vexfs_file_create(const char *path, const struct vexfs_file_info *info,
		      struct vexfs_file **out, struct vexfs_error *err)
{
	int format = info->format ? (int)info->format : vexfs_file_format_from_path(path);
	struct vexfs_file *file = new_file(path, format, err);
	unsigned int fixed;
	int ret;

	*out = NULL;
	if (!file)
		return format < 0 ? -EINVAL : -ENOMEM;
	fixed = file->info.elem;
	file->writing = true;
	file->info = *info;
	file->info.format = (enum vexfs_file_format)format;
	file->elem_bytes = file_elem_bytes(info->elem);
	ret = check_dim(file, info->dim, err);
	if (ret)
		goto fail;
	if (fixed && fixed != info->elem) {
		ret = vexfs_fail(err, EINVAL, "%s: a .%s file does not hold %s", path,
				 file_format_name(file->info.format), file_elem_name(info->elem));
		goto fail;
	}
	if (outfile_open(&file->out, path, false)) {
		ret = out_fail(file, err);
		goto fail;
	}
	file->f = file->out.f;
	setvbuf(file->f, file->buffer, _IOFBF, STREAM_BUFFER);
	if (write_header(file)) {
		ret = write_fail(file, err);
		goto fail;
	}
	vexfs_error_clear(err);
	*out = file;
	return 0;
fail:
	vexfs_file_abandon(file);
	return ret;
}

int vexfs_file_write(struct vexfs_file *file, const void *rows, size_t count,
		     struct vexfs_error *err)
{
	const unsigned char *p = rows;
	size_t bytes = row_bytes(file);

	errno = 0;
	if (!file_is_vecs(file->info.format)) {
		if (count && fwrite(p, bytes, count, file->f) != count)
			return write_fail(file, err);
		file->at += count;
		return 0;
	}
	for (size_t i = 0; i < count; i++, file->at++)
		if (fwrite(&file->info.dim, 4, 1, file->f) != 1 ||
		    fwrite(p + i * bytes, bytes, 1, file->f) != 1)
			return write_fail(file, err);
	return 0;
}

void vexfs_file_abandon(struct vexfs_file *file)
{
	if (file)
		release(file);
}

/* Writes the header again, now that the number of rows is known. */
static int finish_writing(struct vexfs_file *file, struct vexfs_error *err)
{
	if (file->info.format != VEXFS_FILE_NPY && !file_is_vecs(file->info.format) &&
	    file->at > UINT32_MAX)
		return vexfs_fail(err, E2BIG, "%s: a .%s file has at most %u rows", file->path,
				  file_format_name(file->info.format), UINT32_MAX);
	errno = 0;
	if (file->info.rows != file->at && !file_is_vecs(file->info.format)) {
		file->info.rows = file->at;
		if (!file->out.part)
			return vexfs_fail(err, EINVAL,
					  "%s: the number of rows changed, and its header is written",
					  file->path);
		if (fseeko(file->f, 0, SEEK_SET) || write_header(file))
			return write_fail(file, err);
	}
	return outfile_commit(&file->out) ? out_fail(file, err) : 0;
}

int vexfs_file_close(struct vexfs_file *file, struct vexfs_error *err)
{
	int ret = 0;

	if (!file)
		return 0;
	vexfs_error_clear(err);
	if (file->writing)
		ret = finish_writing(file, err);
	vexfs_file_abandon(file);
	return ret;
}
