// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-mount: the command line, in the forms of users and of mount(8), and the daemon's
 * start and end.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "escape.h"
#include "leftover.h"
#include "metrics.h"
#include "mount.h"
#include "nearest.h"
#include "serve.h"
#include "vexfs.h"

enum {
	END_FAILED = 1,
	END_USAGE = 2,
	END_NO_MODULE = 3,
};

#define FUSE_OPTIONS_SIZE	8192

static struct mount_options options = {
	.timeout = 1,
	.k = 10,
	.queue = 65536,
};
const struct mount_options *opt = &options;

static char fuse_options[FUSE_OPTIONS_SIZE] = "default_permissions,subtype=vexfs";
static bool foreground, daemon_now, over_source, helper, fake;

void mount_say(const char *fmt, ...)
{
	char text[1024], safe[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	escape_text(safe, sizeof(safe), text, strlen(text));
	if (daemon_now)
		syslog(LOG_DAEMON | LOG_WARNING, "%s", safe);
	else
		fprintf(stderr, "vexfs-mount: %s\n", safe);
}

static const char usage_text[] =
"usage: vexfs-mount [options] MOUNT\n"
"       vexfs-mount --over DIR --collection NAME [options] MOUNT\n"
"       mount -t fuse.vexfs [-o options] vexfs MOUNT\n"
"\n"
"Mounts the collections of vexfs: each is a directory, each vector a file. With --over,\n"
"mounts DIR as it is, and beside every file F a directory F.near with links to the\n"
"files that are nearest to it.\n"
"\n"
"  -o OPTION[,OPTION...]  as mount(8) has them; those below are spelled the same there\n"
"  -f                     stay in the foreground\n"
"  --allow-other          let other users use the mount; collections keep their permissions\n"
"  --timeout SECONDS      how long the kernel may remember names and attributes (1)\n"
"  --threads N            that answer (twice the processors, at least 4)\n"
"  --quiet                chmod and chown of a vector that cannot be done are no error\n"
"  --device FILE          the module's device (/dev/vexfs)\n"
"  --metrics FILE         write metrics for Prometheus there every five seconds\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n"
"\n"
"Overlay:\n"
"  --over DIR             the directory below\n"
"  --collection NAME      where the vectors of its files are kept; made when missing\n"
"  --embed COMMAND        program that makes vectors of text (vexfs-embed)\n"
"  --embed-user USER      whose rights it runs with (nobody, where we are root)\n"
"  --state FILE           ids of files, where the file system takes no attributes\n"
"  --k N                  links in F.near (10)\n"
"  --list-near            list F.near; else it is there when it is asked for by name\n"
"  --all                  embed files whose names begin with a dot, too\n"
"  --queue N              files that may wait to be embedded (65536)\n"
"  --no-passthrough       the kernel does not read and write files below by itself\n"
"\n"
"Exit status: 0 mounted, 1 it could not be mounted, 2 wrong usage, 3 no module.\n";

/* An option that the file system must know. */
static bool to_fuse(const char *text)
{
	size_t len = strlen(fuse_options), more = strlen(text);

	if (len + more + 2 > sizeof(fuse_options))
		return false;
	snprintf(fuse_options + len, sizeof(fuse_options) - len, ",%s", text);
	return true;
}

static bool whole_number(const char *text, unsigned int least, unsigned int most, unsigned int *v)
{
	unsigned long x;
	char *end;

	errno = 0;
	x = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || x < least || x > most)
		return false;
	*v = (unsigned int)x;
	return true;
}

static bool seconds(const char *text, double *v)
{
	char *end;

	errno = 0;
	*v = strtod(text, &end);
	return !errno && end != text && !*end && isfinite(*v) && *v >= 0 && *v <= 1e6;
}

static const char *const names[] = {
	"allow_other", "timeout", "threads", "quiet", "device", "over", "collection", "embed",
	"embed_user", "state", "k", "list_near", "all", "queue", "no_passthrough", "metrics", "ro", "rw",
};

