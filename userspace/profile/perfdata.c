// SPDX-License-Identifier: GPL-2.0
/* perf.data: a header, attributes of events, records. All of it is validated. */
#include "perfdata.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC		0x32454c4946524550ULL	/* "PERFILE2" */
#define USER_RECORDS	64	/* perf's own records begin here */
#define AUXTRACE	71
#define COMPRESSED	81
#define COMPRESSED2	83
#define MAPS_MAX	1000000

struct section {
	uint64_t offset, size;
};

struct file_header {
	uint64_t magic, size, attr_size;
	struct section attrs, data, event_types;
	uint64_t features[4];
};

/* What a process had mapped. */
struct map {
	uint32_t pid;
	uint64_t from, to;
	char *name;
};

struct process {
	uint32_t pid;
	char comm[PERFDATA_COMM];
};

/* A process got a name, or (@parent) that of its parent. */
struct naming {
	uint64_t time_ns;
	size_t order;		/* in the file */
	uint32_t pid, parent;
	char comm[PERFDATA_COMM];
};

struct perfdata {
	const unsigned char *at;
	size_t size;
	struct section data;
	uint64_t type;		/* of samples */
	bool timed;		/* other records end with what identifies a sample, too */
	struct map *maps;
	size_t nmaps, maps_room;
	struct process *procs;
	size_t nprocs, procs_room;
	struct naming *namings;
	size_t nnamings, namings_room;
};

/* A record that is being read. */
struct cursor {
	const unsigned char *at, *end;
	bool short_of;
};

static uint64_t take(struct cursor *c, size_t n)
{
	uint64_t v = 0;

	if ((size_t)(c->end - c->at) < n) {
		c->short_of = true;
		c->at = c->end;
		return 0;
	}
	memcpy(&v, c->at, n);
	c->at += n;
	return v;
}

static bool inside(const struct perfdata *p, const struct section *s)
{
	return s->offset <= p->size && s->size <= p->size - s->offset;
}

/* All events must have the same sample format, with the fields that are used here. */
static int read_attrs(struct perfdata *p, const struct file_header *h, char *why, size_t size)
{
	const uint64_t need = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
	uint64_t i, n = h->attr_size ? h->attrs.size / h->attr_size : 0;
	struct perf_event_attr a;

	if (h->attr_size < PERF_ATTR_SIZE_VER0 + sizeof(struct section) || !n ||
	    !inside(p, &h->attrs)) {
		snprintf(why, size, "it names no events");
		return -1;
	}
	for (i = 0; i < n; i++) {
		size_t len = h->attr_size - sizeof(struct section);

		memset(&a, 0, sizeof(a));
		memcpy(&a, p->at + h->attrs.offset + i * h->attr_size,
		       len < sizeof(a) ? len : sizeof(a));
		if (i && a.sample_type != p->type) {
			snprintf(why, size, "its events have samples of different forms: record one event, or events with the same options");
			return -1;
		}
		p->type = a.sample_type;
		p->timed = a.sample_id_all;
	}
	if ((p->type & need) != need) {
		snprintf(why, size, "its samples lack address, process or time");
		return -1;
	}
	if (p->type & PERF_SAMPLE_READ) {
		snprintf(why, size, "its samples hold values of counters, which this does not read");
		return -1;
	}
	return 0;
}

static int check_header(struct perfdata *p, char *why, size_t size)
{
	struct file_header h;

	if (p->size < sizeof(h)) {
		snprintf(why, size, "it is too short for a file of perf");
		return -1;
	}
	memcpy(&h, p->at, sizeof(h));
	if (h.magic != MAGIC) {
		snprintf(why, size, "it is no file of perf (version 2, of a machine with this byte order)");
		return -1;
	}
	if (h.size < sizeof(h)) {
		snprintf(why, size, "it was written to a pipe: use 'perf record -o FILE'");
		return -1;
	}
	if (read_attrs(p, &h, why, size))
		return -1;
	p->data = h.data;
	if (p->data.offset > p->size) {
		snprintf(why, size, "its records lie behind its end");
		return -1;
	}
	return 0;
}

