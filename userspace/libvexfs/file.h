/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files that read and write vector files share.
 */
#ifndef VEXFS_LIB_FILE_H
#define VEXFS_LIB_FILE_H

#include <stdio.h>

#include "internal.h"
#include "outfile.h"

struct vexfs_file {
	FILE *f;		/* of @out, for writing */
	char *path;
	struct outfile out;
	bool writing;
	struct vexfs_file_info info;
	size_t elem_bytes;
	uint64_t at;		/* rows read or written */
	char *buffer;		/* of @f */
	void *row;		/* for conversions */
};

const char *file_format_name(enum vexfs_file_format format);
const char *file_elem_name(unsigned int elem);
size_t file_elem_bytes(unsigned int elem);
/* Each row follows its own dimension. */
bool file_is_vecs(enum vexfs_file_format format);

/* NumPy headers. Reading leaves the stream after the header. */
int npy_read_header(struct vexfs_file *file, uint64_t *data_at, struct vexfs_error *err);
int npy_write_header(struct vexfs_file *file);

#endif