#define NNAMES	(sizeof(names) / sizeof(names[0]))

/* Options for mount(8) and the kernel, which vexfs-mount passes over. */
static bool is_generic(const char *key)
{
	static const char *const pass[] = {
		"nosuid", "suid", "nodev", "dev", "noexec", "exec", "atime", "noatime", "sync",
		"async", "dirsync", "fsname", "max_read", "auto_unmount",
	};
	size_t i;

	for (i = 0; i < sizeof(pass) / sizeof(pass[0]); i++)
		if (!strcmp(key, pass[i]))
			return true;
	return false;
}

static bool is_ignored(const char *key)
{
	static const char *const skip[] = {
		"auto", "noauto", "user", "users", "nouser", "owner", "group", "nofail", "_netdev",
		"defaults", "relatime", "norelatime", "diratime", "nodiratime", "comment",
	};
	size_t i;

	for (i = 0; i < sizeof(skip) / sizeof(skip[0]); i++)
		if (!strcmp(key, skip[i]))
			return true;
	return !strncmp(key, "x-", 2) || !strncmp(key, "X-", 2);
}

static int bad_value(const char *key, const char *value, const char *wanted)
{
	mount_say("%s cannot be '%s': %s is expected", key, value ? value : "", wanted);
	return END_USAGE;
}

static int set_text(const char **to, const char *key, const char *value)
{
	if (!value || !*value)
		return bad_value(key, value, "a text");
	/* The last one counts, as with other options. */
	free((char *)(uintptr_t)*to);
	*to = strdup(value);
	return *to ? 0 : END_FAILED;
}

static int set_flag(bool *to, const char *key, const char *value)
{
	if (value)
		return bad_value(key, value, "nothing");
	*to = true;
	return 0;
}

static int set_number(unsigned int *to, const char *key, const char *value, unsigned int most)
{
	if (!value || !whole_number(value, 1, most, to))
		return bad_value(key, value, "a whole number from 1 on");
	return 0;
}

static int unknown(const char *key)
{
	const char *near = nearest_name(key, names, NNAMES);

	mount_say("unknown option '%s'%s%s%s", key, near ? "; did you mean '" : "",
		  near ? near : "", near ? "'?" : "");
	return END_USAGE;
}

/* Parses one option; @value is NULL if there was none. */
static int set_option(const char *key, const char *value)
{
	struct mount_options *o = &options;

	if (!strcmp(key, "allow_other")) {
		o->allow_other = true;
		return value ? bad_value(key, value, "nothing") :
		       to_fuse("allow_other") ? 0 : END_USAGE;
	}
	if (!strcmp(key, "ro")) {
		o->read_only = true;
		return to_fuse("ro") ? 0 : END_USAGE;
	}
	if (!strcmp(key, "rw")) {
		o->read_only = false;
		return to_fuse("rw") ? 0 : END_USAGE;
	}
	if (!strcmp(key, "timeout"))
		return value && seconds(value, &o->timeout) ? 0 :
		       bad_value(key, value, "a number of seconds");
	if (!strcmp(key, "threads"))
		return set_number(&o->threads, key, value, SERVE_THREADS_MAX);
	if (!strcmp(key, "k"))
		return set_number(&o->k, key, value, VEXFS_K_MAX - 1);
	if (!strcmp(key, "queue"))
		return set_number(&o->queue, key, value, 100000000);
	if (!strcmp(key, "quiet"))
		return set_flag(&o->quiet, key, value);
	if (!strcmp(key, "list_near"))
		return set_flag(&o->list_near, key, value);
	if (!strcmp(key, "all"))
		return set_flag(&o->all, key, value);
	if (!strcmp(key, "remount")) {
		mount_say("options cannot be changed while it is mounted: umount and mount again");
		return END_USAGE;
	}
	if (!strcmp(key, "no_passthrough"))
		return set_flag(&o->no_passthrough, key, value);
	if (!strcmp(key, "over")) {
		/* In fstab the directory is in the first field. */
		over_source = !value;
		return value ? set_text(&o->over, key, value) : 0;
	}
	if (!strcmp(key, "device"))
		return set_text(&o->device, key, value);
	if (!strcmp(key, "metrics"))
		return set_text(&o->metrics, key, value);
	if (!strcmp(key, "collection"))
		return set_text(&o->collection, key, value);
	if (!strcmp(key, "embed"))
		return set_text(&o->embed, key, value);
	if (!strcmp(key, "embed_user"))
		return set_text(&o->embed_user, key, value);
	if (!strcmp(key, "state"))
		return set_text(&o->state, key, value);
	return unknown(key);
}

