// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that load, unload and describe the module, through libkmod, so that
 * dependencies, blacklists and options of modprobe.d count as they do for modprobe.
 */
#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>

#include "vexctl.h"
#include "wire.h"

#define MODULE	"vexfs"

static struct kmod_ctx *open_kmod(struct ctl *c, int *ret)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);

	if (!ctx)
		*ret = ctl_refuse(c, ENOMEM, "libkmod does not start");
	return ctx;
}

/* The module as modprobe would find it, or the file that was named. */
static int find_module(struct ctl *c, struct kmod_ctx *ctx, struct kmod_module **mod)
{
	const char *file = opt_string(c, "file", NULL);
	struct kmod_list *list = NULL;
	int err;

	if (file) {
		err = kmod_module_new_from_path(ctx, file, mod);
		return err < 0 ? ctl_refuse(c, -err, "%s: %s", file, strerror(-err)) : 0;
	}
	err = kmod_module_new_from_lookup(ctx, MODULE, &list);
	if (err < 0 || !list)
		return ctl_refuse(c, ENODEV,
				  "there is no module " MODULE " for this kernel: make dkms-install");
	*mod = kmod_module_get_module(list);
	kmod_module_unref_list(list);
	return 0;
}

static int load_error(struct ctl *c, int err)
{
	switch (err) {
	case EPERM:
		return ctl_refuse(c, err, "loading a module takes CAP_SYS_MODULE");
	case ENOEXEC:
		return ctl_refuse(c, err, "the module was built for another kernel; dmesg says more");
	case ENOENT:
		return ctl_refuse(c, err, "the module needs a symbol that this kernel has not got");
	default:
		return ctl_refuse(c, err, "the module does not load: %s; dmesg says more",
				  strerror(err));
	}
}

/* What -j says of a module that came or went. */
static void done(struct ctl *c, const char *what)
{
	if (!c->json)
		return;
	json_object_begin(&c->out);
	json_kv_string(&c->out, what, MODULE);
	json_object_end(&c->out);
	json_finish(&c->out);
}

static int run_load(struct ctl *c)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx;
	char options[1000] = "";
	size_t used = 0;
	int ret = 0, err;

	for (int i = 0; i < c->argc; i++) {
		size_t len = strlen(c->argv[i]);

		if (used + len + 2 > sizeof(options))
			return ctl_usage(c, "these are too many parameters");
		used += (size_t)snprintf(options + used, sizeof(options) - used, "%s%s",
					 i ? " " : "", c->argv[i]);
	}
	ctx = open_kmod(c, &ret);
	if (!ctx)
		return ret;
	ret = find_module(c, ctx, &mod);
	if (!ret) {
		if (opt_given(c, "file"))
			err = kmod_module_insert_module(mod, 0, options);
		else
			err = kmod_module_probe_insert_module(mod, KMOD_PROBE_FAIL_ON_LOADED,
							      options, NULL, NULL, NULL);
		if (err == -EEXIST)
			ret = ctl_refuse(c, EEXIST, "vexfs is loaded already");
		else if (err)
			ret = load_error(c, abs(err));
		else
			done(c, "loaded");
	}
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

static int run_unload(struct ctl *c)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx;
	int ret = 0, err;

	ctx = open_kmod(c, &ret);
	if (!ctx)
		return ret;
	err = kmod_module_new_from_name(ctx, MODULE, &mod);
	if (!err && kmod_module_get_initstate(mod) == KMOD_MODULE_LIVE) {
		/* Its storage holds the device open. */
		ret = storage_release(c);
		if (ret)
			goto out;
	}
	if (!err)
		err = kmod_module_remove_module(mod, 0);
	if (err)
		storage_take(c);
	if (err == -ENOENT)
		ret = ctl_refuse(c, ENODEV, "vexfs is not loaded");
	else if (err == -EAGAIN || err == -EBUSY)
		ret = ctl_refuse(c, EBUSY,
				 "vexfs is in use: a program has the device or a mapping open");
	else if (err == -EPERM)
		ret = ctl_refuse(c, EPERM, "unloading a module takes CAP_SYS_MODULE");
	else if (err)
		ret = ctl_refuse(c, -err, "the module does not unload: %s", strerror(-err));
	else
		done(c, "unloaded");
out:
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

static const char *state_name(int state)
{
	switch (state) {
	case KMOD_MODULE_BUILTIN:
		return "builtin";
	case KMOD_MODULE_LIVE:
		return "live";
	case KMOD_MODULE_COMING:
		return "coming";
	case KMOD_MODULE_GOING:
		return "going";
	default:
		return "not loaded";
	}
}

/* Where the module lies, and what modinfo says of it. */
static void info_file(struct ctl *c, struct kmod_ctx *ctx)
{
	struct kmod_list *list = NULL, *info = NULL, *i;
	struct kmod_module *mod;
	const char *path;

	if (kmod_module_new_from_lookup(ctx, MODULE, &list) < 0 || !list)
		return;
	mod = kmod_module_get_module(list);
	path = kmod_module_get_path(mod);
	if (path && c->json)
		json_kv_string(&c->out, "file", path);
	else if (path)
		printf("file: %s\n", shown(path));
	if (kmod_module_get_info(mod, &info) >= 0) {
		kmod_list_foreach(i, info) {
			const char *key = kmod_module_info_get_key(i);

			if (strcmp(key, "version") && strcmp(key, "srcversion") &&
			    strcmp(key, "vermagic"))
				continue;
			if (c->json)
				json_kv_string(&c->out, key, kmod_module_info_get_value(i));
			else
				printf("%s: %s\n", key, shown(kmod_module_info_get_value(i)));
		}
		kmod_module_info_free_list(info);
	}
	kmod_module_unref(mod);
	kmod_module_unref_list(list);
}

static int run_info(struct ctl *c)
{
	struct kmod_module *mod = NULL;
	struct kmod_ctx *ctx;
	int ret = 0, state = -ENOENT;
	int refs = 0;

	ctx = open_kmod(c, &ret);
	if (!ctx)
		return ret;
	if (!kmod_module_new_from_name(ctx, MODULE, &mod)) {
		state = kmod_module_get_initstate(mod);
		refs = state >= 0 ? kmod_module_get_refcnt(mod) : 0;
	}
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "state", state_name(state));
		json_kv_i64(&c->out, "references", refs);
	} else {
		printf("state: %s\n", state_name(state));
		if (state >= 0)
			printf("references: %d\n", refs);
	}
	info_file(c, ctx);
	if (c->json) {
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return state >= 0 ? EXIT_OK : EXIT_NO_MODULE;
}

static const struct opt load_opts[] = {
	{ "file", 0, OPT_STRING, "FILE", "load this file instead of the installed module" },
	{ 0 },
};

const struct verb module_verbs[] = {
	{ "module load", "[PARAMETER=VALUE...]", 0, -1, "load vexfs, as modprobe does", NULL, load_opts,
	  run_load },
	{ "module unload", "", 0, 0, "unload vexfs", "All collections are lost. Refused while a "
	  "program has the device open.", NULL, run_unload },
	{ "module info", "", 0, 0, "show whether vexfs is loaded, its file and version",
	  "The exit code is 3 when it is not loaded.", NULL, run_info },
	{ 0 },
};
