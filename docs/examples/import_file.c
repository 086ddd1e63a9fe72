// SPDX-License-Identifier: GPL-2.0
/*
 * A vector file (.fvecs, .fbin, .npy ...) into a new collection that fits it, with
 * a progress line.
 *
 *	cc import_file.c $(pkg-config --cflags --libs vexfs) -o import_file
 *	./import_file example-words glove.fbin
 */
#include <stdio.h>
#include <vexfs.h>

static int show(uint64_t done, uint64_t total, void *arg)
{
	(void)arg;
	fprintf(stderr, "%llu of %llu\n", (unsigned long long)done, (unsigned long long)total);
	return 0;		/* anything else stops the import */
}

int main(int argc, char **argv)
{
	struct vexfs_import_opts opts = { .progress = show };
	struct vexfs_create spec = { .metric = VEXFS_METRIC_L2 };
	struct vexfs_file_info info;
	struct vexfs_error err;
	struct vexfs_file *file;
	struct vexfs *h = NULL;
	int failed;

	if (argc != 3) {
		fprintf(stderr, "usage: import_file NAME FILE\n");
		return 2;
	}
	failed = vexfs_file_open(argv[2], &file, &info, &err);
	if (!failed) {
		vexfs_file_close(file, NULL);
		spec.dim = info.dim;
		spec.type = info.elem == VEXFS_TYPE_I8 || info.elem == VEXFS_TYPE_U8 ?
			    (uint8_t)info.elem : VEXFS_TYPE_F32;
		failed = vexfs_do_create(NULL, &spec, argv[1], NULL, &h, &err);
	}
	if (!failed)
		failed = vexfs_import(h, argv[2], &opts, &err);
	if (failed)
		fprintf(stderr, "%s\n", err.text);
	else
		printf("%llu vectors of dimension %u in '%s'\n", (unsigned long long)opts.done,
		       vexfs_dim(h), argv[1]);
	vexfs_close(h);
	return failed != 0;
}
