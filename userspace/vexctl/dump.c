// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that write a whole collection to one file and make it anew from there: settings, ids,
 * records and vectors. A file that is damaged or cut short leaves no collection behind.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump.h"
#include "outfile.h"
#include "vexctl.h"

static int fail_store(struct ctl *c, const struct store_error *err)
{
	return ctl_refuse(c, err->code, "%s", err->text);
}

static int report(struct ctl *c, const char *what, const char *name, uint64_t vectors, uint64_t seq)
{
	ctl_progress_end(c);
	if (!c->json) {
		printf("%s '%s': %" PRIu64 " vectors\n", what, name, vectors);
		return EXIT_OK;
	}
	json_object_begin(&c->out);
	json_kv_string(&c->out, "name", name);
	json_kv_u64(&c->out, what, vectors);
	json_kv_u64(&c->out, "sequence", seq);
	json_object_end(&c->out);
	json_finish(&c->out);
	return EXIT_OK;
}

/* ---- dump ---- */

static void meta_from(struct store_meta *m, const struct vexfs_stat *st, const char *layout)
{
	*m = (struct store_meta) {
		.dim = st->dim, .type = st->type, .metric = st->metric, .index = st->index,
		.durability = (uint8_t)st->durability, .mode = st->mode, .uid = st->uid,
		.gid = st->gid, .attr_size = st->attr_size, .capacity = st->capacity, .m = st->m,
		.ef_construction = st->ef_construction, .code = st->code,
		.row_bytes = st->row_bytes, .created = st->created, .window_ms = st->window_ms,
		.layout_len = (uint32_t)strlen(layout),
	};
	memcpy(m->name, st->name, sizeof(m->name));
	m->name[sizeof(m->name) - 1] = '\0';
	memcpy(m->layout, layout, m->layout_len);
}

struct dumping {
	struct ctl *c;
	struct vexfs *h;
	FILE *f;
	struct store_meta meta;
	uint64_t total;		/* about: for the progress */
	uint64_t done;
	uint64_t seq;
};

/* Writes the vectors. False after an error that was printed; *@ret is then the exit code. */
static bool dump_rows(struct dumping *d, int *ret)
{
	uint32_t room = dump_block_rows(&d->meta);
	struct vexfs_walk walk = { .format = VEXFS_FORMAT_RAW };
	uint64_t *ids = malloc(room * sizeof(*ids));
	uint8_t *attrs = malloc((size_t)room * d->meta.attr_size + 1);
	uint8_t *vectors = malloc((size_t)room * d->meta.row_bytes);
	struct vexfs_error err;
	bool good = ids && attrs && vectors;

	if (!good)
		*ret = ctl_refuse(d->c, ENOMEM, "no memory for %u vectors", room);
	walk.ids = (uintptr_t)ids;
	walk.vectors = (uintptr_t)vectors;
	walk.attrs = d->meta.attr_size ? (uintptr_t)attrs : 0;
	do {
		struct dump_rows rows = { .ids = ids, .attrs = attrs, .vectors = vectors };

		walk.count = room;
		if (good && vexfs_do_walk(d->h, &walk, &err)) {
			*ret = ctl_fail(d->c, &err);
			good = false;
		}
		rows.count = walk.count;
		if (good && rows.count)
			dump_write_rows(d->f, &d->meta, d->done, &rows);
		d->done += rows.count;
		if (good && ctl_progress(d->done, d->total, d->c)) {
			*ret = ctl_refuse(d->c, ECANCELED, "stopped after %" PRIu64 " vectors", d->done);
			good = false;
		}
	} while (good && walk.cursor && !ferror(d->f));
	free(ids);
	free(attrs);
	free(vectors);
	return good;
}

static int dump_to(struct dumping *d, const char *path)
{
	struct vexfs_stat st = { 0 };
	struct outfile out;
	struct vexfs_error err;
	int ret = EXIT_OK;

	if (vexfs_do_stat(d->h, &st, &err))
		return ctl_fail(d->c, &err);
	meta_from(&d->meta, &st, vexfs_layout_text(d->h));
	d->total = st.count;
	d->seq = st.seq;
	if (outfile_open(&out, path, false))
		return ctl_refuse(d->c, out.error, "%s", out.why);
	d->f = out.f;
	dump_write_head(out.f, &d->meta, st.seq);
	if (!dump_rows(d, &ret)) {
		outfile_abandon(&out);
		return ret;
	}
	dump_write_end(out.f, d->done);
	if (outfile_commit(&out))
		return ctl_refuse(d->c, out.error, "%s", out.why);
	return report(d->c, "dumped", d->meta.name, d->done, d->seq);
}

static int run_dump(struct ctl *c)
{
	struct dumping d = { .c = c };
	struct vexfs_error err;
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &d.h, &err))
		return ctl_fail(c, &err);
	stop_on_signals();
	ret = dump_to(&d, c->argv[1]);
	vexfs_close(d.h);
	if (ret && stop_wanted())
		end_by_signal();
	return ret;
}

/* ---- load ---- */

struct restoring {
	struct ctl *c;
	struct dump d;
	struct vexfs *h;
	uint64_t serial;
	uint64_t bytes;		/* of the file, for the progress */
	char name[VEXFS_NAME_SIZE];
};

