// SPDX-License-Identifier: GPL-2.0
/*
 * The verb that prints files of the module's debugfs directory. It only reads, and only
 * below that directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vexctl.h"

#define DEBUGFS		"/sys/kernel/debug"
#define DEBUGFS_TYPE	0x64626720

/* An upper bound for all files of the module. */
#define TEXT_MAX	(16u << 20)

/*
 * Why the directory cannot be used; 0 if it can. Without debugfs an empty directory of
 * that name may exist.
 */
static int reach(struct ctl *c)
{
	struct statfs fs;
	struct stat st;

	if (statfs(DEBUGFS, &fs) || fs.f_type != DEBUGFS_TYPE) {
		ctl_refuse(c, ENOENT, "debugfs is not mounted: mount -t debugfs none " DEBUGFS);
		return EXIT_NO_DEBUGFS;
	}
	if (!stat(DEBUGFS "/vexfs", &st))
		return EXIT_OK;
	if (errno == EACCES || errno == EPERM)
		return ctl_refuse(c, EACCES, "reading debugfs takes root");
	if (access("/sys/module/vexfs", F_OK))
		return ctl_refuse(c, ENODEV,
				  "vexfs is not loaded: modprobe vexfs, or vexctl module load");
	ctl_refuse(c, ENOENT, "vexfs has no directory in debugfs: the kernel was built without it");
	return EXIT_NO_DEBUGFS;
}

/* Files of a directory and its subdirectories, by name. */
static int list_dir(struct ctl *c, int at, const char *prefix)
{
	struct dirent **names;
	int n = scandirat(at, *prefix ? prefix : ".", &names, NULL, alphasort);

	if (n < 0)
		return ctl_refuse(c, errno, DEBUGFS "/vexfs/%s: %s", prefix, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char path[600];

		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "/" : "", name);
		if (name[0] != '.' && names[i]->d_type == DT_DIR)
			list_dir(c, at, path);
		else if (name[0] != '.' && c->json)
			json_string(&c->out, path);
		else if (name[0] != '.')
			puts(shown(path));
		free(names[i]);
	}
	free(names);
	return EXIT_OK;
}

static int list_files(struct ctl *c, int at, const char *dir)
{
	int ret;

	if (c->json) {
		json_object_begin(&c->out);
		json_key(&c->out, "files");
		json_array_begin(&c->out);
	}
	ret = list_dir(c, at, dir);
	if (!ret && c->json) {
		json_array_end(&c->out);
		json_object_end(&c->out);
		json_finish(&c->out);
	}
	return ret;
}

/* The whole file, or NULL with errno set. */
static char *read_all(int fd, size_t *len)
{
	size_t room = 1 << 16;
	char *text = malloc(room), *more;
	ssize_t n = 1;

	*len = 0;
	while (text && (n = read(fd, text + *len, room - *len)) > 0) {
		*len += (size_t)n;
		if (*len < room)
			continue;
		if (room >= TEXT_MAX) {
			errno = EFBIG;
			n = -1;
			break;
		}
		room *= 2;
		more = realloc(text, room);
		if (!more) {
			n = -1;
			break;
		}
		text = more;
	}
	if (n < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int print_file(struct ctl *c, int fd, const char *name)
{
	size_t len;
	char *text = read_all(fd, &len);

	if (!text)
		return ctl_refuse(c, errno, DEBUGFS "/vexfs/%s: %s", name, strerror(errno));
	if (c->json) {
		json_object_begin(&c->out);
		json_kv_string(&c->out, "file", name);
		json_key(&c->out, "text");
		json_string_n(&c->out, text, len);
		json_object_end(&c->out);
		json_finish(&c->out);
	} else {
		escape_lines(stdout, text, len);
	}
	free(text);
	return EXIT_OK;
}

/* "..", or an absolute path, would leave the directory. */
static bool stays_below(const char *name)
{
	if (*name == '/')
		return false;
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return false;
	}
	return true;
}

static int run_debug(struct ctl *c)
{
	const char *name = c->argc ? c->argv[0] : "";
	struct stat st;
	int at, fd, ret = reach(c);

	if (ret)
		return ret;
	if (!stays_below(name))
		return ctl_usage(c, "'%s' is not below " DEBUGFS "/vexfs", name);
	at = open(DEBUGFS "/vexfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return ctl_refuse(c, errno, "reading debugfs takes root");
	fd = openat(at, *name ? name : ".", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		ret = ctl_refuse(c, ENOENT, "there is no file '%s'; 'vexctl debug' lists them", name);
	else if (fd < 0)
		ret = ctl_refuse(c, errno, DEBUGFS "/vexfs/%s: %s", name, strerror(errno));
	else if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		ret = list_files(c, at, name);
	else
		ret = print_file(c, fd, name);
	if (fd >= 0)
		close(fd);
	close(at);
	return ret;
}

const struct verb debug_verbs[] = {
	{ "debug", "[FILE]", 0, 1, "print a file of the module's debugfs directory",
	  "Without FILE, or with a directory, the files are listed. Reading simd/bench measures every "
	  "variant and takes a while, as does reading check of a collection. With -j the text is "
	  "one string. The exit code is 5 where debugfs is not mounted.", NULL, run_debug },
	{ 0 },
};
