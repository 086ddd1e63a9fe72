// SPDX-License-Identifier: GPL-2.0
/* Results over time, and the CSV file that holds them. */
#include "trend_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEADER		"benchmark,mean_time_ns,timestamp"
#define OURS		",p50_ns,p95_ns,p99_ns,ops_per_s,version,lab,unavailable\n"
/* Larger files are refused. */
#define FILE_MAX	(64 << 20)
#define FIELDS		16

/* The next field of a line, unquoted in place. NULL at its end. */
static char *next_field(char **at)
{
	char *s = *at, *to, *field;

	if (!s)
		return NULL;
	if (*s != '"') {
		field = s;
		s += strcspn(s, ",");
		*at = *s ? s + 1 : NULL;
		*s = 0;
		return field;
	}
	for (field = to = ++s; *s; s++) {
		if (*s == '"' && s[1] != '"')
			break;
		s += *s == '"';
		*to++ = *s;
	}
	s += *s == '"';
	*at = *s == ',' ? s + 1 : NULL;
	*to = 0;
	return field;
}

/* A date, with the time of day or without, in UTC. */
static bool read_time(const char *s, int64_t *t)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%d" };
	struct tm tm;
	const char *end;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(s, formats[i], &tm);
		if (end && !*end) {
			*t = timegm(&tm);
			return true;
		}
	}
	return false;
}

/*
 * The column of that name in the first line. Files from before it was written get lines
 * with one field more, so it is that behind the last column of ours, too.
 */
static size_t column_of(char *line, const char *name)
{
	char *at = line, *field;
	size_t n = 0;

	line[strcspn(line, "\r\n")] = 0;
	for (; (field = next_field(&at)); n++)
		if (!strcmp(field, name))
			return n;
		else if (!strcmp(field, "lab") && !at)
			return n + 1;
	return 0;
}

static bool read_line(char *line, struct trend_point *p, size_t unavailable)
{
	char *field[FIELDS] = { NULL }, *at = line, *end;
	size_t n = 0;

	while (n < FIELDS && (field[n] = next_field(&at)))
		n++;
	if (n < 3 || !*field[0] || !read_time(field[2], &p->t))
		return false;
	p->mean_ns = strtod(field[1], &end);
	if (end == field[1] || *end || !isfinite(p->mean_ns) || p->mean_ns <= 0)
		return false;
	if (unavailable && unavailable < n) {
		p->unavailable = strtod(field[unavailable], &end);
		if (*end || !(p->unavailable >= 0 && p->unavailable <= 1))
			return false;
	}
	p->name = strdup(field[0]);
	return p->name;
}

void trend_free(struct trend_file *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->p[i].name);
	free(f->p);
	*f = (struct trend_file){ 0 };
}

/* By benchmark, and in each by time; equal times stay in their order. */
static int by_name_and_time(const void *a, const void *b)
{
	const struct trend_point *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	if (names)
		return names;
	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static bool make_room(struct trend_file *f)
{
	size_t room = f->room ? 2 * f->room : 256;
	struct trend_point *more;

	if (f->n < f->room)
		return true;
	more = reallocarray(f->p, room, sizeof(*f->p));
	if (!more) {
		vx_say("no memory for the runs");
		return false;
	}
	f->p = more;
	f->room = room;
	return true;
}

bool trend_add(struct trend_file *f, const struct trend_point *p)
{
	char *name = strdup(p->name);

	if (!name || !make_room(f)) {
		free(name);
		return false;
	}
	f->p[f->n] = *p;
	f->p[f->n].name = name;
	f->p[f->n].line = f->n;
	f->n++;
	return true;
}

void trend_sort(struct trend_file *f)
{
	qsort(f->p, f->n, sizeof(*f->p), by_name_and_time);
}

static bool take_line(struct trend_file *f, char *line, size_t number, const char *path)
{
	struct trend_point p = { .line = number };

	line[strcspn(line, "\r\n")] = 0;
	if (!*line)
		return true;
	if (!read_line(line, &p, f->unavailable)) {
		vx_say("%s:%zu: expected benchmark,mean_time_ns,timestamp with a date such as "
		       "2026-01-31", shown(path), number);
		return false;
	}
	if (!make_room(f)) {
		free(p.name);
		return false;
	}
	f->p[f->n++] = p;
	return true;
}

static int read_all(FILE *in, const char *path, struct trend_file *f)
{
	char *line = NULL;
	size_t size = 0, number = 0;
	bool good = true;

	*f = (struct trend_file){ 0 };
	while (good && getline(&line, &size, in) > 0) {
		number++;
		if (number == 1) {
			good = !strncmp(line, HEADER, strlen(HEADER));
			if (good)
				f->unavailable = column_of(line, "unavailable");
			else
				vx_say("%s does not begin with %s", shown(path), HEADER);
			continue;
		}
		good = take_line(f, line, number, path);
	}
	free(line);
	if (good && !ferror(in)) {
		trend_sort(f);
		return 0;
	}
	if (ferror(in))
		vx_say("cannot read %s", shown(path));
	trend_free(f);
	return -1;
}

int trend_read(const char *path, struct trend_file *f)
{
	FILE *in = fopen(path, "re");
	struct stat st;
	int ret;

	if (!in || fstat(fileno(in), &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		vx_say("cannot read %s: %s", shown(path), !in ? strerror(errno) :
		       "it is no file of results");
		if (in)
			fclose(in);
		return -1;
	}
	ret = read_all(in, path, f);
	fclose(in);
	return ret;
}

bool trend_has(const struct trend_file *f, const char *name, int64_t t)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->p[i].t == t && !strcmp(f->p[i].name, name))
			return true;
	return false;
}

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* Found by the probes around the job, or by its workers, whichever is more. */
static double unavailable(const json_t *job)
{
	const json_t *r = json_object_get(job, "resources");
	double threads = num(json_object_get(job, "options"), "threads");
	double seconds = num(job, "seconds") * (threads > 1 ? threads : 1);
	double probed = num(r, "machine_unavailable");
	double waited = seconds > 0 ? num(r, "unavailable_s") / seconds : 0;

	return fmin(1, fmax(probed, waited));
}

