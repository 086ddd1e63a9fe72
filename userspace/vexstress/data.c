// SPDX-License-Identifier: GPL-2.0
/*
 * Generated vectors and vectors from files. A generated row is a cluster centre, plus a
 * point in a space of few dimensions with decaying variance, plus a little noise. On such
 * data graphs and pruning behave as on real embeddings.
 */
#include "data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vexstress.h"

static int load_file(struct vx_data *d, uint32_t *dim, uint64_t vectors, const char *path)
{
	struct vexfs_file_info info;
	struct vexfs_error err;
	struct vexfs_file *f;
	uint64_t want, have = 0;

	if (vexfs_file_open(path, &f, &info, &err)) {
		vx_say("data file %s: %s", path, err.text);
		return -1;
	}
	/* Reads more than the collection holds, for queries and updates. */
	want = vectors + 4096 < info.rows ? vectors + 4096 : info.rows;
	if (info.rows < 2) {
		vx_say("data file %s: it holds fewer than two vectors", path);
		vexfs_file_abandon(f);
		return -1;
	}
	d->rows = malloc(want * info.dim * sizeof(float));
	if (!d->rows) {
		vx_say("data file %s: no memory for %llu vectors", path, (unsigned long long)want);
		vexfs_file_abandon(f);
		return -1;
	}
	while (have < want) {
		ssize_t n = vexfs_file_read_f32(f, d->rows + have * info.dim, want - have, &err);

		if (n <= 0) {
			vx_say("data file %s: %s", path, n ? err.text : "it is cut short");
			vexfs_file_abandon(f);
			return -1;
		}
		have += (uint64_t)n;
	}
	if (vexfs_file_close(f, &err)) {
		vx_say("data file %s: %s", path, err.text);
		return -1;
	}
	d->nrows = want;
	*dim = info.dim;
	return 0;
}

int vx_data_open(struct vx_data *d, uint32_t *dim, unsigned int type, uint64_t seed,
		 uint64_t vectors, const char *path)
{
	struct vs_rng rng;
	uint32_t c, i, l;

	memset(d, 0, sizeof(*d));
	d->seed = seed;
	d->scale = type == VEXFS_TYPE_I8 ? 24 : type == VEXFS_TYPE_U8 ? 20 : 1;
	d->shift = type == VEXFS_TYPE_U8 ? 128 : 0;
	if (path && load_file(d, dim, vectors, path)) {
		vx_data_close(d);
		return -1;
	}
	d->dim = *dim;
	if (path) {
		d->scale = 1;
		d->shift = 0;
		return 0;
	}
	d->clusters = (uint32_t)sqrt((double)vectors) / 2;
	if (d->clusters < 16)
		d->clusters = 16;
	if (d->clusters > 1024)
		d->clusters = 1024;
	d->centres = malloc((size_t)d->clusters * d->dim * sizeof(float));
	d->basis = malloc((size_t)VX_DATA_LATENT * d->dim * sizeof(float));
	if (!d->centres || !d->basis) {
		vx_say("no memory for the data generator");
		vx_data_close(d);
		return -1;
	}
	vs_rng_seed(&rng, seed);
	for (c = 0; c < d->clusters; c++)
		for (i = 0; i < d->dim; i++)
			d->centres[(size_t)c * d->dim + i] = 0.6f * vs_rng_gauss(&rng);
	for (l = 0; l < VX_DATA_LATENT; l++)
		for (i = 0; i < d->dim; i++)
			d->basis[(size_t)l * d->dim + i] =
				vs_rng_gauss(&rng) * 0.6f / (1 + 0.25f * (float)l);
	return 0;
}

void vx_data_close(struct vx_data *d)
{
	free(d->centres);
	free(d->basis);
	free(d->rows);
	memset(d, 0, sizeof(*d));
}

void vx_data_row(const struct vx_data *d, uint64_t i, int query, float *out)
{
	const float *centre;
	struct vs_rng rng;
	uint32_t j, l;
	double u;

	vs_rng_seed(&rng, vs_mix(d->seed ^ (query ? 0x5155455259ULL : 0x524f57ULL)) ^ vs_mix(i));
	if (d->rows) {
		/* Rows beyond the end of the file, and queries: a row with a little noise. */
		uint64_t at = query ? d->nrows - 1 - i % (d->nrows < 4096 ? d->nrows : 4096) :
			      i % d->nrows;
		int move = query || i >= d->nrows;

		for (j = 0; j < d->dim; j++) {
			float x = d->rows[at * d->dim + j];

			out[j] = move ? x * (1 + 0.01f * vs_rng_gauss(&rng)) : x;
		}
		return;
	}
	/* Clusters differ in size: the square makes the first ones larger. */
	u = vs_rng_unit(&rng);
	centre = d->centres + (size_t)((double)d->clusters * u * u) * d->dim;
	for (j = 0; j < d->dim; j++)
		out[j] = centre[j] + 0.1f * vs_rng_gauss(&rng);
	for (l = 0; l < VX_DATA_LATENT; l++) {
		const float *b = d->basis + (size_t)l * d->dim;
		float z = vs_rng_gauss(&rng);

		for (j = 0; j < d->dim; j++)
			out[j] += z * b[j];
	}
	if (d->scale != 1) {
		for (j = 0; j < d->dim; j++)
			out[j] = out[j] * d->scale + d->shift;
	}
}
