// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs about collections: create, list, show, set, drop, and what the module is.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "term.h"
#include "vexctl.h"

static void features_json(struct json *j, uint64_t features)
{
	json_array_begin(j);
	if (features & VEXFS_FEATURE_GRAPH)
		json_string(j, "graph");
	if (features & VEXFS_FEATURE_FILTER)
		json_string(j, "filter");
	json_array_end(j);
}

static int run_info(struct ctl *c)
{
	struct vexfs_info info;
	struct vexfs_error err;
	struct json *j = &c->out;

	if (vexfs_do_info(c->device, &info, &err))
		return ctl_fail(c, &err);
	if (!c->json) {
		printf("version   %.32s\n", info.version);
		printf("abi       %u\n", info.abi);
		printf("simd      %.32s\n", info.simd);
		printf("features %s%s\n", info.features & VEXFS_FEATURE_GRAPH ? " graph" : "",
		       info.features & VEXFS_FEATURE_FILTER ? " filter" : "");
		return EXIT_OK;
	}
	json_object_begin(j);
	json_key(j, "version");
	json_string_n(j, info.version, strnlen(info.version, sizeof(info.version)));
	json_kv_u64(j, "abi", info.abi);
	json_key(j, "simd");
	json_string_n(j, info.simd, strnlen(info.simd, sizeof(info.simd)));
	json_key(j, "features");
	features_json(j, info.features);
	json_object_end(j);
	json_finish(j);
	return EXIT_OK;
}

static void stat_json(struct json *j, const struct vexfs_stat *st, const char *layout)
{
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", st->mode & 07777);
	json_object_begin(j);
	json_key(j, "name");
	json_string_n(j, st->name, strnlen(st->name, sizeof(st->name)));
	json_kv_u64(j, "dim", st->dim);
	json_kv_string(j, "type", vexfs_type_name(st->type));
	json_kv_string(j, "metric", vexfs_metric_name(st->metric));
	json_kv_string(j, "index", vexfs_index_name(st->index));
	json_kv_u64(j, "count", st->count);
	json_kv_u64(j, "capacity", st->capacity);
	json_kv_u64(j, "bytes", st->bytes);
	json_kv_u64(j, "row_bytes", st->row_bytes);
	json_kv_u64(j, "stride", st->stride);
	json_kv_u64(j, "attr_size", st->attr_size);
	if (layout)
		json_kv_string(j, "layout", layout);
	json_kv_string(j, "mode", mode);
	json_kv_u64(j, "uid", st->uid);
	json_kv_u64(j, "gid", st->gid);
	json_kv_i64(j, "created", st->created);
	json_kv_u64(j, "sequence", st->seq);
	json_kv_u64(j, "m", st->m);
	json_kv_u64(j, "ef_construction", st->ef_construction);
	json_kv_string(j, "code", vexfs_code_name(st->code));
	json_kv_string(j, "index_state", vexfs_index_state_name(st->index_state));
	json_kv_u64(j, "index_done", st->index_done);
	json_kv_u64(j, "index_bytes", st->index_bytes);
	json_kv_u64(j, "serial", st->serial);
	json_kv_u64(j, "user_ns", st->user_ns);
	json_kv_bool(j, "abandoned", st->flags & VEXFS_STAT_ABANDONED);
	json_kv_u64(j, "index_error", st->index_error);
	json_kv_string(j, "durability", vexfs_durability_name(st->durability));
	json_kv_u64(j, "durable", st->durable);
	json_kv_bool(j, "readonly", st->flags & VEXFS_STAT_READONLY);
	json_kv_u64(j, "storage_error", st->storage_error);
	json_object_end(j);
}

static void durable_text(const struct vexfs_stat *st)
{
	if (st->durability == VEXFS_DURABILITY_NONE)
		return;
	printf("durability       %s\n", vexfs_durability_name(st->durability));
	printf("durable          %llu\n", (unsigned long long)st->durable);
	if (st->flags & VEXFS_STAT_READONLY)
		printf("read-only        %s\n",
		       st->storage_error ? strerror((int)st->storage_error) : "no storage");
}

