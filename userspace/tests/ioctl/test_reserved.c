// SPDX-License-Identifier: GPL-2.0
/*
 * What has no meaning yet is refused, so that it can be given one: each bit of flags
 * that no request knows, and each byte of padding, of every ioctl, one after the other.
 */
#include <stddef.h>
#include <stdlib.h>

#include "tests/ioctl/test.h"

#define RECORD	8u

static int ours;		/* attached to "reserved" */
static float vector[DIM];
static uint64_t id = 3;

/* Room for every request. */
union request {
	uint32_t size;
	struct vexfs_info info;
	struct vexfs_create create;
	struct vexfs_attach attach;
	struct vexfs_drop drop;
	struct vexfs_stat stat;
	struct vexfs_list list;
	struct vexfs_set set;
	struct vexfs_put put;
	struct vexfs_get get;
	struct vexfs_delete delete;
	struct vexfs_distance distance;
	struct vexfs_walk walk;
	struct vexfs_search search;
	struct vexfs_classify classify;
	struct vexfs_index_req index;
	struct vexfs_check check;
	struct vexfs_storage storage;
	struct vexfs_rows rows;
	struct vexfs_wait wait;
	struct vexfs_submit submit;
	struct vexfs_reap reap;
	struct vexfs_cancel cancel;
	struct vexfs_eventfd eventfd;
	struct vexfs_nop nop;
	unsigned char bytes[512];
};

/* Places for answers. */
static uint64_t out_ids[8];
static float out_f32[8];
static int32_t out_errors[8];
static struct vexfs_vote votes[8];
static struct vexfs_stat rows[8];

static void good_info(union request *r)
{
	(void)r;
}

static void good_create(union request *r)
{
	r->create = raw_spec("reserved-2", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, RECORD);
	r->create.flags = VEXFS_CREATE_DETACHED;
	r->create.mode = 0600;
}

static void good_attach(union request *r)
{
	r->attach.flags = VEXFS_ATTACH_READ;
	strcpy(r->attach.name, "reserved");
}

static void good_drop(union request *r)
{
	strcpy(r->drop.name, "reserved-2");
}

static void good_list(union request *r)
{
	r->list.stat_size = sizeof(rows[0]);
	r->list.count = 8;
	r->list.stats = (uintptr_t)rows;
}

static void good_set(union request *r)
{
	r->set.what = VEXFS_SET_MODE;
	r->set.mode = 0600;
}

static void good_put(union request *r)
{
	r->put = raw_put(&id, vector, NULL, 1);
}

static void good_get(union request *r)
{
	r->get.count = 1;
	r->get.ids = (uintptr_t)&id;
}

static void good_delete(union request *r)
{
	r->delete.flags = VEXFS_DELETE_CONTINUE;
	r->delete.count = 1;
	r->delete.ids = (uintptr_t)&id;
}

static void good_distance(union request *r)
{
	r->distance.count = 1;
	r->distance.query = (uintptr_t)vector;
	r->distance.ids = (uintptr_t)&id;
	r->distance.distances = (uintptr_t)out_f32;
	r->distance.errors = (uintptr_t)out_errors;
}

static void good_walk(union request *r)
{
	r->walk.count = 8;
	r->walk.ids = (uintptr_t)out_ids;
}

static void good_search(union request *r)
{
	r->search = raw_search(vector, 1, 3, out_ids, NULL, NULL);
}

static void good_classify(union request *r)
{
	r->classify.k = 3;
	r->classify.query = (uintptr_t)vector;
	r->classify.field_size = 1;
	r->classify.votes = (uintptr_t)votes;
	r->classify.count = 8;
}

static void good_index(union request *r)
{
	r->index.op = VEXFS_INDEX_OP_STOP;
}

static void good_submit(union request *r)
{
	static struct vexfs_nop nop = { .size = sizeof(nop) };
	static struct vexfs_submission entry = { .cmd = VEXFS_IOC_NOP };

	entry.arg = (uintptr_t)&nop;
	r->submit.count = 1;
	r->submit.entries = (uintptr_t)&entry;
}

