// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "live.h"

#define POINTS		150u
#define EVERY_NS	2000000000u
/* Snapshots continue for so long after the last request for the page. */
#define LOOK_NS		60000000000u
#define SHOWN		25u		/* collections */

static const char *const classes[] = { "vector", "semantic", "fuse", "control" };
#define CLASSES		4u

/**
 * struct point - a snapshot, reduced to what the page draws over time
 * @time_ns: its time
 * @ops: of each class since load
 * @errors: of all classes
 * @pool_gets: requests to the pools; likewise @pool_hits
 * @bucket: latencies of all vector ops since load
 */
struct point {
	uint64_t time_ns;
	uint64_t ops[CLASSES];
	uint64_t errors;
	uint64_t pool_gets;
	uint64_t pool_hits;
	uint64_t bucket[LATENCY_BUCKETS];
};

/**
 * struct live - points in a ring
 * @lock: guards all of it
 * @n: points ever added
 * @point: the newest of them
 * @seen_ns: time of the last request; 0 for never
 */
struct live {
	pthread_mutex_t lock;
	uint64_t n;
	struct point point[POINTS];
	uint64_t seen_ns;
};

extern const char page_begin[], page_end[];
__asm__(".section .rodata\n"
	".global page_begin\n.global page_end\n"
	"page_begin:\n.incbin \"" EXPORTER_PAGE "\"\n"
	"page_end:\n.byte 0\n.previous\n");

struct live *live_new(void)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l)
		pthread_mutex_init(&l->lock, NULL);
	return l;
}

void live_free(struct live *l)
{
	free(l);
}

void live_seen(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->seen_ns = clock_ns();
	pthread_mutex_unlock(&l->lock);
}

bool live_wants(struct live *l)
{
	uint64_t now = clock_ns();
	bool wants;

	pthread_mutex_lock(&l->lock);
	wants = l->seen_ns && now - l->seen_ns < LOOK_NS &&
		(!l->n || now - l->point[(l->n - 1) % POINTS].time_ns >= EVERY_NS);
	pthread_mutex_unlock(&l->lock);
	return wants;
}

static void fill(struct point *p, const struct snapshot *a)
{
	memset(p, 0, sizeof(*p));
	p->time_ns = a->began_ns;
	for (unsigned int i = 0; i < CLASSES; i++) {
		const struct row *r = rows_find(&a->rows, "class", classes[i]);

		p->ops[i] = row_value(r, "count");
		p->errors += row_value(r, "errors");
	}
	for (size_t i = 0; i < a->rows.n; i++) {
		const struct row *r = &a->rows.row[i];

		if (strcmp(r->subject, "pool") || !strcmp(r->name, "huge"))
			continue;
		p->pool_gets += row_value(r, "allocs");
		p->pool_hits += row_value(r, "hits");
	}
	for (size_t i = 0; i < a->latencies; i++) {
		if (!strcmp(a->latency[i].class, "control"))
			continue;
		for (unsigned int b = 0; b < LATENCY_BUCKETS; b++)
			p->bucket[b] += a->latency[i].bucket[b];
	}
}