static void stat_text(const struct vexfs_stat *st, const char *layout)
{
	time_t created = (time_t)st->created;
	struct passwd *pw = getpwuid(st->uid);
	struct group *gr = getgrgid(st->gid);
	struct tm tm;
	char when[40] = "?";

	if (localtime_r(&created, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &tm);
	printf("name             %s\n", shown_n(st->name, sizeof(st->name)));
	printf("dim              %u\n", st->dim);
	printf("type             %s\n", vexfs_type_name(st->type));
	printf("metric           %s\n", vexfs_metric_name(st->metric));
	printf("index            %s\n", vexfs_index_name(st->index));
	printf("count            %llu\n", (unsigned long long)st->count);
	printf("capacity         %llu\n", (unsigned long long)st->capacity);
	printf("bytes            %llu\n", (unsigned long long)st->bytes);
	printf("row bytes        %u\n", st->row_bytes);
	printf("stride           %u\n", st->stride);
	printf("attribute bytes  %u\n", st->attr_size);
	printf("layout           %s\n", shown(layout));
	printf("mode             %04o\n", st->mode & 07777);
	printf("owner            %u %s\n", st->uid, pw ? shown(pw->pw_name) : "?");
	printf("group            %u %s\n", st->gid, gr ? shown(gr->gr_name) : "?");
	printf("created          %s\n", when);
	printf("sequence         %llu\n", (unsigned long long)st->seq);
	durable_text(st);
	if (st->index == VEXFS_INDEX_NONE) {
		if (st->code != VEXFS_CODE_NONE)
			printf("code             %s\n", vexfs_code_name(st->code));
		return;
	}
	printf("m                %u\n", st->m);
	printf("ef construction  %u\n", st->ef_construction);
	printf("code             %s\n", vexfs_code_name(st->code));
	printf("index state      %s%s%s\n", vexfs_index_state_name(st->index_state),
	       st->index_error ? ": " : "", st->index_error ? strerror((int)st->index_error) : "");
	printf("index done       %llu\n", (unsigned long long)st->index_done);
	printf("index bytes      %llu\n", (unsigned long long)st->index_bytes);
}

static int show(struct ctl *c, struct vexfs *h)
{
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;

	if (vexfs_do_stat(h, &st, &err))
		return ctl_fail(c, &err);
	if (c->json) {
		stat_json(&c->out, &st, vexfs_layout_text(h));
		json_finish(&c->out);
	} else {
		stat_text(&st, vexfs_layout_text(h));
	}
	return EXIT_OK;
}

static int run_create(struct ctl *c)
{
	const char *type = opt_string(c, "type", "f32");
	const char *metric = opt_string(c, "metric", "l2");
	const char *index = opt_string(c, "index", "none");
	const char *code = opt_string(c, "code", "none");
	const char *durability = opt_string(c, "durability",
					    opt_given(c, "durable") ? "group" : "none");
	struct vexfs_create req = {
		.capacity = opt_u64(c, "capacity", 0),
		.mode = (uint32_t)opt_u64(c, "mode", 0600),
	};
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (vexfs_type_from_name(type) < 0)
		return ctl_usage(c, "--type '%s': f32, f16, bf16, i8, u8 or b1 expected", type);
	if (vexfs_metric_from_name(metric) < 0)
		return ctl_usage(c, "--metric '%s': l2, ip, cos, l1, hamming or jaccard expected",
				 metric);
	if (vexfs_index_from_name(index) < 0)
		return ctl_usage(c, "--index '%s': none or graph expected", index);
	if (vexfs_code_from_name(code) < 0)
		return ctl_usage(c, "--code '%s': none, i8, bf16 or b1 expected", code);
	if (vexfs_durability_from_name(durability) < 0)
		return ctl_usage(c, "--durability '%s': none, async, group or sync expected",
				 durability);
	req.durability = (uint32_t)vexfs_durability_from_name(durability);
	req.type = (uint8_t)vexfs_type_from_name(type);
	req.metric = (uint8_t)vexfs_metric_from_name(metric);
	req.index = (uint8_t)vexfs_index_from_name(index);
	req.code = (uint32_t)vexfs_code_from_name(code);
	req.dim = opt_u32(c, "dim", 0);
	req.attr_size = opt_u32(c, "attr-size", 0);
	req.m = opt_u32(c, "m", 0);
	req.ef_construction = opt_u32(c, "ef-construction", 0);
	if (vexfs_do_create(c->device, &req, c->argv[0], opt_string(c, "layout", NULL), &h, &err))
		return ctl_fail(c, &err);
	ret = c->json ? show(c, h) : EXIT_OK;
	vexfs_close(h);
	return ret;
}

static int run_show(struct ctl *c)
{
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &h, &err))
		return ctl_fail(c, &err);
	ret = show(c, h);
	vexfs_close(h);
	return ret;
}

