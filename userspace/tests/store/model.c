// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define ATTR_BYTES	12u

static void fill(uint8_t *to, size_t len, uint64_t id, uint64_t seq, uint64_t salt)
{
	uint64_t state = id * 0x1234567 + seq * 0x89abcdef + salt, v = 0;

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			v = mem_random(&state);
		to[i] = (uint8_t)(v >> 8 * (i % 8));
	}
}

static struct life *now(struct model *m)
{
	return &m->lives[m->nlives - 1];
}

static void meta_of(const struct model *m, uint64_t seq, struct store_meta *meta)
{
	*meta = (struct store_meta) {
		.dim = m->row_bytes / 4, .type = 1, .metric = 1, .mode = 0600,
		.attr_size = ATTR_BYTES, .row_bytes = m->row_bytes, .capacity = seq,
	};
	snprintf(meta->name, sizeof(meta->name), "model");
	meta->layout_len = (uint32_t)snprintf(meta->layout, sizeof(meta->layout), "s%u:u32",
					      (unsigned int)seq);
}

static int create(struct model *m)
{
	struct store_meta meta;
	struct life *l;
	int ret;

	if (m->nlives == MODEL_LIVES)
		return 0;
	l = &m->lives[m->nlives];
	memset(l, 0, sizeof(*l));
	l->begun = memdisk_events(m->disk);
	l->made = l->drop_begun = l->dropped = SIZE_MAX;
	meta_of(m, 0, &meta);
	ret = store_coll_create(m->s, &meta, 0, &m->c, &m->err);
	if (ret)
		return ret;
	m->nlives++;
	l->key = store_coll_key(m->c);
	l->made = memdisk_events(m->disk);
	return 0;
}

int model_start(struct model *m, struct memdisk *d, uint32_t row_bytes, uint64_t segment_max,
		uint64_t seed)
{
	int ret;

	memset(m, 0, sizeof(*m));
	m->disk = d;
	m->row_bytes = row_bytes;
	m->seed = seed;
	m->opts.segment_max = segment_max;
	m->super_made = SIZE_MAX;
	m->lives = calloc(MODEL_LIVES, sizeof(*m->lives));
	if (!m->lives)
		return -ENOMEM;
	ret = store_open(memdisk_io(d), &m->opts, &m->s, &m->err);
	if (ret)
		return ret;
	m->super_made = memdisk_events(d);
	return create(m);
}

static void acked(struct model *m)
{
	struct life *l = now(m);

	if (l->nacks < MODEL_CHANGES)
		l->acks[l->nacks++] = (struct mark) {
			memdisk_events(m->disk), store_durable_seq(m->c) };
}

/* Sends changes @from to @to of the collection as recorded in the model. */
static int send(struct model *m, uint64_t from, uint64_t to)
{
	struct life *l = now(m);
	uint64_t ids[64];
	uint8_t ops[64];
	uint8_t *attrs = malloc(64 * ATTR_BYTES), *rows = malloc(64 * (size_t)m->row_bytes);
	struct store_rows r = {
		.first_seq = from, .ids = ids, .ops = ops, .attrs = attrs, .vectors = rows,
	};
	int ret;

	if (!attrs || !rows)
		abort();
	for (uint64_t s = from; s <= to; s++) {
		const struct change *ch = &l->changes[s];

		ids[r.count] = ch->id;
		ops[r.count] = ch->op;
		if (ch->op != STORE_DELETE) {
			fill(attrs + r.puts * ATTR_BYTES, ATTR_BYTES, ch->id, s, 7);
			fill(rows + (size_t)r.puts * m->row_bytes, m->row_bytes, ch->id, s, 0);
			r.puts++;
		}
		r.count++;
	}
	ret = store_append(m->c, &r, &m->err);
	free(attrs);
	free(rows);
	return ret;
}

static int send_meta(struct model *m, uint64_t seq)
{
	struct store_meta meta;

	meta_of(m, seq, &meta);
	return store_append_meta(m->c, seq, &meta, &m->err);
}

static void note(struct life *l, uint8_t op, uint8_t id)
{
	if (l->seq + 1 >= MODEL_CHANGES)
		return;
	if (op == STORE_DELETE && !l->here[id])
		op = STORE_INSERT;
	if (op == STORE_INSERT && l->here[id])
		op = STORE_UPDATE;
	if (op)
		l->here[id] = op != STORE_DELETE;
	l->changes[++l->seq] = (struct change) { op, id };
}

/* Sends the changes after @from in as few appends as their kinds allow. */
static int send_all(struct model *m, uint64_t from)
{
	struct life *l = now(m);
	int ret = 0;

	if (l->nsent < MODEL_CHANGES)
		l->sent[l->nsent++] = (struct mark) { memdisk_events(m->disk), l->seq };
	for (uint64_t s = from + 1; !ret && s <= l->seq;) {
		uint64_t end = s;

		if (!l->changes[s].op) {
			ret = send_meta(m, s++);
			continue;
		}
		while (end < l->seq && l->changes[end + 1].op && end - s < 60)
			end++;
		ret = send(m, s, end);
		s = end + 1;
	}
	return ret;
}

