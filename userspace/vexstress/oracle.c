// SPDX-License-Identifier: GPL-2.0
/*
 * The expected answers: plain C in double precision, without code of the module. Other
 * workers change the collection concurrently; an answer is accepted if it was right at
 * some time during the op.
 */
#include "coll.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void vx_attr(uint64_t id, void *record)
{
	uint32_t be = htobe32(vx_tag(id));

	memcpy(record, &be, sizeof(be));
}

const float *vx_coll_row(const struct vx_coll *c, uint64_t id, uint32_t version, float *tmp)
{
	if (version >= 2)
		return c->pool_held + (size_t)(version - 2) * c->dim;
	vx_data_row(&c->data, id, 0, tmp);
	if (c->job->type != VEXFS_TYPE_F32)
		vx_hold(c->job->type, tmp, tmp, c->dim);
	return tmp;
}

/*
 * The nearest float with @bits bits behind the point of its significand and no exponent
 * below @least; ties go to even, as in rint().
 */
static float nearest(float x, int bits, int least)
{
	double unit;
	int e;

	frexp((double)x, &e);
	unit = ldexp(1, (e - 1 < least ? least : e - 1) - bits);
	return (float)(rint((double)x / unit) * unit);
}

static float whole(float x, float low, float high)
{
	float r = rintf(x);

	/* Integers know no negative zero. */
	return (r < low ? low : r > high ? high : r) + 0.0f;
}

void vx_hold(unsigned int type, const float *from, float *to, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		switch (type) {
		case VEXFS_TYPE_F16:
			to[i] = nearest(from[i], 10, -14);
			break;
		case VEXFS_TYPE_BF16:
			to[i] = nearest(from[i], 7, -126);
			break;
		case VEXFS_TYPE_I8:
			to[i] = whole(from[i], -128, 127);
			break;
		case VEXFS_TYPE_U8:
			to[i] = whole(from[i], 0, 255);
			break;
		case VEXFS_TYPE_B1:
			to[i] = from[i] > 0;
			break;
		default:
			to[i] = from[i];
		}
	}
}

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

/* Eight sums in parallel, so that a compiler can vectorise the loop. */
CLONES static void sums(const float *a, const float *b, uint32_t n, double *l2, double *dot,
			double *l1)
{
	double s2[8] = { 0 }, sd[8] = { 0 }, s1[8] = { 0 };
	uint32_t i, j;

	for (i = 0; i + 8 <= n; i += 8) {
		for (j = 0; j < 8; j++) {
			double x = a[i + j], y = b[i + j], d = x - y;

			s2[j] += d * d;
			sd[j] += x * y;
			s1[j] += fabs(d);
		}
	}
	for (; i < n; i++) {
		double x = a[i], y = b[i], d = x - y;

		s2[0] += d * d;
		sd[0] += x * y;
		s1[0] += fabs(d);
	}
	*l2 = *dot = *l1 = 0;
	for (j = 0; j < 8; j++) {
		*l2 += s2[j];
		*dot += sd[j];
		*l1 += s1[j];
	}
}

CLONES static double norm(const float *a, uint32_t n)
{
	double s[8] = { 0 }, out = 0;
	uint32_t i, j;

	for (i = 0; i + 8 <= n; i += 8)
		for (j = 0; j < 8; j++)
			s[j] += (double)a[i + j] * a[i + j];
	for (; i < n; i++)
		s[0] += (double)a[i] * a[i];
	for (j = 0; j < 8; j++)
		out += s[j];
	return sqrt(out);
}

double vx_exact_distance(const struct vx_coll *c, const float *a, const float *b)
{
	double l2, dot, l1, n;

	sums(a, b, c->dim, &l2, &dot, &l1);
	switch (c->job->metric) {
	case VEXFS_METRIC_L2:
		return l2;
	case VEXFS_METRIC_IP:
		return 1 - dot;
	case VEXFS_METRIC_L1:
	case VEXFS_METRIC_HAMMING:
		return l1;
	case VEXFS_METRIC_JACCARD:
		/* For zeroes and ones the product counts common bits, and l1 differing bits. */
		return dot + l1 > 0 ? 1 - dot / (dot + l1) : 0;
	default:
		n = norm(a, c->dim) * norm(b, c->dim);
		return n > 0 ? 1 - dot / n : 1;
	}
}

/*
 * The error of a sum of n terms in single precision is at most n/2 roundings of the
 * running sum; with many lanes it is far less. This is twice the worst case of 64 lanes,
 * plus a few roundings for the conversion at the end.
 */
double vx_tolerance(const struct vx_coll *c, const float *a, const float *b, double d)
{
	double eps = (double)(c->dim / 64 + 16) * 0x1p-24;

	switch (c->job->metric) {
	case VEXFS_METRIC_IP:
		return eps * (1 + norm(a, c->dim) * norm(b, c->dim)) + 1e-6;
	case VEXFS_METRIC_COS:
	case VEXFS_METRIC_JACCARD:
		return 2 * eps + 1e-6;
	default:
		return eps * d + 1e-12;
	}
}