static int make_collection(struct restoring *l)
{
	const struct store_meta *m = &l->d.meta;
	const char *durability = opt_string(l->c, "durability", NULL);
	struct vexfs_create req = {
		.dim = m->dim, .type = m->type, .metric = m->metric, .index = m->index,
		.mode = m->mode, .attr_size = m->attr_size, .capacity = m->capacity, .m = m->m,
		.ef_construction = m->ef_construction, .code = m->code,
		.durability = m->durability,
	};
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;

	if (durability && vexfs_durability_from_name(durability) < 0)
		return ctl_usage(l->c, "--durability '%s': none, async, group or sync expected",
				 durability);
	if (durability)
		req.durability = (uint32_t)vexfs_durability_from_name(durability);
	if (vexfs_do_create(l->c->device, &req, l->name, m->layout_len ? m->layout : NULL, &l->h,
			    &err))
		return ctl_fail(l->c, &err);
	if (vexfs_do_stat(l->h, &st, &err))
		return ctl_fail(l->c, &err);
	l->serial = st.serial;
	if (st.row_bytes != m->row_bytes)
		return ctl_refuse(l->c, EUCLEAN, "%s: vectors of %u bytes, '%s' has %u", l->d.name,
				  m->row_bytes, l->name, st.row_bytes);
	return EXIT_OK;
}

static int load_rows(struct restoring *l)
{
	struct dump_rows rows;
	struct store_error bad;
	struct vexfs_error err;
	int more;

	while ((more = dump_read_rows(&l->d, &rows, &bad)) > 0) {
		struct vexfs_put put = {
			.flags = VEXFS_PUT_INSERT, .format = VEXFS_FORMAT_RAW,
			.count = rows.count, .ids = (uintptr_t)rows.ids,
			.vectors = (uintptr_t)rows.vectors,
			.attrs = l->d.meta.attr_size ? (uintptr_t)rows.attrs : 0,
		};

		if (vexfs_do_put(l->h, &put, &err))
			return ctl_fail(l->c, &err);
		if (ctl_progress((uint64_t)ftello(l->d.f), l->bytes, l->c))
			return ctl_refuse(l->c, ECANCELED, "stopped after %" PRIu64 " vectors", l->d.at);
	}
	return more < 0 ? fail_store(l->c, &bad) : EXIT_OK;
}

static int load_from(struct restoring *l)
{
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;
	int ret = make_collection(l);

	if (ret == EXIT_OK)
		ret = load_rows(l);
	if (ret == EXIT_OK && vexfs_do_stat(l->h, &st, &err))
		ret = ctl_fail(l->c, &err);
	if (ret == EXIT_OK)
		return report(l->c, "loaded", l->name, l->d.at, st.seq);
	/* by its number, since the name may belong to another collection by now */
	if (l->serial && vexfs_do_drop_serial(l->c->device, l->serial, &err))
		fprintf(stderr, "vexctl: a part of it is left: %s\n", err.text);
	return ret;
}

static int run_load(struct ctl *c)
{
	struct restoring l = { .c = c };
	const char *name = opt_string(c, "name", NULL);
	FILE *f = fopen(c->argv[0], "rbe");
	struct store_error bad;
	struct stat st;
	int ret;

	if (!f)
		return ctl_refuse(c, errno, "%s: %s", c->argv[0], strerror(errno));
	l.bytes = fstat(fileno(f), &st) ? 0 : (uint64_t)st.st_size;
	ret = dump_read_head(&l.d, f, c->argv[0], &bad) ? fail_store(c, &bad) : EXIT_OK;
	if (ret == EXIT_OK) {
		if (name && strlen(name) >= sizeof(l.name))
			ret = ctl_usage(c, "--name: at most %zu bytes", sizeof(l.name) - 1);
		else
			strcpy(l.name, name ? name : l.d.meta.name);
	}
	if (ret == EXIT_OK) {
		stop_on_signals();
		ret = load_from(&l);
	}
	vexfs_close(l.h);
	dump_read_end(&l.d);
	fclose(f);
	if (ret && stop_wanted())
		end_by_signal();
	return ret;
}

static const struct opt load_opts[] = {
	{ "name", 0, OPT_STRING, "NAME", "name of the new collection instead of the one in the "
					 "file" },
	{ "durability", 0, OPT_STRING, "HOW", "none, async, group or sync, instead of the one in "
					      "the file" },
	{ 0 },
};

const struct verb dump_verbs[] = {
	{ "dump", "NAME FILE", 2, 2, "write a whole collection to one file",
	  "The file holds what the collection is (type, metric, layout, graph parameters, capacity, "
	  "mode, durability) and its vectors with their ids and records, under checksums. If "
	  "others write meanwhile, it holds every vector that exists from beginning to end. The "
	  "file appears when "
	  "it is complete.", NULL, run_dump },
	{ "load", "FILE", 1, 1, "make a collection from a file of 'dump'",
	  "The new collection belongs to the caller. A graph is built while the vectors come in. When the "
	  "file is damaged or cut short, or a vector is refused, no collection is left.",
	  load_opts, run_load },
	{ 0 },
};