static int step_random(struct model *m)
{
	struct life *l = now(m);
	uint64_t from = l->seq, n = 1 + mem_random(&m->seed) % 12;

	while (n--) {
		uint64_t r = mem_random(&m->seed);

		note(l, r % 8 == 0 ? STORE_DELETE : STORE_INSERT, (uint8_t)(1 + r / 8 % 7));
	}
	return send_all(m, from);
}

static int reopen(struct model *m)
{
	uint64_t key = now(m)->key;
	int ret;

	store_close(m->s);
	m->s = NULL;
	m->c = NULL;
	ret = store_open(memdisk_io(m->disk), &m->opts, &m->s, &m->err);
	if (!ret)
		ret = store_coll_open(m->s, key, &m->c, &m->err);
	/* Changes that were never committed may have gone. */
	if (!ret)
		ret = send_all(m, store_durable_seq(m->c));
	return ret;
}

static int step_graph(struct model *m)
{
	struct store_graph *g;
	uint8_t part[900];
	int ret = store_graph_begin(m->c, store_durable_seq(m->c), &g, &m->err);

	if (ret)
		return ret;
	for (uint64_t i = 0; !ret && i < 3; i++) {
		fill(part, sizeof(part), i, i, 99);
		ret = store_graph_add(g, part, sizeof(part), &m->err);
	}
	if (ret)
		store_graph_abandon(g);
	else
		ret = store_graph_finish(g, &m->err);
	return ret;
}

/* Drops the collection, and creates the next one by @create_next. */
static int drop_then(struct model *m, int (*create_next)(struct model *m))
{
	struct life *l = now(m);
	int ret;

	if (m->nlives == MODEL_LIVES)
		return 0;
	l->drop_begun = memdisk_events(m->disk);
	ret = store_coll_drop(m->c, &m->err);
	if (ret)
		return ret;
	m->c = NULL;
	l->dropped = memdisk_events(m->disk);
	return create_next(m);
}

static int step_drop(struct model *m)
{
	return drop_then(m, create);
}

/* Rows of ids 4 to 7 as of change 4, the last of them newer than that, and its change. */
static int fill_snapshot(struct model *m, struct life *l)
{
	uint64_t ids[] = { 4, 5, 6, 7 };
	uint8_t ops[] = { STORE_INSERT, STORE_INSERT, STORE_INSERT, STORE_INSERT };
	uint8_t attrs[4 * ATTR_BYTES], *rows = malloc(4 * (size_t)m->row_bytes);
	struct store_rows r = { 0, 4, 4, ids, NULL, ops, attrs, rows };
	int ret;

	if (!rows)
		abort();
	for (unsigned int i = 0; i < 4; i++) {
		note(l, STORE_INSERT, (uint8_t)ids[i]);
		fill(attrs + i * ATTR_BYTES, ATTR_BYTES, ids[i], i < 3 ? l->base : 5, 7);
		fill(rows + (size_t)i * m->row_bytes, m->row_bytes, ids[i], i < 3 ? l->base : 5, 0);
	}
	note(l, STORE_INSERT, 7);
	ret = store_snapshot_rows(m->c, &r, &m->err);
	if (!ret)
		ret = store_snapshot_end(m->c, &m->err);
	if (!ret)
		ret = send_all(m, l->base);
	if (!ret)
		ret = store_snapshot_done(m->c, &m->err);
	free(rows);
	return ret;
}

static int create_snapshot(struct model *m)
{
	struct store_meta meta;
	struct life *l;
	int ret;

	l = &m->lives[m->nlives];
	memset(l, 0, sizeof(*l));
	l->begun = memdisk_events(m->disk);
	l->made = l->drop_begun = l->dropped = SIZE_MAX;
	l->base = 4;
	meta_of(m, 0, &meta);
	ret = store_snapshot_create(m->s, &meta, l->base, &m->c, &m->err);
	if (ret)
		return ret;
	m->nlives++;
	l->key = store_coll_key(m->c);
	ret = fill_snapshot(m, l);
	if (ret) {
		/* Not acknowledged: it may exist, complete, or be missing. */
		store_coll_abandon(m->c);
		m->c = NULL;
		l->drop_begun = l->begun;
		return ret;
	}
	l->made = memdisk_events(m->disk);
	acked(m);
	return 0;
}

static int step_snapshot(struct model *m)
{
	return drop_then(m, create_snapshot);
}

static int step_commit(struct model *m)
{
	int ret = store_commit(m->c, &m->err);

	if (!ret)
		acked(m);
	return ret;
}