struct rows {
	struct vexfs_stat *st;
	size_t count;
};

static int keep_row(const struct vexfs_stat *st, void *arg)
{
	struct rows *rows = arg;
	struct vexfs_stat *more = reallocarray(rows->st, rows->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	rows->st = more;
	rows->st[rows->count++] = *st;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct vexfs_stat *x = a, *y = b;

	return strncmp(x->name, y->name, sizeof(x->name));
}

/* Owners are listed first: names alone are ambiguous across namespaces. */
static void list_all_text(const struct rows *rows)
{
	struct column col[] = {
		{ "serial", 7 }, { "user_ns", 11 }, { "name", 4, true }, { "uid", 8 },
		{ "count", 12 }, { "bytes", 14 }, { "mode", 5 }, { "namespace", 9, true },
	};
	const unsigned int n = sizeof(col) / sizeof(col[0]);

	for (size_t i = 0; i < rows->count; i++) {
		int len = (int)strnlen(rows->st[i].name, VEXFS_NAME_SIZE);

		if (len > col[2].width)
			col[2].width = len;
	}
	if (rows->count)
		table_row(TINT_HEAD, col, n, NULL);
	for (size_t i = 0; i < rows->count; i++) {
		const struct vexfs_stat *st = &rows->st[i];
		const char *const cells[] = {
			cell("%llu", (unsigned long long)st->serial), cell("%u", st->user_ns),
			cell("%.64s", st->name), cell("%u", st->uid),
			cell("%llu", (unsigned long long)st->count),
			cell("%llu", (unsigned long long)st->bytes),
			cell("%04o", st->mode & 07777),
			st->flags & VEXFS_STAT_ABANDONED ? "gone" : "there",
		};

		table_row(TINT_PLAIN, col, n, cells);
	}
}

static void list_text(const struct rows *rows)
{
	struct column col[] = {
		{ "name", 4, true }, { "type", 5, true }, { "dim", 6 }, { "metric", 8, true },
		{ "index", 6, true }, { "count", 12 }, { "bytes", 14 }, { "mode", 5 }, { "uid", 8 },
	};
	const unsigned int n = sizeof(col) / sizeof(col[0]);

	for (size_t i = 0; i < rows->count; i++) {
		int len = (int)strlen(shown_n(rows->st[i].name, VEXFS_NAME_SIZE));

		if (len > col[0].width)
			col[0].width = len;
	}
	if (rows->count)
		table_row(TINT_HEAD, col, n, NULL);
	for (size_t i = 0; i < rows->count; i++) {
		const struct vexfs_stat *st = &rows->st[i];
		const char *const cells[] = {
			shown_n(st->name, VEXFS_NAME_SIZE), vexfs_type_name(st->type), cell("%u", st->dim),
			vexfs_metric_name(st->metric), vexfs_index_name(st->index),
			cell("%llu", (unsigned long long)st->count),
			cell("%llu", (unsigned long long)st->bytes),
			cell("%04o", st->mode & 07777), cell("%u", st->uid),
		};

		table_row(TINT_PLAIN, col, n, cells);
	}
}

static int run_list(struct ctl *c)
{
	struct rows rows = { 0 };
	struct vexfs_error err = { 0 };
	bool all = opt_given(c, "all");
	int ret = all ? vexfs_do_list_all(c->device, keep_row, &rows, &err) :
			vexfs_do_list(c->device, keep_row, &rows, &err);

	if (ret && !err.code)
		ret = ctl_refuse(c, -ret, "no memory for the list");
	else if (ret)
		ret = ctl_fail(c, &err);
	if (ret)
		goto out;
	if (rows.count)
		qsort(rows.st, rows.count, sizeof(*rows.st), by_name);
	if (!c->json) {
		if (all)
			list_all_text(&rows);
		else
			list_text(&rows);
		goto out;
	}
	json_object_begin(&c->out);
	json_key(&c->out, "collections");
	json_array_begin(&c->out);
	for (size_t i = 0; i < rows.count; i++)
		stat_json(&c->out, &rows.st[i], NULL);
	json_array_end(&c->out);
	json_object_end(&c->out);
	json_finish(&c->out);
out:
	free(rows.st);
	return ret;
}

/* The JSON of verbs that have no other output. */
static int done(struct ctl *c, const char *what)
{
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, what, c->argv[0]);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return EXIT_OK;
}

