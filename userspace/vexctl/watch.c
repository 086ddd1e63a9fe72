// SPDX-License-Identifier: GPL-2.0
/* Verbs about changes: watch, and wait until changes are durable. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vexctl.h"

#define BATCH	256u

/**
 * struct watch - one call of watch
 * @c: the call
 * @h: the collection; a stream
 * @layout: of its records; no fields if there is none or it cannot be parsed
 * @vectors: print vectors
 * @left: lines that may still be printed
 * @changes: changes of one read
 * @ids: ids of a snapshot
 * @rows: vectors of the changes, or NULL
 * @attrs: records of the changes, or NULL
 * @errors: for each change, why its vector is missing
 */
struct watch {
	struct ctl *c;
	struct vexfs *h;
	struct vexfs_layout layout;
	bool vectors;
	uint64_t left;
	struct vexfs_change changes[BATCH];
	uint64_t ids[BATCH];
	float *rows;
	unsigned char *attrs;
	int32_t errors[BATCH];
};

/* One line each, and each a JSON value of its own. */
static void line_begin(struct watch *w, const char *op, uint64_t seq)
{
	struct json *j = &w->c->out;

	json_start(j, stdout, false);
	json_object_begin(j);
	json_kv_string(j, "op", op);
	json_kv_u64(j, "seq", seq);
}

/* 0, or an exit code if the reader has closed the pipe. */
static int line_end(struct watch *w)
{
	json_object_end(&w->c->out);
	if (json_finish(&w->c->out))
		return EXIT_REFUSED;
	if (w->left != UINT64_MAX)
		w->left--;
	return 0;
}

static void vector_out(struct watch *w, size_t i)
{
	uint32_t dim = vexfs_dim(w->h), size = vexfs_attr_size(w->h);
	struct json *j = &w->c->out;

	if (!w->vectors)
		return;
	json_key(j, "vector");
	json_array_begin(j);
	for (uint32_t d = 0; d < dim; d++)
		json_float(j, w->rows[i * dim + d]);
	json_array_end(j);
	if (size) {
		json_key(j, "attr");
		record_json(w->c, &w->layout, w->attrs + i * size, size);
	}
}

static int change_out(struct watch *w, size_t i)
{
	const struct vexfs_change *ch = &w->changes[i];
	struct json *j = &w->c->out;

	line_begin(w, vexfs_change_name(ch->op), ch->seq);
	json_kv_u64(j, "time_ns", ch->time_ns);
	if (ch->op >= VEXFS_CHANGE_INSERT && ch->op <= VEXFS_CHANGE_DELETE)
		json_kv_u64(j, "id", ch->id);
	if (ch->op == VEXFS_CHANGE_INSERT || ch->op == VEXFS_CHANGE_UPDATE) {
		if (w->vectors && w->errors[i])
			json_kv_bool(j, "superseded", true);
		else
			vector_out(w, i);
	}
	return line_end(w);
}

/* Prints all vectors: a walk concurrent with writers. */
static int snapshot(struct watch *w)
{
	struct vexfs_walk walk = {
		.ids = (uintptr_t)w->ids,
		.vectors = (uintptr_t)w->rows,
		.attrs = vexfs_attr_size(w->h) ? (uintptr_t)w->attrs : 0,
	};
	struct vexfs_error err;
	int ret = 0;

	do {
		walk.count = BATCH;
		if (vexfs_do_walk(w->h, &walk, &err))
			return ctl_fail(w->c, &err);
		for (uint32_t i = 0; i < walk.count && !ret && w->left && !stop_wanted(); i++) {
			line_begin(w, "snapshot", walk.seq);
			json_kv_u64(&w->c->out, "id", w->ids[i]);
			vector_out(w, i);
			ret = line_end(w);
		}
	} while (walk.cursor && !ret && w->left && !stop_wanted());
	if (ret || !w->left || stop_wanted())
		return ret;
	line_begin(w, "snapshot-end", walk.seq);
	return line_end(w);
}

static int rows_of_changes(struct watch *w, size_t n)
{
	struct vexfs_rows rows = {
		.count = (uint32_t)n,
		.changes = (uintptr_t)w->changes,
		.vectors = (uintptr_t)w->rows,
		.attrs = vexfs_attr_size(w->h) ? (uintptr_t)w->attrs : 0,
		.errors = (uintptr_t)w->errors,
	};
	struct vexfs_error err;

	return vexfs_do_rows(w->h, &rows, &err) ? ctl_fail(w->c, &err) : 0;
}

/* Runs until the collection is dropped, a signal arrives, or enough is printed. */
static int follow(struct watch *w, bool again)
{
	struct vexfs_error err;
	int ret = 0;

	while (w->left && !ret && !stop_wanted()) {
		ssize_t n = vexfs_read_changes(w->h, w->changes, BATCH, -1, &err);

		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n < 0)
			return ctl_fail(w->c, &err);
		if (!n)
			return EXIT_OK;
		if (w->vectors)
			ret = rows_of_changes(w, (size_t)n);
		for (ssize_t i = 0; i < n && !ret && w->left; i++) {
			ret = change_out(w, (size_t)i);
			if (!ret && again && w->changes[i].op == VEXFS_CHANGE_LOST)
				ret = snapshot(w);
		}
	}
	return ret;
}

