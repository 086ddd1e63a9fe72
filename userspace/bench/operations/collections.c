// SPDX-License-Identifier: GPL-2.0
/* collections FIRST LAST: creates the empty collections cFIRST to cLAST - 1. */
#include <stdio.h>
#include <stdlib.h>

#include "vexfs.h"

int main(int argc, char **argv)
{
	unsigned long i, last;

	if (argc != 3) {
		fprintf(stderr, "usage: collections FIRST LAST\n");
		return 2;
	}
	last = strtoul(argv[2], NULL, 10);
	for (i = strtoul(argv[1], NULL, 10); i < last; i++) {
		struct vexfs_create req = {
			.size = sizeof(req), .dim = 4, .type = VEXFS_TYPE_F32,
			.metric = VEXFS_METRIC_L2, .mode = 0600,
		};
		struct vexfs_error err = { 0 };
		char name[32];

		snprintf(name, sizeof(name), "c%lu", i);
		if (vexfs_do_create(NULL, &req, name, NULL, NULL, &err)) {
			fprintf(stderr, "%s: %s\n", name, err.text);
			return 1;
		}
	}
	return 0;
}