int model_step(struct model *m, enum step step)
{
	struct life *l;
	uint64_t from;
	int ret;

	if (!m->c)
		return 0;
	l = now(m);
	from = l->seq;
	switch (step) {
	case STEP_PUT_A:
		note(l, STORE_INSERT, 1);
		return send_all(m, from);
	case STEP_PUT_B:
		note(l, STORE_INSERT, 2);
		note(l, STORE_INSERT, 3);
		return send_all(m, from);
	case STEP_DELETE_A:
		note(l, STORE_DELETE, 1);
		return send_all(m, from);
	case STEP_META:
		note(l, 0, 0);
		return send_all(m, from);
	case STEP_RANDOM:
		return step_random(m);
	case STEP_COMMIT:
		return step_commit(m);
	case STEP_COMPACT:
		return store_coll_compact(m->c, NULL, NULL, &m->err);
	case STEP_REOPEN:
		ret = store_coll_close(m->c);
		m->c = NULL;
		return ret ? ret : reopen(m);
	case STEP_KILL:
		store_coll_abandon(m->c);
		m->c = NULL;
		return reopen(m);
	case STEP_GRAPH:
		return step_graph(m);
	case STEP_DROP:
		return step_drop(m);
	case STEP_SNAPSHOT:
		return step_snapshot(m);
	default:
		return -EINVAL;
	}
}

int model_recover(struct model *m)
{
	int ret;

	if (!m->s) {
		ret = store_open(memdisk_io(m->disk), &m->opts, &m->s, &m->err);
		if (ret)
			return ret;
		if (m->super_made == SIZE_MAX)
			m->super_made = memdisk_events(m->disk);
	}
	if (!m->nlives || (!m->c && (now(m)->dropped != SIZE_MAX ||
				     now(m)->drop_begun == now(m)->begun)))
		return create(m);
	if (!m->c)
		return reopen(m);
	if (now(m)->drop_begun != SIZE_MAX)
		return step_drop(m);
	ret = store_coll_recover(m->c, &m->err);
	return ret ? ret : send_all(m, store_durable_seq(m->c));
}

void model_end(struct model *m)
{
	store_coll_abandon(m->c);
	store_close(m->s);
	free(m->lives);
}

/* ---- the oracle ---- */

struct look {
	const struct model *m;
	const struct life *l;
	uint64_t seq;
	uint64_t last[MODEL_IDS];	/* change that each id should be of, 0: not there */
	bool seen[MODEL_IDS];
	const char *wrong;
};

static void expect(struct look *k, uint64_t seq)
{
	memset(k->last, 0, sizeof(k->last));
	memset(k->seen, 0, sizeof(k->seen));
	k->seq = seq;
	for (uint64_t s = 1; s <= seq; s++) {
		const struct change *ch = &k->l->changes[s];

		if (ch->op)
			k->last[ch->id] = ch->op == STORE_DELETE ? 0 :
					  s > k->l->base ? s : k->l->base;
	}
}

static int look_rows(void *arg, const struct store_rows *r)
{
	struct look *k = arg;
	uint8_t want[4096];

	for (uint32_t i = 0; i < r->count; i++) {
		uint64_t id = r->ids[i];

		if (id >= MODEL_IDS || !k->last[id])
			k->wrong = "a deleted vector exists";
		else if (k->seen[id])
			k->wrong = "a vector exists twice";
		else if (r->seqs[i] != k->last[id])
			k->wrong = "a vector is not the last version";
		if (k->wrong)
			return 1;
		k->seen[id] = true;
		fill(want, k->m->row_bytes, id, r->seqs[i], 0);
		if (memcmp(want, r->vectors + (size_t)i * k->m->row_bytes, k->m->row_bytes))
			k->wrong = "the bytes of a vector are wrong";
		fill(want, ATTR_BYTES, id, r->seqs[i], 7);
		if (memcmp(want, r->attrs + (size_t)i * ATTR_BYTES, ATTR_BYTES))
			k->wrong = "the bytes of a record are wrong";
		if (k->wrong)
			return 1;
	}
	return 0;
}

static const char *look_settings(struct look *k, struct store_coll *c)
{
	uint64_t last = 0;
	struct store_meta want;

	for (uint64_t s = 1; s <= k->seq; s++)
		if (!k->l->changes[s].op)
			last = s;
	meta_of(k->m, last, &want);
	if (strcmp(store_coll_meta(c)->layout, want.layout) ||
	    store_coll_meta(c)->capacity != want.capacity)
		return "the settings are not those of the last change";
	return NULL;
}

static int look_graph(void *arg, const void *data, size_t len)
{
	unsigned int *n = arg;
	uint8_t want[900];

	fill(want, sizeof(want), *n, *n, 99);
	if (len != sizeof(want) || memcmp(want, data, len))
		return -EUCLEAN;
	++*n;
	return 0;
}

