// SPDX-License-Identifier: GPL-2.0
/*
 * Vector files: each format is written and read back, and malformed files are refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vexfs.h"
#include "tap.h"

static char dir[] = "/tmp/test-file-XXXXXX";
static char path[128];

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(at(name), "wb");

	if (!f || (size && fwrite(data, size, 1, f) != 1) || fclose(f))
		abort();
}

static void refused(const char *name, const void *data, size_t size, const char *why)
{
	struct vexfs_file *file = (void *)1;
	struct vexfs_error err;
	float buf[64];
	int ret;

	put(name, data, size);
	ret = vexfs_file_open(path, &file, NULL, &err);
	/* Some faults show only when rows are read. */
	if (!ret) {
		ssize_t n = vexfs_file_read_f32(file, buf, 8, &err);

		ret = n < 0 ? (int)n : 0;
		vexfs_file_close(file, NULL);
	} else if (file) {
		ret = 0;
	}
	ok(ret == -EINVAL && strstr(err.text, why) && strstr(err.text, name), "%s is refused: %s",
	   name, why);
	if (ret != -EINVAL || !strstr(err.text, why))
		printf("# got %d: %s\n", ret, err.text);
	unlink(path);
}

static void hostile(void)
{
	static const uint32_t huge[] = { 0x80000000u, 100, 1, 2 };
	static const uint32_t all[] = { UINT32_MAX, 65536 };
	static const uint32_t dim0[] = { 1, 0 }, dim_big[] = { 1, 65537 };
	static const uint32_t after[] = { 1, 2, 0, 0, 0 };
	static const uint32_t vecs[] = { 2, 0, 0, 3, 0, 0 };
	static const uint32_t vecs_cut[] = { 2, 0, 0, 2, 0 };
	static const uint32_t vecs_big[] = { 0x7fffffff, 0 };
	struct vexfs_file *file;
	struct vexfs_error err;

	refused("a.fbin", huge, sizeof(huge), "claims 2147483648 rows of dimension 100");
	refused("a.fbin", all, sizeof(all), "there is room for 0");
	refused("a.fbin", dim0, sizeof(dim0), "dimension 0");
	refused("a.fbin", dim_big, sizeof(dim_big), "dimension 65537");
	refused("a.fbin", after, sizeof(after), "4 bytes follow");
	refused("a.fbin", after, 15, "cut short");
	refused("a.fbin", after, 7, "too short");
	refused("a.fbin", "", 0, "too short");
	refused("a.u8bin", huge, sizeof(huge), "cut short");
	refused("a.fvecs", vecs, sizeof(vecs), "row 1 has dimension 3, the first has 2");
	refused("a.fvecs", vecs_cut, sizeof(vecs_cut),
		"cut short: 1 rows of dimension 2 and 8 bytes");
	refused("a.fvecs", vecs_big, sizeof(vecs_big), "dimension 2147483647");
	refused("a.fvecs", "", 0, "it is empty");
	refused("a.bvecs", "\x01\0", 2, "ends within row 0");
	refused("a.npy", "\x93NUMPX\x01\0\0\0", 10, "magic");
	refused("a.npy", "\x93NUMPY", 6, "magic");
	refused("a.npy", "\x93NUMPY\x04\0\x10\0", 10, "version");
	refused("a.npy", "\x93NUMPY\x01\0\xff\xff{", 11, "cut short");
	refused("a.npy", "\x93NUMPY\x02\0\xff\xff\xff\x7f{", 13, "too long");
#define NPY(dict) "\x93NUMPY\x01\0\x50\0" dict \
	"                                                                                "
	refused("a.npy", NPY("{'descr': '<f4'}"), 90, "order");
	refused("a.npy", NPY("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1)}"), 90,
		"type");
	refused("a.npy", NPY("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}"), 90,
		"order");
	refused("a.npy", NPY("{'descr': '<f4', 'fortran_order': False, 'shape': ()}"), 90, "shape");
	refused("a.npy", NPY("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3)}"), 90,
		"shape");
	refused("a.npy", NPY("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}"), 90,
		"shape");
	refused("a.npy", NPY("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0)}"), 90,
		"dimension 0");
	refused("a.npy", NPY("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648, 9)}"), 90,
		"claims 2147483648 rows");
	refused("a.npy", NPY("{'descr':'<f4','fortran_order':False,'shape':(18446744073709551615,9)}"),
		90, "claims 18446744073709551615 rows");
	refused("a.npy", NPY("{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,9)}"),
		90, "shape");
	refused("a.txt", "x", 1, "does not end in");
	refused("noend", "x", 1, "does not end in");
	ok(vexfs_file_open(at("missing.fbin"), &file, NULL, &err) == -ENOENT, "a missing file");
	mkdir(at("dir.fbin"), 0700);
	ok(vexfs_file_open(path, &file, NULL, &err) == -EINVAL && strstr(err.text, "not a regular"),
	   "a directory is refused");
	rmdir(path);
}