/* No op has this number, so none is found, whether or not the one that was submitted has ended. */
static void good_cancel(union request *r)
{
	r->cancel.user_data = 1234567;
}

static void good_reap(union request *r)
{
	static struct vexfs_completion done;

	r->reap.max = 1;
	r->reap.completions = (uintptr_t)&done;
}

static void good_eventfd(union request *r)
{
	r->eventfd.fd = -1;
}

static void good_nothing(union request *r)
{
	(void)r;
}

/*
 * A place of a request of which only some bits have a meaning. Without a bit too many
 * the request must come to @plain.
 */
struct reserved {
	const char *what;
	unsigned long cmd;
	void (*good)(union request *r);
	uint32_t size;
	int plain;
	uint32_t at;
	uint32_t bytes;
	uint32_t known;
};

#define PLACE(CMD, good, type, plain, member, known)				\
	{ #CMD "." #member, VEXFS_IOC_##CMD, good, sizeof(struct type), plain,	\
	  offsetof(struct type, member), sizeof(((struct type *)0)->member), known }
#define PUT(member, known)	PLACE(PUT, good_put, vexfs_put, 0, member, known)
#define GET(member, known)	PLACE(GET, good_get, vexfs_get, 0, member, known)
#define DELETE(member, known)	PLACE(DELETE, good_delete, vexfs_delete, 0, member, known)
#define DISTANCE(member, known)	PLACE(DISTANCE, good_distance, vexfs_distance, 0, member, known)
#define WALK(member, known)	PLACE(WALK, good_walk, vexfs_walk, 0, member, known)
#define SEARCH(member, known)	PLACE(SEARCH, good_search, vexfs_search, 0, member, known)
#define CLASSIFY(member, known)	PLACE(CLASSIFY, good_classify, vexfs_classify, 0, member, known)

/* formats are 0 and 1, priorities 0 to 2 */
static const struct reserved places[] = {
	PLACE(CREATE, good_create, vexfs_create, 0, flags,
	      VEXFS_CREATE_DETACHED | VEXFS_CREATE_RESTORE),
	PLACE(CREATE, good_create, vexfs_create, 0, pad0, 0),
	PLACE(CREATE, good_create, vexfs_create, 0, pad1, 0),
	PLACE(CREATE, good_create, vexfs_create, 0, durability, 3),
	PLACE(CREATE, good_create, vexfs_create, 0, uid, 0),
	PLACE(CREATE, good_create, vexfs_create, 0, gid, 0),
	PLACE(CREATE, good_create, vexfs_create, 0, mode, 0777),
	PLACE(ATTACH, good_attach, vexfs_attach, 0, flags,
	      VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE | VEXFS_ATTACH_SERIAL),
	PLACE(DROP, good_drop, vexfs_drop, -ENOENT, flags,
	      VEXFS_DROP_SERIAL | VEXFS_DROP_EMPTY),
	PLACE(LIST, good_list, vexfs_list, 0, flags, VEXFS_LIST_ALL | VEXFS_LIST_UNSTORED),
	PLACE(STAT, good_nothing, vexfs_stat, 0, flags, 0),
	PLACE(STAT, good_nothing, vexfs_stat, 0, pad0, 0),
	PLACE(SET, good_set, vexfs_set, 0, what, 0x3f),
	PLACE(SET, good_set, vexfs_set, 0, mode, 0777),
	PLACE(SET, good_set, vexfs_set, 0, durability, 0),
	PLACE(SET, good_set, vexfs_set, 0, pad1, 0),
	PUT(flags, VEXFS_PUT_UPSERT | VEXFS_PUT_CONTINUE | VEXFS_PUT_SEQS),
	PUT(format, 1),
	PUT(priority, 3),
	PUT(pad, 0),
	GET(flags, 0),
	GET(format, 1),
	GET(priority, 3),
	GET(pad, 0),
	DELETE(flags, VEXFS_DELETE_CONTINUE),
	DELETE(priority, 3),
	DISTANCE(flags, VEXFS_QUERY_BY_ID),
	DISTANCE(format, 1),
	DISTANCE(priority, 3),
	DISTANCE(pad, 0),
	WALK(flags, 0),
	WALK(format, 1),
	SEARCH(flags, 0x1f),
	SEARCH(format, 1),
	SEARCH(priority, 3),
	SEARCH(pad, 0),
	CLASSIFY(flags, VEXFS_QUERY_BY_ID | VEXFS_SEARCH_EXACT | VEXFS_SEARCH_SKIP_SELF),
	CLASSIFY(format, 1),
	PLACE(INDEX, good_index, vexfs_index_req, -ENOENT, pad, 0),
	PLACE(CHECK, good_nothing, vexfs_check, 0, flags, 0),
	PLACE(STORAGE, good_nothing, vexfs_storage, -EBUSY, flags, 0),
	PLACE(ROWS, good_nothing, vexfs_rows, -ENOTCONN, flags, 0),
	PLACE(WAIT, good_nothing, vexfs_wait, -EOPNOTSUPP, flags, 0),
	PLACE(SUBMIT, good_submit, vexfs_submit, 0, flags, 0),
	PLACE(REAP, good_reap, vexfs_reap, 0, flags, 0),
	PLACE(REAP, good_reap, vexfs_reap, 0, pad, 0),
	PLACE(CANCEL, good_cancel, vexfs_cancel, -ENOENT, flags, VEXFS_CANCEL_ALL),
	PLACE(CANCEL, good_cancel, vexfs_cancel, -ENOENT, pad, 0),
	PLACE(EVENTFD, good_eventfd, vexfs_eventfd, 0, flags, 0),
	PLACE(EVENTFD, good_eventfd, vexfs_eventfd, 0, pad, 0),
	PLACE(NOP, good_nothing, vexfs_nop, 0, flags, 0),
	PLACE(NOP, good_nothing, vexfs_nop, 0, priority, 3),
	/* nothing but answers */
	PLACE(INFO, good_info, vexfs_info, 0, size, ~0u),
};

