// SPDX-License-Identifier: GPL-2.0
/*
 * The shortest way from nothing to an answer: make a collection, store three
 * vectors, ask for the two nearest ones of a fourth.
 *
 *	cc store_and_search.c $(pkg-config --cflags --libs vexfs) -o store_and_search
 */
#include <stdio.h>
#include <vexfs.h>

int main(void)
{
	static const float colors[3][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0.9f, 0.1f, 0 } };
	static const uint64_t ids[3] = { 100, 200, 300 };
	static const float query[3] = { 1, 0.05f, 0 };
	struct vexfs_create spec = {
		.dim = 3,
		.type = VEXFS_TYPE_F32,
		.metric = VEXFS_METRIC_L2,
	};
	struct vexfs_put put = {
		.flags = VEXFS_PUT_INSERT,
		.count = 3,
		.ids = (uintptr_t)ids,
		.vectors = (uintptr_t)colors,
	};
	struct vexfs_error err;
	struct vexfs *h;
	uint64_t found[2];
	float distances[2];
	int n;

	if (vexfs_do_create(NULL, &spec, "example-colors", NULL, &h, &err))
		goto failed;
	if (vexfs_do_put(h, &put, &err))
		goto failed;
	n = vexfs_nearest(h, query, 2, found, distances, &err);
	if (n < 0)
		goto failed;
	for (int i = 0; i < n; i++)
		printf("%llu at squared distance %g\n", (unsigned long long)found[i], distances[i]);
	vexfs_close(h);
	return vexfs_do_drop(NULL, "example-colors", &err) != 0;
failed:
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
