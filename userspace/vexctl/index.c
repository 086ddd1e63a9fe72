// SPDX-License-Identifier: GPL-2.0
/* Verbs about the graph of a collection, and the one that verifies it. */
#include <string.h>

#include "vexctl.h"

static int run_op(struct ctl *c, uint32_t op)
{
	const char *code = "none";
	struct vexfs_index_req req = { .op = op };
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (op == VEXFS_INDEX_OP_BUILD) {
		req.m = opt_u32(c, "m", 0);
		req.ef_construction = opt_u32(c, "ef-construction", 0);
		code = opt_string(c, "code", "none");
	}
	if (vexfs_code_from_name(code) < 0)
		return ctl_usage(c, "--code '%s': none, i8, bf16 or b1 expected", code);
	req.code = (uint32_t)vexfs_code_from_name(code);
	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &h, &err))
		return ctl_fail(c, &err);
	ret = vexfs_do_index(h, &req, &err) ? ctl_fail(c, &err) : EXIT_OK;
	if (!ret && c->json) {
		struct vexfs_stat st = { 0 };

		if (vexfs_do_stat(h, &st, &err)) {
			ret = ctl_fail(c, &err);
		} else {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "collection", c->argv[0]);
			json_kv_string(&c->out, "index_state",
				       vexfs_index_state_name(st.index_state));
			json_object_end(&c->out);
			json_finish(&c->out);
		}
	}
	vexfs_close(h);
	return ret;
}

static int run_build(struct ctl *c)
{
	return run_op(c, VEXFS_INDEX_OP_BUILD);
}

static int run_stop(struct ctl *c)
{
	return run_op(c, VEXFS_INDEX_OP_STOP);
}

static int run_drop_index(struct ctl *c)
{
	return run_op(c, VEXFS_INDEX_OP_DROP);
}

/* Prints the progress of a build and the properties of the graph. */
static int run_index_status(struct ctl *c)
{
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &h, &err))
		return ctl_fail(c, &err);
	ret = vexfs_do_stat(h, &st, &err) ? ctl_fail(c, &err) : EXIT_OK;
	vexfs_close(h);
	if (ret)
		return ret;
	if (c->json) {
		struct json *j = &c->out;

		json_object_begin(j);
		json_kv_string(j, "collection", c->argv[0]);
		json_kv_string(j, "index", vexfs_index_name(st.index));
		json_kv_string(j, "index_state", vexfs_index_state_name(st.index_state));
		json_kv_u64(j, "index_done", st.index_done);
		json_kv_u64(j, "count", st.count);
		json_kv_u64(j, "index_bytes", st.index_bytes);
		json_kv_u64(j, "index_error", st.index_error);
		json_kv_u64(j, "m", st.m);
		json_kv_u64(j, "ef_construction", st.ef_construction);
		json_kv_string(j, "code", vexfs_code_name(st.code));
		json_object_end(j);
		json_finish(j);
		return EXIT_OK;
	}
	printf("index            %s\n", vexfs_index_name(st.index));
	printf("state            %s%s%s\n", vexfs_index_state_name(st.index_state),
	       st.index_error ? ": " : "", st.index_error ? strerror((int)st.index_error) : "");
	printf("vectors          %llu of %llu\n", (unsigned long long)st.index_done,
	       (unsigned long long)st.count);
	printf("bytes            %llu\n", (unsigned long long)st.index_bytes);
	printf("m                %u\n", st.m);
	printf("ef construction  %u\n", st.ef_construction);
	printf("code             %s\n", vexfs_code_name(st.code));
	return EXIT_OK;
}

static int run_check(struct ctl *c)
{
	struct vexfs_check req = { 0 };
	struct vexfs_error err;
	struct vexfs *h;
	int ret;

	if (vexfs_open(c->device, c->argv[0], VEXFS_ATTACH_READ, &h, &err))
		return ctl_fail(c, &err);
	ret = vexfs_do_check(h, &req, &err) ? ctl_fail(c, &err) : EXIT_OK;
	vexfs_close(h);
	if (ret)
		return ret;
	req.report[sizeof(req.report) - 1] = '\0';
	if (c->json) {
		struct json *j = &c->out;

		json_object_begin(j);
		json_kv_bool(j, "sound", !req.faults);
		json_kv_u64(j, "vectors", req.vectors);
		json_kv_u64(j, "reachable", req.reachable);
		json_kv_u64(j, "links", req.links);
		json_kv_u64(j, "faults", req.faults);
		json_kv_string(j, "report", req.report);
		json_kv_u64(j, "kernel_ns", req.kernel_ns);
		json_object_end(j);
		json_finish(j);
	} else {
		printf("vectors    %llu\n", (unsigned long long)req.vectors);
		printf("reachable  %llu\n", (unsigned long long)req.reachable);
		printf("links      %llu\n", (unsigned long long)req.links);
		printf("faults     %llu\n", (unsigned long long)req.faults);
		if (req.faults)
			printf("first      %s\n", shown_n(req.report, sizeof(req.report)));
	}
	return req.faults ? EXIT_REFUSED : EXIT_OK;
}

static const struct opt build_opts[] = {
	{ "m", 0, OPT_U64, "N", "neighbours of a vector, 2 to 64, default 16" },
	{ "ef-construction", 0, OPT_U64, "N", "candidates considered on insert, default 200" },
	{ "code", 0, OPT_STRING, "CODE", "compact code that walks compare: none, i8, bf16 or b1" },
	{ 0 },
};

const struct verb index_verbs[] = {
	{ "index build", "NAME", 1, 1, "build the graph in the background",
	  "Searches stay exact until the graph is ready; 'vexctl index status' shows the progress. "
	  "A build that was stopped resumes where it ended.", build_opts,
	  run_build },
	{ "index status", "NAME", 1, 1, "show the graph and the progress of a build", NULL, NULL,
	  run_index_status },
	{ "index stop", "NAME", 1, 1, "stop a build", NULL, NULL, run_stop },
	{ "index drop", "NAME", 1, 1, "remove the graph; searches are exact again", NULL, NULL,
	  run_drop_index },
	{ "check", "NAME", 1, 1, "verify rows, ids and the graph",
	  "Exit status 1 when it finds a fault.", NULL, run_check },
	{ 0 },
};