/* Reads an id consistently: the versions it had between @from and now. */
static bool versions_since(const struct vx_id *id, uint64_t from, uint32_t v[2], int *n)
{
	uint32_t seq, again;
	uint64_t changed, before;

	do {
		seq = __atomic_load_n(&id->seq, __ATOMIC_ACQUIRE);
		v[0] = __atomic_load_n(&id->version, __ATOMIC_RELAXED);
		v[1] = __atomic_load_n(&id->before, __ATOMIC_RELAXED);
		changed = __atomic_load_n(&id->changed, __ATOMIC_RELAXED);
		before = __atomic_load_n(&id->changed_before, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		again = __atomic_load_n(&id->seq, __ATOMIC_RELAXED);
	} while (seq != again);
	if (seq & 1) {
		/* A change is in progress: the version before it, and the one before that. */
		*n = 2;
		return changed < from;
	}
	*n = changed < from ? 1 : 2;
	return changed < from || before < from;
}

void vx_check_distance(struct vx_worker *w, uint64_t id, const float *query, float distance)
{
	const struct vx_coll *c = w->job->coll;
	double d = 0, best = HUGE_VAL;
	uint32_t v[2];
	bool known;
	float *tmp;
	int n, i;

	if (id >= c->total) {
		vx_wrong(w, "an answer names id %llu, which was never stored",
			 (unsigned long long)id);
		return;
	}
	known = versions_since(&c->ids[id], w->started, v, &n);
	tmp = malloc(c->dim * sizeof(float));
	if (!tmp)
		return;
	for (i = 0; i < n; i++) {
		const float *row;
		double off;

		if (!v[i])
			continue;
		row = vx_coll_row(c, id, v[i], tmp);
		d = vx_exact_distance(c, query, row);
		off = fabs(d - (double)distance) - vx_tolerance(c, query, row, d);
		if (off < best)
			best = off;
	}
	free(tmp);
	if (best <= 0) {
		w->shared->checked++;
	} else if (!known) {
		/* It changed more than once meanwhile: its versions are unknown. */
		w->shared->unchecked++;
	} else if (!isfinite(best)) {
		vx_wrong(w, "an answer names id %llu, which was not there during the op",
			 (unsigned long long)id);
	} else {
		vx_wrong(w, "the distance to id %llu is %.9g, not %.9g", (unsigned long long)id, d,
			 (double)distance);
	}
}

void vx_check_row(struct vx_worker *w, uint64_t id, const float *row)
{
	const struct vx_coll *c = w->job->coll;
	float *tmp = malloc(c->dim * sizeof(float));
	bool known, same = false;
	uint32_t v[2];
	int n, i;

	if (!tmp)
		return;
	/* A worker reads ids that it owns; of many ops under way one may change what another reads. */
	known = versions_since(&c->ids[id], w->started, v, &n);
	for (i = 0; i < n && !same; i++)
		same = v[i] && !memcmp(vx_coll_row(c, id, v[i], tmp), row, c->dim * sizeof(float));
	if (same)
		w->shared->checked++;
	else if (!known)
		w->shared->unchecked++;
	else
		vx_wrong(w, "vector %llu comes back other than it was stored",
			 (unsigned long long)id);
	free(tmp);
}

/* No vector that is nearer than the last result and existed all the time may be missing. */
static void check_complete(struct vx_worker *w, const float *query, const uint64_t *ids,
			   const float *distances, uint32_t count, uint64_t k, int tag)
{
	const struct vx_coll *c = w->job->coll;
	double last = count ? (double)distances[count - 1] : 0;
	float *tmp = malloc(c->dim * sizeof(float));
	uint64_t id, present = 0;
	uint32_t i;

	if (!tmp)
		return;
	for (id = 0; id < c->total; id++) {
		const float *row;
		uint32_t v[2];
		double d;
		int n;

		if (tag >= 0 && vx_tag(id) != (uint32_t)tag)
			continue;
		if (!versions_since(&c->ids[id], w->started, v, &n) || n != 1 || !v[0])
			continue;
		present++;
		row = vx_coll_row(c, id, v[0], tmp);
		d = vx_exact_distance(c, query, row);
		if (count == k && d + vx_tolerance(c, query, row, d) >= last)
			continue;
		for (i = 0; i < count && ids[i] != id; i++)
			;
		if (i == count) {
			vx_wrong(w, "an exact search missed id %llu at distance %.9g; its last result is at %.9g",
				 (unsigned long long)id, d, last);
			free(tmp);
			return;
		}
	}
	free(tmp);
	if (count < k && count < present)
		vx_wrong(w, "an exact search gave %u results, and %llu vectors match", count,
			 (unsigned long long)present);
	else
		w->shared->checked++;
}

void vx_check_search(struct vx_worker *w, const float *query, const uint64_t *ids,
		     const float *distances, uint32_t count, uint64_t k, bool exact, int tag)
{
	uint32_t i;

	if (count > k) {
		vx_wrong(w, "a search for %llu gave %u results", (unsigned long long)k, count);
		return;
	}
	for (i = 0; i < count; i++) {
		if (i && (distances[i] < distances[i - 1] ||
			  (distances[i] == distances[i - 1] && ids[i] <= ids[i - 1]))) {
			vx_wrong(w, "results %u and %u of a search are out of order", i - 1, i);
			return;
		}
		if (tag >= 0 && vx_tag(ids[i]) != (uint32_t)tag) {
			vx_wrong(w, "id %llu does not match the filter of the search",
				 (unsigned long long)ids[i]);
			return;
		}
		vx_check_distance(w, ids[i], query, distances[i]);
	}
	if (exact)
		check_complete(w, query, ids, distances, count, k, tag);
}