/* Collections whose user namespace no longer exists: nobody can use their names. */
static int drop_abandoned(struct ctl *c)
{
	struct rows rows = { 0 };
	struct vexfs_error err = { 0 };
	uint64_t dropped = 0;
	int ret = vexfs_do_list_all(c->device, keep_row, &rows, &err);

	if (ret && !err.code)
		ret = ctl_refuse(c, -ret, "no memory for the list");
	else if (ret)
		ret = ctl_fail(c, &err);
	for (size_t i = 0; i < rows.count && !ret; i++) {
		if (!(rows.st[i].flags & VEXFS_STAT_ABANDONED))
			continue;
		if (!vexfs_do_drop_serial(c->device, rows.st[i].serial, &err))
			dropped++;
		else if (err.code != ENOENT)
			ret = ctl_fail(c, &err);
	}
	free(rows.st);
	if (ret)
		return ret;
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_u64(&c->out, "dropped", dropped);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		printf("%" PRIu64 " dropped\n", dropped);
	}
	return EXIT_OK;
}

static int run_drop(struct ctl *c)
{
	struct vexfs_error err;
	uint64_t serial = opt_u64(c, "serial", 0);

	if (c->argc + opt_given(c, "serial") + opt_given(c, "abandoned") != 1)
		return ctl_usage(c, "drop: a name, --serial or --abandoned");
	if (opt_given(c, "abandoned"))
		return drop_abandoned(c);
	if (opt_given(c, "serial")) {
		if (vexfs_do_drop_serial(c->device, serial, &err))
			return ctl_fail(c, &err);
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_u64(&c->out, "dropped", serial);
			json_object_end(&c->out);
			json_finish(&c->out);
		}
		return EXIT_OK;
	}
	if (vexfs_do_drop(c->device, c->argv[0], &err))
		return ctl_fail(c, &err);
	return done(c, "dropped");
}

static int run_set(struct ctl *c)
{
	const char *layout = opt_string(c, "layout", NULL);
	const char *durability = opt_string(c, "durability", NULL);
	struct vexfs_set req = {
		.mode = (uint32_t)opt_u64(c, "mode", 0),
		.uid = (uint32_t)opt_u64(c, "uid", 0),
		.gid = (uint32_t)opt_u64(c, "gid", 0),
		.capacity = opt_u64(c, "capacity", 0),
	};
	struct vexfs_layout parsed;
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (opt_u64(c, "uid", 0) > UINT32_MAX || opt_u64(c, "gid", 0) > UINT32_MAX)
		return ctl_usage(c, "a uid or gid is at most %u", UINT32_MAX);
	req.what = (opt_given(c, "mode") ? VEXFS_SET_MODE : 0) |
		   (opt_given(c, "uid") ? VEXFS_SET_UID : 0) |
		   (opt_given(c, "gid") ? VEXFS_SET_GID : 0) |
		   (opt_given(c, "capacity") ? VEXFS_SET_CAPACITY : 0) |
		   (durability ? VEXFS_SET_DURABILITY : 0) |
		   (layout ? VEXFS_SET_LAYOUT : 0);
	if (durability && vexfs_durability_from_name(durability) < 0)
		return ctl_usage(c, "--durability '%s': none, async, group or sync expected",
				 durability);
	if (durability)
		req.durability = (uint32_t)vexfs_durability_from_name(durability);
	if (!req.what)
		return ctl_usage(c, "set: nothing to change; see 'vexctl set --help'");
	if (layout && *layout && vexfs_layout_parse(layout, &parsed, &err))
		return ctl_fail(c, &err);
	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		return ctl_fail(c, &err);
	if (layout && *layout && parsed.size > vexfs_attr_size(h)) {
		ret = ctl_refuse(c, EINVAL, "the layout needs %u bytes, a record of '%s' has %u",
				 parsed.size, c->argv[0], vexfs_attr_size(h));
		goto out;
	}
	req.layout = (uintptr_t)layout;
	req.layout_len = layout ? (uint32_t)strlen(layout) : 0;
	ret = vexfs_do_set(h, &req, &err) ? ctl_fail(c, &err) : done(c, "changed");
out:
	vexfs_close(h);
	return ret;
}

