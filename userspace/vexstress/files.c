// SPDX-License-Identifier: GPL-2.0
/*
 * Files of results. A file appears under its name complete or not at all, also when the
 * disk is full or the power is cut. What is read is checked before it is used.
 */
#include "exec.h"
#include "outfile.h"
#include "vexstress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int vx_write_file(const char *path, const char *data, size_t size)
{
	struct outfile o;

	if (!strcmp(path, "-")) {
		if (fwrite(data, 1, size, stdout) != size || fflush(stdout)) {
			vx_say("cannot write to the standard output: %s", strerror(errno));
			return -1;
		}
		return 0;
	}
	if (!outfile_write(&o, path, data, size))
		return 0;
	vx_say("cannot write %s: %s", path, o.why);
	return -1;
}

json_t *vx_json_text(const char *s)
{
	char *text = escape_utf8(s ? s : "");
	json_t *out = text ? json_string(text) : NULL;

	free(text);
	return out ? out : json_string("");
}

char *vx_json_dump(const json_t *value, size_t flags)
{
	return json_dumps(value, flags | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
}

int vx_write_json(const char *path, const json_t *value)
{
	size_t flags = JSON_INDENT(1);
	char *text, *grown;
	size_t n;
	int ret;

	if (!strcmp(path, "-") && !vx_set.pretty)
		flags = JSON_COMPACT;
	text = vx_json_dump(value, flags);
	if (!text) {
		vx_say("cannot put the result into words: no memory");
		return -1;
	}
	n = strlen(text);
	grown = realloc(text, n + 2);
	if (!grown) {
		free(text);
		return -1;
	}
	grown[n] = '\n';
	ret = vx_write_file(path, grown, n + 1);
	free(grown);
	return ret;
}

static int make_dirs(char *path)
{
	char *p;

	for (p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0755) && errno != EEXIST) {
			*p = '/';
			return -1;
		}
		*p = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

char *vx_results_dir(bool make)
{
	const char *lab = getenv("VEXFS_RESULTS"), *xdg = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	char *dir = NULL;
	int n;

	if (vx_set.results)
		n = asprintf(&dir, "%s", vx_set.results);
	else if (lab && *lab)
		n = asprintf(&dir, "%s/baselines", lab);
	else if (!geteuid())
		n = asprintf(&dir, "/var/lib/vexfs/results");
	else if (xdg && *xdg == '/')
		n = asprintf(&dir, "%s/vexfs/results", xdg);
	else
		n = asprintf(&dir, "%s/.local/share/vexfs/results", home ? home : ".");
	if (n < 0)
		return NULL;
	if (make && make_dirs(dir)) {
		vx_say("cannot make the folder of results %s: %s", dir, strerror(errno));
		free(dir);
		return NULL;
	}
	return dir;
}

static bool good_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return *name && *name != '.' && !name[n] && n < 100;
}

int vx_baseline_save(const char *name, const json_t *result)
{
	char *dir, *path = NULL;
	int ret = -1;

	if (!good_name(name)) {
		vx_say("'%s' is no name for a baseline: letters, digits, '.', '_' and '-'", name);
		return -1;
	}
	dir = vx_results_dir(true);
	if (dir && asprintf(&path, "%s/%s.json", dir, name) > 0)
		ret = vx_write_json(path, result);
	free(path);
	free(dir);
	if (!ret)
		vx_baseline_keep(result, name);
	return ret;
}

static json_t *read_file(const char *path)
{
	json_error_t err;
	json_t *out = json_load_file(path, JSON_REJECT_DUPLICATES, &err);

	if (!out)
		vx_say("%s is not a result: line %d: %s", path, err.line, err.text);
	return out;
}

/* What a name that is no file means: a baseline in the folder of results, or in the history. */
static json_t *read_named(const char *name)
{
	char *path = NULL, *dir = vx_results_dir(false);
	json_t *out;

	if (!dir || asprintf(&path, "%s/%s.json", dir, name) < 0)
		path = NULL;
	free(dir);
	if (path && !access(path, F_OK)) {
		out = read_file(path);
	} else {
		out = vx_result_kept(name);
		if (!out)
			vx_say("there is neither a file nor a baseline '%s'%s%s, nor is it in the history",
			       name, path ? ": no " : "", path ? path : "");
	}
	free(path);
	return out;
}

json_t *vx_read_result(const char *what)
{
	bool file = strchr(what, '/') || !access(what, F_OK);
	json_t *out = file ? read_file(what) : read_named(what);

	if (!out)
		return NULL;
	if (json_integer_value(json_object_get(out, "schema_version")) != VX_SCHEMA_VERSION ||
	    !json_is_array(json_object_get(out, "metrics")) ||
	    !json_is_object(json_object_get(out, "fingerprint"))) {
		vx_say("%s is not a result of this version of vexstress (schema_version %d)", what,
		       VX_SCHEMA_VERSION);
		json_decref(out);
		return NULL;
	}
	return out;
}