static int watch(struct watch *w)
{
	struct ctl *c = w->c;
	bool from = opt_given(c, "from"), whole = opt_given(c, "snapshot");
	struct vexfs_stream_req req = {
		.flags = from ? VEXFS_STREAM_FROM : 0,
		.from = opt_u64(c, "from", 0),
	};
	struct vexfs_error err;
	int ret;

	if (vexfs_do_stream(w->h, &req, &err))
		return ctl_fail(c, &err);
	if (from && (req.flags & VEXFS_STREAM_SNAPSHOT) && !whole) {
		/* the same as for a reader that falls behind later */
		line_begin(w, vexfs_change_name(VEXFS_CHANGE_LOST), req.from);
		ret = line_end(w);
		if (ret)
			return ret;
	}
	ret = whole && (req.flags & VEXFS_STREAM_SNAPSHOT) ? snapshot(w) : 0;
	return ret ? ret : follow(w, whole);
}

static int run_watch(struct ctl *c)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct vexfs_error err;
	int ret;

	if (!w)
		return ctl_refuse(c, ENOMEM, "no memory for changes");
	w->c = c;
	w->vectors = opt_given(c, "vectors");
	w->left = opt_u64(c, "limit", UINT64_MAX);
	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &w->h, &err)) {
		ret = ctl_fail(c, &err);
		goto out;
	}
	if (vexfs_layout_parse(vexfs_layout_text(w->h), &w->layout, NULL) ||
	    w->layout.size > vexfs_attr_size(w->h))
		w->layout.count = 0;
	if (w->vectors) {
		w->rows = calloc(BATCH, vexfs_vector_bytes(w->h, VEXFS_FORMAT_F32));
		w->attrs = calloc(BATCH, vexfs_attr_size(w->h) + 1);
	}
	stop_on_signals();
	if (w->vectors && (!w->rows || !w->attrs))
		ret = ctl_refuse(c, ENOMEM, "no memory for vectors");
	else
		ret = watch(w);
out:
	vexfs_close(w->h);
	free(w->rows);
	free(w->attrs);
	free(w);
	if (!ret && stop_wanted())
		end_by_signal();
	return ret;
}

static int run_wait(struct ctl *c)
{
	struct vexfs_stat st = { 0 };
	struct vexfs_wait req = { 0 };
	double seconds = opt_number(c, "timeout", 0);
	struct vexfs_error err;
	struct vexfs *h;
	int ret = EXIT_OK;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &h, &err))
		return ctl_fail(c, &err);
	if (vexfs_do_stat(h, &st, &err)) {
		ret = ctl_fail(c, &err);
		goto out;
	}
	req.seq = opt_u64(c, "seq", st.seq);
	req.deadline_ns = (uint64_t)(seconds * 1e9);
	if (vexfs_do_wait(h, &req, &err)) {
		ret = ctl_fail(c, &err);
	} else if (c->json) {
		json_object_begin(&c->out);
		json_kv_u64(&c->out, "durable", req.durable);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
out:
	vexfs_close(h);
	return ret;
}

static const struct opt watch_opts[] = {
	{ "from", 0, OPT_U64, "SEQ", "start after this change instead of now" },
	{ "snapshot", 0, OPT_FLAG, NULL, "print all vectors first, and again when the position is lost" },
	{ "vectors", 0, OPT_FLAG, NULL, "print the vectors and records, too" },
	{ "limit", 'n', OPT_U64, "N", "end after N lines" },
	{ 0 },
};

static const struct opt wait_opts[] = {
	{ "seq", 0, OPT_U64, "SEQ", "wait for this change; the last one by default" },
	{ "timeout", 't', OPT_NUMBER, "SECONDS", "time limit" },
	{ 0 },
};

const struct verb change_verbs[] = {
	{ "watch", "NAME", 1, 1, "print the changes of a collection as they happen",
	  "One JSON value a line: op (insert, update, delete, set, index, drop), seq, time_ns, and of "
	  "vectors the id. It ends when the collection is dropped.\n\n"
	  "Changes are kept for a while, and writers do not wait for readers. A reader that falls behind "
	  "gets a line with op lost, whose seq says where it continues. With --snapshot all vectors "
	  "come first, as lines with op snapshot, then snapshot-end; the "
	  "changes that follow belong on top of it. With --from, that is done "
	  "only when the change is no longer kept.\n\n"
	  "With --vectors a vector that has been replaced or deleted meanwhile is superseded: a later "
	  "line says by what.", watch_opts, run_watch },
	{ "wait", "NAME", 1, 1, "wait until changes are on stable storage",
	  "For collections with the durability async, whose writers do not wait themselves.",
	  wait_opts, run_wait },
	{ 0 },
};