/* "a,b=c\,d": a backslash protects a comma, as in libfuse. */
static int set_list(const char *list)
{
	char *copy = strdup(list), *at = copy, *to, *key, *value;
	int err = 0;

	if (!copy)
		return END_FAILED;
	while (*at && !err) {
		bool last;

		key = to = at;
		while (*at && *at != ',') {
			if (*at == '\\' && at[1])
				at++;
			*to++ = *at++;
		}
		last = !*at;
		*to = 0;
		at += !last;
		if (!*key)
			continue;
		value = strchr(key, '=');
		if (value)
			*value++ = 0;
		if (is_ignored(key))
			continue;
		if (is_generic(key)) {
			if (value)
				value[-1] = '=';
			err = to_fuse(key) ? 0 : END_USAGE;
		} else {
			err = set_option(key, value);
		}
	}
	free(copy);
	return err;
}

static const struct option long_options[] = {
	{ "allow-other", no_argument, NULL, 1 },
	{ "timeout", required_argument, NULL, 1 },
	{ "threads", required_argument, NULL, 1 },
	{ "quiet", no_argument, NULL, 1 },
	{ "device", required_argument, NULL, 1 },
	{ "over", required_argument, NULL, 1 },
	{ "collection", required_argument, NULL, 1 },
	{ "embed", required_argument, NULL, 1 },
	{ "embed-user", required_argument, NULL, 1 },
	{ "state", required_argument, NULL, 1 },
	{ "k", required_argument, NULL, 1 },
	{ "list-near", no_argument, NULL, 1 },
	{ "all", no_argument, NULL, 1 },
	{ "queue", required_argument, NULL, 1 },
	{ "no-passthrough", no_argument, NULL, 1 },
	{ "metrics", required_argument, NULL, 1 },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int set_long(const char *name)
{
	char key[32], *p;

	snprintf(key, sizeof(key), "%s", name);
	for (p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	return set_option(key, optarg);
}

/* Returns -1 to go on, else the exit status. */
static int read_command_line(int argc, char **argv)
{
	int c, which, err = 0;

	/* mount(8) appends options of its own, of which only -f, to pretend, has an effect. */
	while (!err && (c = getopt_long(argc, argv, "o:fsnvt:hV", long_options, &which)) != -1) {
		switch (c) {
		case 1:
			err = set_long(long_options[which].name);
			break;
		case 'o':
			err = set_list(optarg);
			break;
		case 'f':
			*(helper ? &fake : &foreground) = true;
			break;
		case 't':
		case 's':
		case 'n':
		case 'v':
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case 'V':
			printf("vexfs-mount %s\n", VEXFS_VERSION);
			return 0;
		default:
			return END_USAGE;
		}
	}
	if (err)
		return err;
	if (argc - optind < 1 || argc - optind > 2) {
		fputs(usage_text, stderr);
		return END_USAGE;
	}
	if (argc - optind == 2)
		options.source = argv[optind++];
	options.mountpoint = argv[optind];
	if (over_source && !options.over && options.source)
		return set_text(&options.over, "over", options.source) ?: -1;
	return -1;
}

/* `mount -a' finds by its first field in fstab what is mounted already. */
static int name_source(void)
{
	const char *source = options.source;
	char name[PATH_MAX + sizeof("fsname=")];

	if (strstr(fuse_options, ",fsname="))
		return 0;
	/* A comma would begin an option. */
	if (!source || !*source || strpbrk(source, ",\\") || strlen(source) >= PATH_MAX)
		source = "vexfs";
	snprintf(name, sizeof(name), "fsname=%s", source);
	if (to_fuse(name))
		return 0;
	mount_say("the options are too long");
	return END_USAGE;
}

static int check_options(void)
{
	static char where[PATH_MAX], below[PATH_MAX];
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (!options.over && (options.collection || options.embed || options.state)) {
		mount_say("collection, embed and state belong to an overlay: say --over DIR");
		return END_USAGE;
	}
	if (options.over && !options.collection) {
		mount_say("an overlay needs --collection NAME");
		return END_USAGE;
	}
	if (!options.threads)
		options.threads = n < 2 ? 4 : n > SERVE_THREADS_MAX / 2 ? SERVE_THREADS_MAX :
				  2 * (unsigned int)n;
	/* The daemon changes its working directory later. */
	if (!realpath(options.mountpoint, where)) {
		mount_say("%s: %s", options.mountpoint, strerror(errno));
		return END_FAILED;
	}
	options.mountpoint = where;
	if (options.over) {
		if (!realpath(options.over, below)) {
			mount_say("%s: %s", options.over, strerror(errno));
			return END_FAILED;
		}
		free((char *)(uintptr_t)options.over);
		options.over = below;
	}
	return name_source();
}

static int mount_and_serve(const struct mount_kind *kind, void *priv)
{
	char *argv[] = { (char *)"vexfs-mount", (char *)"-o", fuse_options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *se;
	int ret = END_FAILED;

	se = fuse_session_new(&args, kind->ops, sizeof(*kind->ops), priv);
	if (!se)
		return END_FAILED;
	if (!fuse_session_mount(se, options.mountpoint)) {
		serve_block_signals();
		if (!fuse_daemonize(foreground)) {
			daemon_now = !foreground;
			if ((!kind->run || !kind->run(priv, se)) && !metrics_start(kind->metrics))
				ret = serve(se, options.threads, options.device) ? END_FAILED : 0;
			metrics_stop();
			if (kind->stop)
				kind->stop(priv);
			leftovers_end();
		}
		fuse_session_unmount(se);
	}
	fuse_session_destroy(se);
	fuse_opt_free_args(&args);
	return ret;
}

/* mount(8) passes on no PATH: vexfs-embed lies beside this program. */
static void find_neighbours(void)
{
	const char *path = getenv("PATH");
	char self[PATH_MAX], *now, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = 0;
	if (asprintf(&now, "%s:%s", path && *path ? path : "/usr/local/bin:/usr/bin:/bin", self) < 0)
		return;
	setenv("PATH", now, 1);
	free(now);
}

/* As mount.fuse.vexfs: the helper of mount(8) for this type. */
static bool called_by_mount(const char *name)
{
	const char *base = name ? strrchr(name, '/') : NULL;

	return name && !strncmp(base ? base + 1 : name, "mount.", 6);
}

int main(int argc, char **argv)
{
	const struct mount_kind *kind;
	struct vexfs_info info;
	struct vexfs_error err;
	void *priv;
	int ret;

	helper = called_by_mount(argv[0]);
	ret = read_command_line(argc, argv);
	if (ret >= 0)
		return ret;
	ret = check_options();
	if (ret || fake)
		return ret;
	find_neighbours();
	if (vexfs_do_info(options.device, &info, &err)) {
		mount_say("%s", err.text);
		return err.code == ENODEV ? END_NO_MODULE : END_FAILED;
	}
	kind = options.over ? &mount_overlay : &mount_collections;
	priv = kind->start(&options);
	if (!priv)
		return END_FAILED;
	return mount_and_serve(kind, priv);
}