struct perfdata *perfdata_open(const char *path, char *why, size_t size)
{
	struct perfdata *p = calloc(1, sizeof(*p));
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *at = MAP_FAILED;

	if (!p || fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		snprintf(why, size, "%s", !p ? "no memory" : fd < 0 ? strerror(errno) :
			 "it is no ordinary file");
		goto fail;
	}
	if (st.st_size)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED) {
		snprintf(why, size, "%s", st.st_size ? strerror(errno) : "it is empty");
		goto fail;
	}
	close(fd);
	p->at = at;
	p->size = (size_t)st.st_size;
	if (!check_header(p, why, size))
		return p;
	perfdata_close(p);
	return NULL;
fail:
	if (fd >= 0)
		close(fd);
	free(p);
	return NULL;
}

void perfdata_close(struct perfdata *p)
{
	size_t i;

	if (!p)
		return;
	munmap((void *)p->at, p->size);
	for (i = 0; i < p->nmaps; i++)
		free(p->maps[i].name);
	free(p->maps);
	free(p->procs);
	free(p->namings);
	free(p);
}

static void *grow(void *v, size_t n, size_t *room, size_t each)
{
	size_t more = *room ? 2 * *room : 256;
	void *w;

	if (n < *room)
		return v;
	w = more <= MAPS_MAX ? realloc(v, more * each) : NULL;
	if (w)
		*room = more;
	return w;
}

static int add_map(struct perfdata *p, struct cursor *c, bool two)
{
	uint32_t pid = (uint32_t)take(c, 4);
	uint64_t from, len;
	struct map *more;
	const char *base;

	take(c, 4);
	from = take(c, 8);
	len = take(c, 8);
	take(c, 8);
	/* device, inode, generation, protection, flags */
	if (two) {
		take(c, 8);
		take(c, 8);
		take(c, 8);
		take(c, 8);
	}
	if (c->short_of || c->at == c->end || !memchr(c->at, 0, (size_t)(c->end - c->at)))
		return 0;
	more = grow(p->maps, p->nmaps, &p->maps_room, sizeof(*more));
	if (!more)
		return -1;
	p->maps = more;
	base = strrchr((const char *)c->at, '/');
	base = strdup(base ? base + 1 : (const char *)c->at);
	if (!base)
		return -1;
	p->maps[p->nmaps++] = (struct map){ pid, from, from + len, (char *)base };
	return 0;
}

static struct process *process_of(const struct perfdata *p, uint32_t pid)
{
	size_t i;

	for (i = p->nprocs; i-- > 0;)
		if (p->procs[i].pid == pid)
			return &p->procs[i];
	return NULL;
}

static int name_process(struct perfdata *p, uint32_t pid, const char *comm, size_t len)
{
	struct process *proc = process_of(p, pid), *more;

	if (!proc) {
		more = grow(p->procs, p->nprocs, &p->procs_room, sizeof(*more));
		if (!more)
			return -1;
		p->procs = more;
		proc = &p->procs[p->nprocs++];
		proc->pid = pid;
	}
	len = strnlen(comm, len);
	len = len < sizeof(proc->comm) ? len : sizeof(proc->comm) - 1;
	memmove(proc->comm, comm, len);
	proc->comm[len] = 0;
	return 0;
}

/* When a record that is no sample was made; 0 when the file does not say. */
static uint64_t record_time(const struct perfdata *p, const struct cursor *c)
{
	const uint64_t after = PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |
			       PERF_SAMPLE_IDENTIFIER;
	size_t back = 8 * (1 + (size_t)__builtin_popcountll(p->type & after));
	uint64_t t = 0;

	if (p->timed && (size_t)(c->end - c->at) >= back)
		memcpy(&t, c->end - back, sizeof(t));
	return t;
}