/* The job took part, and is not in @f. */
static bool is_new(const struct trend_file *f, const json_t *job, const json_t *result, int64_t *t)
{
	const char *started = json_string_value(json_object_get(result, "started"));
	const char *name = json_string_value(json_object_get(job, "name"));

	return name && started && num(json_object_get(job, "latency"), "mean_ns") > 0 &&
	       read_time(started, t) && !trend_has(f, name, *t);
}

int trend_add_result(struct trend_file *f, const json_t *result)
{
	json_t *job;
	size_t i;

	json_array_foreach(json_object_get(result, "jobs"), i, job) {
		struct trend_point p = {
			.name = (char *)json_string_value(json_object_get(job, "name")),
			.mean_ns = num(json_object_get(job, "latency"), "mean_ns"),
			.unavailable = unavailable(job),
		};

		if (is_new(f, job, result, &p.t) && !trend_add(f, &p))
			return -1;
	}
	return 0;
}

static void job_line(FILE *to, const json_t *job, const json_t *result)
{
	const json_t *l = json_object_get(job, "latency");

	escape_csv(to, json_string_value(json_object_get(job, "name")));
	fprintf(to, ",%.0f,", num(l, "mean_ns"));
	escape_csv(to, json_string_value(json_object_get(result, "started")));
	fprintf(to, ",%.0f,%.0f,%.0f,%.1f,", num(l, "p50_ns"), num(l, "p95_ns"), num(l, "p99_ns"),
		num(job, "ops_per_s"));
	escape_csv(to, json_string_value(json_object_get(result, "version")));
	fputc(',', to);
	escape_csv(to, json_string_value(json_object_get(json_object_get(result, "fingerprint"),
							 "lab")));
	fprintf(to, ",%.3f\n", unavailable(job));
}

/* The lines of @result that @have does not hold. */
static char *new_lines(const struct trend_file *have, const json_t *result, bool header, size_t *size)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, size);
	json_t *job;
	int64_t t;
	size_t i;

	if (!to)
		return NULL;
	if (header)
		fputs(HEADER OURS, to);
	json_array_foreach(json_object_get(result, "jobs"), i, job)
		if (is_new(have, job, result, &t))
			job_line(to, job, result);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}

/* Appends all or nothing: a partial write is truncated. */
static int append_at(int fd, const char *text, size_t size, off_t end)
{
	ssize_t n = pwrite(fd, text, size, end);

	if (n == (ssize_t)size && !fsync(fd))
		return 0;
	if (n >= 0)
		errno = ENOSPC;
	if (ftruncate(fd, end))
		errno = EIO;
	return -1;
}

int trend_append(const char *path, const json_t *result)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666), ret = -1;
	struct trend_file have = { 0 };
	size_t size = 0;
	struct stat st;
	char *text;
	FILE *in;

	if (fd < 0 || flock(fd, LOCK_EX) || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		vx_say("cannot open %s: %s", shown(path), fd < 0 ? strerror(errno) :
		       "it is no regular file");
		goto out;
	}
	in = st.st_size ? fdopen(dup(fd), "re") : NULL;
	if (st.st_size && (!in || read_all(in, path, &have)))
		goto close;
	text = new_lines(&have, result, !st.st_size, &size);
	ret = text ? 0 : -1;
	if (text && size)
		ret = append_at(fd, text, size, st.st_size);
	if (ret)
		vx_say("cannot write %s: %s", shown(path), strerror(errno));
	free(text);
	trend_free(&have);
close:
	if (in)
		fclose(in);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}
