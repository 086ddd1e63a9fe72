// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that load, unload and describe the module. They use libkmod, so dependencies,
 * blacklists and options of modprobe.d apply as for modprobe.
 */
#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holders.h"
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

/* The module that modprobe would find, or the named file. */
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
		return ctl_refuse(c, err, "the module needs a symbol that this kernel lacks");
	default:
		return ctl_refuse(c, err, "the module does not load: %s; dmesg says more",
				  strerror(err));
	}
}

/* The JSON after loading or unloading. */
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
			return ctl_usage(c, "too many parameters");
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

/* The message for a module that cannot be unloaded; @who has it open. */
static int unload_error(struct ctl *c, int err, const char *who)
{
	switch (err) {
	case ENOENT:
		return ctl_refuse(c, ENODEV, "vexfs is not loaded");
	case EAGAIN:
	case EBUSY:
		if (*who)
			return ctl_refuse(c, EBUSY, "vexfs is in use by %s: end them, or have them close it",
					  shown(who));
		return ctl_refuse(c, EBUSY,
				  "vexfs is in use: a program has the device or a mapping open");
	case EPERM:
		return ctl_refuse(c, EPERM, "unloading a module takes CAP_SYS_MODULE");
	default:
		return ctl_refuse(c, err, "the module does not unload: %s", strerror(err));
	}
}

/* Attempts while no program has the device open: reading statistics holds the module, too. */
#define UNSEEN_TRIES	20u

/*
 * @tries: attempts, a tenth of a second apart, since programs may hold the device for a short time.
 */
static int remove_module(struct ctl *c, struct kmod_module *mod, unsigned int tries)
{
	unsigned int unseen = tries > UNSEEN_TRIES ? tries : UNSEEN_TRIES;
	char who[600];
	int err;

	if (kmod_module_get_initstate(mod) == KMOD_MODULE_LIVE) {
		/* Its storage holds the device open. */
		int ret = storage_release(c);

		if (ret)
			return ret;
	}
	for (;;) {
		err = kmod_module_remove_module(mod, 0);
		if (!err)
			return 0;
		/* before vexfsd has it open again */
		holders(c->device, who, sizeof(who));
		if ((err != -EAGAIN && err != -EBUSY) || !(*who ? --tries : --unseen))
			break;
		usleep(100000);
	}
	storage_take(c);
	return unload_error(c, abs(err), who);
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
	ret = err ? unload_error(c, abs(err), "") : remove_module(c, mod, 1);
	if (!ret)
		done(c, "unloaded");
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

/* The version of the loaded module; empty when it is not known. */
static void version_of(struct ctl *c, char version[32])
{
	struct vexfs_error err;
	struct vexfs_info info;

	*version = '\0';
	if (!vexfs_do_info(c->device, &info, &err))
		snprintf(version, 32, "%.31s", info.version);
}

/*
 * Loads the new module with the options of modprobe.d; a module that was loaded automatically
 * meanwhile is accepted.
 */
static int insert_again(struct ctl *c, struct kmod_ctx *ctx)
{
	struct kmod_module *mod = NULL;
	int ret = find_module(c, ctx, &mod), err;

	if (ret)
		return ret;
	if (opt_given(c, "file"))
		err = kmod_module_insert_module(mod, 0, "");
	else
		err = kmod_module_probe_insert_module(mod, 0, NULL, NULL, NULL, NULL);
	kmod_module_unref(mod);
	return err && err != -EEXIST ? load_error(c, abs(err)) : 0;
}

/* 0, or an exit code: something would be lost. */
static int may_go(struct ctl *c)
{
	struct vexfs_error err;
	uint64_t n;

	if (opt_given(c, "drop-volatile"))
		return 0;
	if (volatile_collections(c->device, &n, &err))
		return ctl_fail(c, &err);
	if (!n)
		return 0;
	return ctl_refuse(c, EBUSY, "%llu %s not durable and would be lost: dump %s, or say --drop-volatile",
			  (unsigned long long)n, n == 1 ? "collection is" : "collections are",
			  n == 1 ? "it" : "them");
}

static int run_upgrade(struct ctl *c)
{
	unsigned int tries = 10 * opt_u32(c, "wait", 5) + 1;
	struct kmod_module *mod = NULL, *new = NULL;
	char before[32], after[32];
	struct kmod_ctx *ctx;
	int ret, err;

	ret = may_go(c);
	if (ret)
		return ret;
	ctx = open_kmod(c, &ret);
	if (!ctx)
		return ret;
	version_of(c, before);
	/* Checks that a module to load exists, before the old one is unloaded. */
	ret = find_module(c, ctx, &new);
	kmod_module_unref(new);
	if (!ret) {
		err = kmod_module_new_from_name(ctx, MODULE, &mod);
		ret = err ? unload_error(c, abs(err), "") : remove_module(c, mod, tries);
	}
	if (!ret)
		ret = insert_again(c, ctx);
	if (!ret) {
		storage_take(c);
		version_of(c, after);
		if (c->json) {
			json_object_begin(&c->out);
			json_kv_string(&c->out, "before", before);
			json_kv_string(&c->out, "after", after);
			json_object_end(&c->out);
			json_finish(&c->out);
		} else {
			printf("vexfs %s was unloaded, %s is loaded\n", shown(before), shown(after));
		}
	}
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

/* The path of the module, and its modinfo. */
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

static const struct opt upgrade_opts[] = {
	{ "drop-volatile", 0, OPT_FLAG, NULL, "upgrade even if collections are lost" },
	{ "file", 0, OPT_STRING, "FILE", "load this file instead of the installed module" },
	{ "wait", 0, OPT_U64, "SECONDS", "wait this long for programs to close the device, default 5" },
	{ 0 },
};

static const struct opt load_opts[] = {
	{ "file", 0, OPT_STRING, "FILE", "load this file instead of the installed module" },
	{ 0 },
};

const struct verb module_verbs[] = {
	{ "module load", "[PARAMETER=VALUE...]", 0, -1, "load vexfs, as modprobe does", NULL, load_opts,
	  run_load },
	{ "module unload", "", 0, 0, "unload vexfs", "Collections that are not durable are lost. "
	  "Refused while a program has the device open; the message names the program. Where no program "
	  "has, but statistics are being read, it waits two seconds at most. vexfsd(8) "
	  "closes the device by itself.",
	  NULL, run_unload },
	{ "module upgrade", "", 0, 0, "replace the loaded module by the installed one",
	  "vexfsd(8) closes the device and attaches to the new module, so durable collections are "
	  "restored. Refused while there are others, unless --drop-volatile is given, and while a "
	  "program keeps the device open.", upgrade_opts, run_upgrade },
	{ "module info", "", 0, 0, "show whether vexfs is loaded, its file and version",
	  "The exit code is 3 when it is not loaded.", NULL, run_info },
	{ 0 },
};