static struct naming *naming_add(struct perfdata *p, uint32_t pid, uint64_t time_ns)
{
	struct naming *more = grow(p->namings, p->nnamings, &p->namings_room, sizeof(*more)), *n;

	if (!more)
		return NULL;
	p->namings = more;
	n = &p->namings[p->nnamings];
	*n = (struct naming){ .time_ns = time_ns, .order = p->nnamings++, .pid = pid };
	return n;
}

/* Threads of a process have names, too: the first thread's is the process's. */
static int take_comm(struct perfdata *p, struct cursor *c)
{
	uint64_t time_ns = record_time(p, c);
	uint32_t pid = (uint32_t)take(c, 4), tid = (uint32_t)take(c, 4);
	struct naming *n;
	size_t len;

	if (c->short_of || pid != tid)
		return 0;
	n = naming_add(p, pid, time_ns);
	if (!n)
		return -1;
	len = strnlen((const char *)c->at, (size_t)(c->end - c->at));
	memcpy(n->comm, c->at, len < sizeof(n->comm) ? len : sizeof(n->comm) - 1);
	return 0;
}

static int take_fork(struct perfdata *p, struct cursor *c)
{
	uint64_t time_ns = record_time(p, c);
	uint32_t pid = (uint32_t)take(c, 4), parent = (uint32_t)take(c, 4);
	struct naming *n;

	if (c->short_of || pid == parent)
		return 0;
	n = naming_add(p, pid, time_ns);
	if (!n)
		return -1;
	n->parent = parent;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct naming *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* A process is listed under its last name. */
static int name_processes(struct perfdata *p)
{
	char comm[PERFDATA_COMM];
	size_t i;

	if (p->nnamings)
		qsort(p->namings, p->nnamings, sizeof(*p->namings), by_time);
	for (i = 0; i < p->nnamings; i++) {
		const struct naming *n = &p->namings[i];
		const struct process *parent = n->parent ? process_of(p, n->parent) : NULL;

		if (n->parent && !parent)
			continue;
		memcpy(comm, parent ? parent->comm : n->comm, sizeof(comm));
		if (name_process(p, n->pid, comm, sizeof(comm)))
			return -1;
	}
	return 0;
}

static void take_chain(struct cursor *c, struct perfdata_sample *s, bool kernel)
{
	uint64_t n = take(c, 8), i;

	if (n > (uint64_t)(c->end - c->at) / 8) {
		c->short_of = true;
		return;
	}
	s->n = 0;
	for (i = 0; i < n; i++) {
		uint64_t ip = take(c, 8);

		if (ip >= (uint64_t)PERF_CONTEXT_MAX) {
			kernel = ip == (uint64_t)PERF_CONTEXT_KERNEL ||
				 ip == (uint64_t)PERF_CONTEXT_HV;
			continue;
		}
		if (s->n == PERFDATA_CHAIN_MAX) {
			s->cut = true;
			continue;
		}
		s->frame[s->n++] = (struct perfdata_frame){ ip, kernel };
	}
}

/* False where the record is damaged. */
static bool take_sample(const struct perfdata *p, struct cursor *c, uint16_t misc,
			struct perfdata_sample *s)
{
	bool kernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	struct process *proc;

	s->cut = false;
	if (p->type & PERF_SAMPLE_IDENTIFIER)
		take(c, 8);
	s->frame[0] = (struct perfdata_frame){ take(c, 8), kernel };
	s->n = 1;
	s->pid = (uint32_t)take(c, 4);
	take(c, 4);
	s->time_ns = take(c, 8);
	if (p->type & PERF_SAMPLE_ADDR)
		take(c, 8);
	if (p->type & PERF_SAMPLE_ID)
		take(c, 8);
	if (p->type & PERF_SAMPLE_STREAM_ID)
		take(c, 8);
	if (p->type & PERF_SAMPLE_CPU)
		take(c, 8);
	if (p->type & PERF_SAMPLE_PERIOD)
		take(c, 8);
	if (p->type & PERF_SAMPLE_CALLCHAIN)
		take_chain(c, s, kernel);
	proc = process_of(p, s->pid);
	s->comm = proc ? proc->comm : "";
	return !c->short_of;
}

/*
 * Names and maps are read before the samples, since records of several processors are not in
 * the order of time.
 */
static int take_record(struct perfdata *p, const struct perf_event_header *h, struct cursor *c,
		       struct perfdata_info *info)
{
	switch (h->type) {
	case PERF_RECORD_MMAP:
		return add_map(p, c, false);
	case PERF_RECORD_MMAP2:
		return add_map(p, c, true);
	case PERF_RECORD_COMM:
		return take_comm(p, c);
	case PERF_RECORD_FORK:
		return take_fork(p, c);
	case PERF_RECORD_LOST:
		take(c, 8);
		info->lost += take(c, 8);
		return 0;
	}
	return 0;
}

typedef int (*record_fn)(const struct perf_event_header *h, struct cursor *c, void *arg);

static int each_record(struct perfdata *p, record_fn fn, void *arg, struct perfdata_info *info,
		       char *why, size_t size)
{
	const unsigned char *at = p->at + p->data.offset;
	uint64_t left = p->size - p->data.offset;
	struct perf_event_header h;
	int ret = 0;

	/* perf writes the length at its end */
	info->truncated = !p->data.size || p->data.size > left;
	if (!info->truncated)
		left = p->data.size;
	while (left >= sizeof(h) && !ret) {
		struct cursor c;

		memcpy(&h, at, sizeof(h));
		if (h.size < sizeof(h) || h.size > left) {
			info->truncated = true;
			break;
		}
		if (h.type == COMPRESSED || h.type == COMPRESSED2 || h.type == AUXTRACE) {
			snprintf(why, size, "it is compressed or holds a hardware trace, which this does not read");
			return -1;
		}
		c = (struct cursor){ at + sizeof(h), at + h.size, false };
		if (h.type < USER_RECORDS)
			ret = fn(&h, &c, arg);
		at += h.size;
		left -= h.size;
	}
	return ret;
}

struct pass {
	struct perfdata *p;
	struct perfdata_info *info;
	perfdata_fn fn;
	void *arg;
	struct perfdata_sample s;
};

static int first_pass(const struct perf_event_header *h, struct cursor *c, void *arg)
{
	struct pass *pass = arg;

	return take_record(pass->p, h, c, pass->info);
}

static int second_pass(const struct perf_event_header *h, struct cursor *c, void *arg)
{
	struct pass *pass = arg;
	struct perfdata_info *info = pass->info;

	if (h->type != PERF_RECORD_SAMPLE || !take_sample(pass->p, c, h->misc, &pass->s))
		return 0;
	if (!info->samples || pass->s.time_ns < info->first_ns)
		info->first_ns = pass->s.time_ns;
	if (pass->s.time_ns > info->last_ns)
		info->last_ns = pass->s.time_ns;
	info->samples++;
	return pass->fn(&pass->s, pass->arg);
}

int perfdata_each(struct perfdata *p, perfdata_fn fn, void *arg, struct perfdata_info *info,
		  char *why, size_t size)
{
	struct pass *pass = calloc(1, sizeof(*pass));
	int ret;

	memset(info, 0, sizeof(*info));
	snprintf(why, size, "no memory");
	if (!pass)
		return -1;
	*pass = (struct pass){ .p = p, .info = info, .fn = fn, .arg = arg };
	ret = each_record(p, first_pass, pass, info, why, size) ?: name_processes(p);
	if (!ret)
		ret = each_record(p, second_pass, pass, info, why, size);
	free(pass);
	return ret;
}

const char *perfdata_file_at(const struct perfdata *p, uint32_t pid, uint64_t ip)
{
	size_t i;

	for (i = p->nmaps; i-- > 0;)
		if (p->maps[i].pid == pid && ip >= p->maps[i].from && ip < p->maps[i].to)
			return p->maps[i].name;
	return "";
}
