// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: any bytes as a vector file of every format. Reading must end, and
 * must give no more rows than the file claims.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vexfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const char *path)
{
	struct vexfs_file_info info;
	struct vexfs_file *file;
	struct vexfs_error err;
	uint64_t rows = 0;
	ssize_t n;
	float *buf;

	if (vexfs_file_open(path, &file, &info, &err))
		return;
	buf = malloc(4 * sizeof(*buf) * info.dim);
	if (!vexfs_file_skip(file, 1, &err))
		rows = info.rows ? 1 : 0;
	while (buf && (n = vexfs_file_read_f32(file, buf, 4, &err)) > 0)
		rows += (uint64_t)n;
	if (rows > info.rows)
		abort();
	free(buf);
	vexfs_file_close(file, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ends[] = { "fvecs", "ivecs", "bvecs", "fbin", "u8bin", "i8bin",
					    "npy" };
	static char dir[] = "/tmp/fuzz-file-XXXXXX";
	static int made;
	char path[64];
	int fd;

	if (!made && !mkdtemp(dir))
		return 0;
	made = 1;
	if (size < 1)
		return 0;
	snprintf(path, sizeof(path), "%s/x.%s", dir, ends[data[0] % 7]);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data + 1, size - 1) < 0)
		abort();
	close(fd);
	read_all(path);
	unlink(path);
	return 0;
}