/* Writes @rows rows of bytes that only depend on their place; reads them back. */
static void round_trip(const char *name, unsigned int elem, uint32_t dim, uint64_t rows,
		       size_t elem_bytes, size_t file_size)
{
	struct vexfs_file_info info = { .elem = elem, .dim = dim }, got;
	size_t bytes = (size_t)dim * elem_bytes;
	unsigned char *data = malloc(rows * bytes + 1), *back = malloc(rows * bytes + bytes + 1);
	struct vexfs_file *file;
	struct vexfs_error err = { 0 };
	struct stat st;
	bool good;

	for (size_t i = 0; i < rows * bytes; i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	good = !vexfs_file_create(at(name), &info, &file, &err) &&
	       access(path, F_OK) &&
	       !vexfs_file_write(file, data, rows / 2, &err) &&
	       !vexfs_file_write(file, data + rows / 2 * bytes, rows - rows / 2, &err) &&
	       !vexfs_file_close(file, &err) && !stat(path, &st) &&
	       (size_t)st.st_size == file_size;
	ok(good, "%s is written: %zu bytes", name, file_size);
	if (!good)
		printf("# %s; size %zu\n", err.text, (size_t)st.st_size);
	good = !vexfs_file_open(path, &file, &got, &err);
	if (good) {
		good = got.dim == dim && got.rows == rows && got.elem == elem &&
		       vexfs_file_read(file, back, rows + 1, &err) == (ssize_t)rows &&
		       vexfs_file_read(file, back, 1, &err) == 0;
		vexfs_file_close(file, NULL);
	}
	good = good && !vexfs_file_open(path, &file, NULL, &err);
	if (good) {
		memset(back, 0, rows * bytes);
		good = !vexfs_file_skip(file, rows / 3, &err) &&
		       vexfs_file_read(file, back, rows, &err) == (ssize_t)(rows - rows / 3) &&
		       !memcmp(back, data + rows / 3 * bytes, (rows - rows / 3) * bytes);
		vexfs_file_close(file, NULL);
	}
	ok(good, "%s: rows read back are identical, from the first one and after a skip", name);
	if (!good)
		printf("# %s\n", err.text);
	unlink(path);
	free(data);
	free(back);
}

static void writing(void)
{
	struct vexfs_file_info info = { .elem = VEXFS_TYPE_F32, .dim = 4 };
	struct vexfs_file *file;
	struct vexfs_error err;
	float row[4] = { 1, 2, 3, 4 };

	put("old.fbin", "precious", 8);
	ok(!vexfs_file_create(at("old.fbin"), &info, &file, &err) &&
	   !vexfs_file_write(file, row, 1, &err), "a new file is begun in place of an old one");
	vexfs_file_abandon(file);
	struct stat st;

	ok(!stat(at("old.fbin"), &st) && st.st_size == 8,
	   "the old file stays when the new one is discarded");
	unlink(path);
	ok(vexfs_file_create(at("x.u8bin"), &info, &file, &err) == -EINVAL &&
	   strstr(err.text, "does not hold f32"), "f32 is refused in a .u8bin file");
	ok(vexfs_file_create(at("no/x.fbin"), &info, &file, &err) == -ENOENT,
	   "a file in a missing directory");
	info.dim = 0;
	ok(vexfs_file_create(at("x.fbin"), &info, &file, &err) == -EINVAL, "dimension 0");
	info.dim = 4;
	info.format = VEXFS_FILE_FBIN;
	info.rows = 1000;
	if (!vexfs_file_create("/dev/full", &info, &file, &err)) {
		static float many[4000];
		int ret = vexfs_file_write(file, many, 1000, &err);

		if (!ret)
			ret = vexfs_file_close(file, &err);
		else
			vexfs_file_abandon(file);
		ok(ret == -ENOSPC, "a full disk is reported");
	} else {
		skip("a full disk is reported", "no /dev/full");
	}
}

static void conversions(void)
{
	static const uint16_t half[] = { 0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00 };
	static const float want[] = { 1, -2, 0x1p-24f, 65504, -0.0f, __builtin_inff() };
	static const int32_t ints[] = { 2, -5, 70000 };
	struct vexfs_file_info info = { .elem = VEXFS_TYPE_F16, .dim = 6 };
	struct vexfs_file *file;
	struct vexfs_error err;
	float got[6] = { 0 };

	ok(!vexfs_file_create(at("h.npy"), &info, &file, &err) &&
	   !vexfs_file_write(file, half, 1, &err) && !vexfs_file_close(file, &err) &&
	   !vexfs_file_open(path, &file, NULL, &err) &&
	   vexfs_file_read_f32(file, got, 1, &err) == 1 && !memcmp(got, want, sizeof(want)),
	   "f16 is converted to f32");
	vexfs_file_close(file, NULL);
	unlink(path);
	put("i.ivecs", ints, sizeof(ints));
	ok(!vexfs_file_open(path, &file, NULL, &err) && vexfs_file_read_f32(file, got, 1, &err) == 1 &&
	   got[0] == -5 && got[1] == 70000, "i32 is converted to f32");
	vexfs_file_close(file, NULL);
	unlink(path);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	round_trip("t.fvecs", VEXFS_TYPE_F32, 5, 1000, 4, 1000 * 24);
	round_trip("t.ivecs", VEXFS_ELEM_I32, 5, 10, 4, 10 * 24);
	round_trip("t.bvecs", VEXFS_TYPE_U8, 128, 100, 1, 100 * 132);
	round_trip("t.fbin", VEXFS_TYPE_F32, 100, 5000, 4, 8 + 5000 * 400);
	round_trip("t.u8bin", VEXFS_TYPE_U8, 33, 100, 1, 8 + 3300);
	round_trip("t.i8bin", VEXFS_TYPE_I8, 33, 100, 1, 8 + 3300);
	round_trip("t.npy", VEXFS_TYPE_F32, 7, 100, 4, 128 + 2800);
	round_trip("ids.npy", VEXFS_ELEM_U64, 1, 100, 8, 128 + 800);
	round_trip("b.npy", VEXFS_TYPE_I8, 7, 100, 1, 128 + 700);
	round_trip("empty.fbin", VEXFS_TYPE_F32, 7, 0, 4, 8);
	conversions();
	writing();
	hostile();
	rmdir(dir);
	return done();
}