static const struct opt create_opts[] = {
	{ "dim", 0, OPT_U64, "D", "components in a vector, 1 to 65536", true },
	{ "type", 0, OPT_STRING, "TYPE", "f32 (default), f16, bf16, i8, u8 or b1" },
	{ "metric", 0, OPT_STRING, "METRIC", "l2 (default), ip, cos, l1, hamming or jaccard" },
	{ "index", 0, OPT_STRING, "INDEX", "none (default: exact search) or graph" },
	{ "mode", 0, OPT_OCTAL, "MODE", "permission bits, default 0600" },
	{ "capacity", 0, OPT_U64, "N", "maximum number of vectors, default no limit" },
	{ "layout", 0, OPT_STRING, "LAYOUT", "fields of the attribute record, e.g. lang:u8,year:u16" },
	{ "attr-size", 0, OPT_U64, "N", "bytes of the attribute record; the layout's size by default" },
	{ "m", 0, OPT_U64, "N", "graph: neighbours of a vector, 2 to 64, default 16" },
	{ "ef-construction", 0, OPT_U64, "N", "graph: candidates considered on insert, default 200" },
	{ "durable", 0, OPT_FLAG, NULL, "as --durability group" },
	{ "durability", 0, OPT_STRING, "MODE", "none (default), async, group or sync: when a change is acknowledged" },
	{ "code", 0, OPT_STRING, "CODE", "compact code beside the rows: none (default; exact searches make codes where they pay), i8, or, with a graph, bf16 or b1" },
	{ 0 },
};

static const struct opt list_opts[] = {
	{ "all", 'a', OPT_FLAG, NULL, "also your collections in other user namespaces, and all in namespaces that you own" },
	{ 0 },
};

static const struct opt drop_opts[] = {
	{ "serial", 0, OPT_U64, "N", "the collection with this serial number (see list --all), in any user namespace" },
	{ "abandoned", 0, OPT_FLAG, NULL, "all that you may drop and whose user namespace is gone" },
	{ 0 },
};

static const struct opt set_opts[] = {
	{ "mode", 0, OPT_OCTAL, "MODE", "permission bits" },
	{ "uid", 0, OPT_U64, "UID", "owner" },
	{ "gid", 0, OPT_U64, "GID", "group" },
	{ "capacity", 0, OPT_U64, "N", "maximum number of vectors, 0 for no limit" },
	{ "layout", 0, OPT_STRING, "LAYOUT", "names of the fields of the record" },
	{ "durability", 0, OPT_STRING, "MODE", "none, async, group or sync" },
	{ 0 },
};

const struct verb collection_verbs[] = {
	{ "create", "NAME", 1, 1, "create a collection",
	  "A name is 1 to 63 letters, digits and characters of \"._:+-\", and begins with neither "
	  "'-' nor '.'. Metric l1 needs type f32, i8 or u8; hamming and jaccard need b1; the "
	  "others take all types but b1.\n\n"
	  "A layout names the fields of the attribute record for filters and records: "
	  "name:type[@offset], separated by commas, with types u8 u16 u32 u64 i8 i16 i32 "
	  "i64 f32. See libvexfs(3).\n\n"
	  "A durable collection survives an unload of the module, a reboot and a power cut: vexfsd "
	  "stores it. With group and sync a change is acknowledged when it is on stable storage; "
	  "with group, many changes share a flush. With async it is acknowledged at once, and a "
	  "power cut loses at most the changes of the last async_window_ms. While its storage has "
	  "failed or is absent, such a collection is read-only.", create_opts, run_create },
	{ "list", "", 0, 0, "list the collections that you may read",
	  "On a terminal the columns that do not fit are left out from the right.\n\n"
	  "Names belong to a user namespace. With --all each line has the serial number and the "
	  "inode number of the namespace (ls -l /proc/PID/ns/user); root of the machine sees all.",
	  list_opts, run_list },
	{ "show", "NAME", 1, 1, "show all properties of a collection", NULL, NULL, run_show },
	{ "set", "NAME", 1, 1, "change mode, owner, capacity, layout or durability",
	  "A collection that becomes durable is written to storage first; the command waits for it.",
	  set_opts, run_set },
	{ "drop", "[NAME]", 0, 1, "remove a collection",
	  "The name is free at once. Programs that have the collection open get an error from then "
	  "on; its memory is freed when the last of them closes it.", drop_opts, run_drop },
	{ "info", "", 0, 0, "show version and features of the loaded module", NULL, NULL, run_info },
	{ 0 },
};
