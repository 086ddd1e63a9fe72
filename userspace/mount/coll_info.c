// SPDX-License-Identifier: GPL-2.0
/*
 * Files whose text is made when they are opened: attributes of a collection, statistics
 * of the daemon.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "coll.h"

struct text {
	struct leftover left;
	char *text;
	size_t len;
};

static json_t *info_json(const struct vexfs_stat *st)
{
	return json_pack("{s:s s:I s:s s:s s:s s:I s:I s:I s:I s:I s:I s:I s:I s:I s:s}",
			 "name", st->name, "dim", (json_int_t)st->dim,
			 "type", vexfs_type_name(st->type), "metric", vexfs_metric_name(st->metric),
			 "index", vexfs_index_name(st->index),
			 "row_bytes", (json_int_t)st->row_bytes,
			 "attr_size", (json_int_t)st->attr_size,
			 "capacity", (json_int_t)st->capacity, "uid", (json_int_t)st->uid,
			 "gid", (json_int_t)st->gid, "mode", (json_int_t)st->mode,
			 "created", (json_int_t)st->created, "m", (json_int_t)st->m,
			 "ef_construction", (json_int_t)st->ef_construction,
			 "code", vexfs_code_name(st->code));
}

static json_t *stats_json(const struct vexfs_stat *st)
{
	return json_pack("{s:I s:I s:I s:s s:I s:I}", "count", (json_int_t)st->count,
			 "bytes", (json_int_t)st->bytes, "seq", (json_int_t)st->seq,
			 "index_state", vexfs_index_state_name(st->index_state),
			 "index_done", (json_int_t)st->index_done,
			 "index_bytes", (json_int_t)st->index_bytes);
}

static void schema_text(FILE *f, const struct coll *c)
{
	unsigned int i;

	for (i = 0; i < c->layout.count; i++) {
		const struct vexfs_field *x = &c->layout.fields[i];

		fprintf(f, "%s:%s@%u\n", x->name, vexfs_field_type_name(x->type), x->offset);
	}
}

int info_text(struct node *n, char **text, size_t *len)
{
	struct vexfs_stat st = { 0 };
	json_t *o = NULL;
	FILE *f;
	int err = n->coll ? coll_stat(n->coll, true, &st) : 0;

	if (err)
		return err;
	*text = NULL;
	f = open_memstream(text, len);
	if (!f)
		return ENOMEM;
	if (n->kind == NODE_SCHEMA)
		schema_text(f, n->coll);
	else
		o = n->kind == NODE_INFO ? info_json(&st) :
		    n->kind == NODE_STATS ? stats_json(&st) : serve_json();
	if (o) {
		json_dumpf(o, f, JSON_INDENT(2));
		fputc('\n', f);
		json_decref(o);
	}
	return fclose(f) ? ENOMEM : 0;
}

static void text_end(struct leftover *l)
{
	struct text *t = (struct text *)l;

	free(t->text);
	free(t);
}

void info_open(fuse_req_t req, struct node *n, struct fuse_file_info *fi)
{
	struct text *t = calloc(1, sizeof(*t));
	int err = t ? info_text(n, &t->text, &t->len) : ENOMEM;

	if (err) {
		free(t);
		reply_err(req, err);
		return;
	}
	leftover_add(&t->left, text_end);
	fi->fh = (uintptr_t)t;
	/* The length is unknown before the text is made. */
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) == -ENOENT)
		info_release(fi);
}

void info_read(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off)
{
	const struct text *t = (const struct text *)(uintptr_t)fi->fh;

	if (off < 0 || (uint64_t)off >= t->len)
		size = 0;
	else if (size > t->len - (size_t)off)
		size = t->len - (size_t)off;
	fuse_reply_buf(req, size ? t->text + off : NULL, size);
}

void info_release(struct fuse_file_info *fi)
{
	struct text *t = (struct text *)(uintptr_t)fi->fh;

	leftover_remove(&t->left);
	text_end(&t->left);
}