void live_note(struct live *l, const struct snapshot *a)
{
	struct point *last;

	if (!a || !a->up)
		return;
	pthread_mutex_lock(&l->lock);
	last = l->n ? &l->point[(l->n - 1) % POINTS] : NULL;
	/* After a reload of the module its counters start from 0. */
	if (last && a->uptime_ns < a->began_ns - last->time_ns)
		l->n = 0;
	if (!l->n || a->began_ns - last->time_ns >= EVERY_NS / 2) {
		fill(&l->point[l->n % POINTS], a);
		l->n++;
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- JSON ---- */

static uint64_t since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void json_point(struct json *j, const struct point *p, const struct point *before,
		       uint64_t now)
{
	double s = (double)(p->time_ns - before->time_ns) * 1e-9;
	uint64_t gets = since(p->pool_gets, before->pool_gets);

	json_object_begin(j);
	json_kv_double(j, "ago", (double)since(now, p->time_ns) * 1e-9);
	json_kv_double(j, "span", s);
	json_key(j, "rate");
	json_array_begin(j);
	for (unsigned int i = 0; i < CLASSES; i++)
		json_double(j, (double)since(p->ops[i], before->ops[i]) / s);
	json_array_end(j);
	json_kv_double(j, "errors", (double)since(p->errors, before->errors) / s);
	json_key(j, "hit");
	if (gets)
		json_double(j, (double)since(p->pool_hits, before->pool_hits) / (double)gets);
	else
		json_null(j);
	json_key(j, "heat");
	json_array_begin(j);
	for (unsigned int b = 0; b < LATENCY_BUCKETS; b++) {
		uint64_t n = since(p->bucket[b], before->bucket[b]);

		if (!n)
			continue;
		json_array_begin(j);
		json_u64(j, b);
		json_u64(j, n);
		json_array_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static void json_points(struct json *j, struct live *l)
{
	uint64_t first, now = clock_ns();

	json_key(j, "points");
	json_array_begin(j);
	pthread_mutex_lock(&l->lock);
	first = l->n > POINTS ? l->n - POINTS : 0;
	for (uint64_t i = first + 1; i < l->n; i++)
		json_point(j, &l->point[i % POINTS], &l->point[(i - 1) % POINTS], now);
	pthread_mutex_unlock(&l->lock);
	json_array_end(j);
}

/* Each row of a subject as an object of all its counters, under @key. */
static void json_rows(struct json *j, const struct snapshot *a, const char *key,
		      const char *subject)
{
	json_key(j, key);
	json_array_begin(j);
	for (size_t i = 0; i < a->rows.n; i++) {
		const struct row *r = &a->rows.row[i];

		if (strcmp(r->subject, subject))
			continue;
		json_object_begin(j);
		json_kv_string(j, "row", r->name);
		for (unsigned int k = 0; k < r->n; k++)
			json_kv_u64(j, r->counter[k].name, r->counter[k].value);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_collections(struct json *j, const struct snapshot *a)
{
	json_kv_bool(j, "names", a->may_all);
	json_key(j, "collections");
	json_array_begin(j);
	for (size_t i = 0; i < a->collections && i < SHOWN; i++) {
		const struct collection *c = &a->collection[i];

		json_object_begin(j);
		json_kv_string(j, "name", c->name);
		json_kv_u64(j, "dim", c->dim);
		json_kv_u64(j, "vectors", c->vectors);
		json_kv_u64(j, "bytes", c->bytes);
		json_kv_u64(j, "changes", c->counter[COLLECTION_CHANGES]);
		json_kv_u64(j, "searches", c->counter[COLLECTION_SEARCHES]);
		json_kv_u64(j, "reads", c->counter[COLLECTION_READS]);
		json_kv_u64(j, "puts", c->counter[COLLECTION_PUTS]);
		json_kv_u64(j, "deletes", c->counter[COLLECTION_DELETES]);
		json_kv_u64(j, "errors", c->counter[COLLECTION_ERRORS]);
		json_kv_u64(j, "graph", c->index_done);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_events(struct json *j, const struct snapshot *a)
{
	json_key(j, "events");
	json_array_begin(j);
	for (size_t i = a->events; i-- > 0;) {
		const struct happening *e = &a->event[i];

		json_object_begin(j);
		json_kv_double(j, "ago", (double)since(a->began_ns, e->time_ns) * 1e-9);
		json_kv_string(j, "kind", e->kind);
		json_kv_string(j, "subject", e->subject);
		json_kv_u64(j, "a", e->a);
		json_kv_u64(j, "b", e->b);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_module(struct json *j, const struct snapshot *a)
{
	json_kv_string(j, "version", a->version);
	json_kv_string(j, "kernel", a->kernel);
	json_kv_string(j, "simd", a->simd);
	json_kv_double(j, "uptime", (double)a->uptime_ns * 1e-9);
	json_kv_double(j, "took", (double)a->took_ns * 1e-9);
	json_key(j, "attention");
	json_array_begin(j);
	for (unsigned int i = 0; i < a->complaints; i++)
		json_string(j, a->complaint[i]);
	json_array_end(j);
}

static void write_all(struct json *j, struct live *l, const struct snapshot *a)
{
	static const char *const subjects[] = { "class", "op", "pool", "stack", "bridge", "fpu",
						"store", "lock", "timed" };

	json_object_begin(j);
	json_kv_bool(j, "up", a && a->up);
	json_kv_string(j, "why", a ? a->why : "the module has not been read yet");
	json_kv_string(j, "exporter", VEXFS_VERSION);
	if (a && a->up) {
		json_module(j, a);
		for (unsigned int i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
			json_rows(j, a, subjects[i], subjects[i]);
		json_rows(j, a, "variants", "simd");
		json_collections(j, a);
		json_events(j, a);
	}
	json_points(j, l);
	json_object_end(j);
}

char *live_json(struct live *l, const struct snapshot *a, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	struct json j;

	if (!out)
		return NULL;
	json_start(&j, out, false);
	write_all(&j, l, a);
	return json_finish_text(&j, &text);
}

/* ---- the page ---- */

#define MARK	"@DATA@"

char *live_page(struct live *l, const struct snapshot *a, size_t *len)
{
	const char *mark = strstr(page_begin, MARK);
	size_t json_len = 0;
	char *json = live_json(l, a, &json_len), *text = NULL;
	FILE *out = json && mark ? open_memstream(&text, len) : NULL;
	bool bad;

	if (!out) {
		free(json);
		return NULL;
	}
	fwrite(page_begin, 1, (size_t)(mark - page_begin), out);
	/* The data is inside a script element, so it must not contain its end tag. */
	for (size_t i = 0; i < json_len; i++) {
		if (json[i] == '<')
			fputs("\\u003c", out);
		else
			putc(json[i], out);
	}
	fputs(mark + strlen(MARK), out);
	bad = fflush(out) || ferror(out);
	fclose(out);
	free(json);
	if (bad) {
		free(text);
		text = NULL;
	}
	return text;
}