/* Asks with the bits @spoil set there. */
static int ask(const struct reserved *p, uint32_t spoil)
{
	bool attach = p->cmd == VEXFS_IOC_ATTACH;
	int fd = attach ? raw_open() : ours, err;
	union request r = { 0 };

	p->good(&r);
	r.size = p->size;
	for (uint32_t i = 0; i < p->bytes; i++)
		r.bytes[p->at + i] |= (unsigned char)(spoil >> 8 * i);
	err = raw(fd, p->cmd, &r);
	if (attach)
		close(fd);
	if (p->cmd == VEXFS_IOC_CREATE && !err)
		raw_drop(ctl, "reserved-2");
	return err;
}

void reserved(void)
{
	unsigned int n = sizeof(places) / sizeof(places[0]), wrong;

	ours = raw_create("reserved", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, RECORD);
	put_some(ours, 0, 10, DIM, NULL);
	for (unsigned int i = 0; i < n; i++) {
		const struct reserved *p = &places[i];
		int plain = ask(p, 0);

		wrong = plain != p->plain;
		for (unsigned int bit = 0; bit < 8 * p->bytes; bit++)
			if (!(p->known >> bit & 1) && ask(p, 1u << bit) != -EINVAL)
				wrong++;
		ok(!wrong, "%s: every reserved bit is refused (%u are not; without: %d)",
		   p->what, wrong, plain);
	}
	/* names end at the first NUL, and so does what counts */
	wrong = 0;
	for (unsigned int i = sizeof("reserved"); i < VEXFS_NAME_SIZE; i++) {
		struct vexfs_attach a = { .flags = VEXFS_ATTACH_READ, .name = "reserved" };
		struct vexfs_drop d = { .name = "reserved" };
		int fd = raw_open();

		a.name[i] = d.name[i] = 1;
		wrong += RAW(fd, VEXFS_IOC_ATTACH, &a) != -EINVAL;
		wrong += RAW(fd, VEXFS_IOC_DROP, &d) != -EINVAL;
		close(fd);
	}
	ok(!wrong, "names are padded with zeroes");
	close(ours);
	raw_drop(ctl, "reserved");
}