static const char *look_coll(struct look *k, struct store_coll *c, struct store_error *err)
{
	struct store_visit visit = { .rows = look_rows, .arg = k };
	unsigned int parts = 0;
	const char *wrong;
	int ret = store_coll_live(c, &visit, err);

	if (k->wrong)
		return k->wrong;
	if (ret)
		return err->text;
	for (unsigned int id = 0; id < MODEL_IDS; id++)
		if (k->last[id] && !k->seen[id])
			return "an acknowledged vector is missing";
	wrong = look_settings(k, c);
	if (wrong)
		return wrong;
	ret = store_graph_read(c, look_graph, &parts, err);
	if (ret && ret != -ENOENT)
		return err->text;
	return !ret && parts != 3 ? "a graph is incomplete" : NULL;
}

static uint64_t mark_at(const struct mark *marks, size_t n, size_t events)
{
	uint64_t seq = 0;

	for (size_t i = 0; i < n && marks[i].events <= events; i++)
		seq = marks[i].seq > seq ? marks[i].seq : seq;
	return seq;
}

/* Uses the recovered store: one more committed change must exist. */
static const char *use_again(struct look *k, struct store_coll *c, struct store_error *err)
{
	uint64_t id = 1;
	uint8_t op = k->last[1] ? STORE_UPDATE : STORE_INSERT, attr[ATTR_BYTES], row[4096];
	struct store_rows r = { k->seq + 1, 1, 1, &id, NULL, &op, attr, row };

	fill(attr, sizeof(attr), 1, k->seq + 1, 7);
	fill(row, k->m->row_bytes, 1, k->seq + 1, 0);
	if (store_append(c, &r, err) || store_commit(c, err))
		return err->text;
	memset(k->seen, 0, sizeof(k->seen));
	k->last[1] = k->seq + 1;
	return look_coll(k, c, err);
}

static const char *check_life(const struct model *m, const struct life *l, struct store *s,
			      size_t events, bool write, bool here, struct store_error *err)
{
	uint64_t least = mark_at(l->acks, l->nacks, events);
	/* Changes that were sent may exist although no commit waited for them. */
	uint64_t most = mark_at(l->sent, l->nsent, events + 1);
	struct look k = { .m = m, .l = l };
	struct store_coll *c;
	const char *wrong;
	uint64_t seq;

	if (!here)
		return l->made <= events && l->drop_begun >= events ?
			"an acknowledged collection is missing" : NULL;
	if (l->dropped <= events)
		return "a dropped collection exists again";
	if (store_coll_open(s, l->key, &c, err))
		return err->text;
	seq = store_durable_seq(c);
	expect(&k, seq);
	wrong = seq < least ? "an acknowledged change is missing" :
		seq > most ? "a change exists that was never made" : look_coll(&k, c, err);
	if (!wrong && write)
		wrong = use_again(&k, c, err);
	store_coll_abandon(c);
	return wrong;
}

static void say_damage(void *arg, bool bad, const char *text)
{
	struct store_error *err = arg;

	if (bad && !err->code)
		store_fail(err, EUCLEAN, "%s", text);
}

static bool has(const uint64_t *keys, size_t n, uint64_t key)
{
	while (n--)
		if (keys[n] == key)
			return true;
	return false;
}

static const char *check_once(const struct model *m, struct memdisk *cut, size_t events,
			      bool write, struct store_error *err)
{
	struct store_opts opts = m->opts;
	struct store_check check = { .report = say_damage, .arg = err };
	const char *wrong = NULL;
	const uint64_t *keys;
	struct store *s;
	size_t n, known = 0;
	int ret;

	opts.read_only = !write;
	ret = store_open(memdisk_io(cut), &opts, &s, err);
	if (ret == -ENOENT && !write && m->super_made > events)
		return NULL;
	if (ret)
		return err->text;
	if (!write && (store_check(s, &check, err) || check.bad))
		wrong = err->code ? err->text : "the checker finds damage after a power cut";
	keys = store_keys(s, &n);
	for (size_t i = 0; !wrong && i < m->nlives; i++) {
		bool here = has(keys, n, m->lives[i].key);

		known += here;
		wrong = check_life(m, &m->lives[i], s, events, write, here, err);
	}
	/* An interrupted creation may leave a complete, empty collection. */
	if (!wrong && n > known + (m->nlives < MODEL_LIVES))
		wrong = "more collections exist than were created";
	store_close(s);
	return wrong;
}

const char *model_check(const struct model *m, struct memdisk *cut, size_t events)
{
	static struct store_error err;
	const char *wrong = check_once(m, cut, events, false, &err);

	return wrong ? wrong : check_once(m, cut, events, true, &err);
}
