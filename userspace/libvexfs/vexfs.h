/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * libvexfs: the operations of /dev/vexfs as C functions, and helpers: attribute records
 * with named fields, filter expressions, common file formats of vectors. See libvexfs(3).
 *
 * Conventions
 *  - A function returns 0, or -errno. With a struct vexfs_error it also returns a sentence
 *    that says what was wrong with which argument. NULL is allowed there.
 *  - A function for an operation takes the structure of that operation (linux/vexfs.h):
 *    vexfs_do_put() takes struct vexfs_put. The library fills in @size; set the members you
 *    need and zero the rest.
 *  - Structures of operations, of import and export and of file contents may grow at their
 *    end. Functions that take them are inline here and pass their size to the library:
 *    vexfs_do_put() calls vexfs_do_put_sized(). Members that a program does not know count
 *    as 0 and are not written; members that the library does not know must be 0, otherwise
 *    the call fails with E2BIG. Bindings for other languages call the _sized functions. All
 *    other structures are fixed.
 *  - There is no global state. A handle may be used by many threads at once.
 */
#ifndef VEXFS_H
#define VEXFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/vexfs.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Declares the function of an operation and its inline wrapper, which passes the size of
 * @type. The library itself sees both.
 */
#ifdef VEXFS_LIBRARY
#define VEXFS_REQUEST(name, type)								\
	int vexfs_do_##name##_sized(struct vexfs *h, struct type *req, size_t size,		\
				    struct vexfs_error *err);					\
	int vexfs_do_##name(struct vexfs *h, struct type *req, struct vexfs_error *err)
#else
#define VEXFS_REQUEST(name, type)								\
	int vexfs_do_##name##_sized(struct vexfs *h, struct type *req, size_t size,		\
				    struct vexfs_error *err);					\
	static inline int vexfs_do_##name(struct vexfs *h, struct type *req,			\
					  struct vexfs_error *err)				\
	{											\
		return vexfs_do_##name##_sized(h, req, sizeof(*req), err);			\
	}											\
	struct vexfs
#endif

/**
 * struct vexfs_error - an error
 * @code: an errno value. ENODEV: the module is not loaded
 * @position: offset in bytes in a text argument (a filter, a layout, a record)
 * @text: the message, without a full stop
 */
struct vexfs_error {
	int code;
	unsigned int position;
	char text[400];
};

/* ---- the module, collections ---- */

struct vexfs;

/* Properties of the module. @device may be NULL everywhere: VEXFS_DEVICE. */
int vexfs_do_info_sized(const char *device, struct vexfs_info *info, size_t size,
			struct vexfs_error *err);
#ifdef VEXFS_LIBRARY
int vexfs_do_info(const char *device, struct vexfs_info *info, struct vexfs_error *err);
#else
static inline int vexfs_do_info(const char *device, struct vexfs_info *info,
				struct vexfs_error *err)
{
	return vexfs_do_info_sized(device, info, sizeof(*info), err);
}
#endif

/*
 * Creates a collection. @layout, unless NULL, is a record layout as text (see below): it
 * is checked, stored, and sets @req->attr_size if that is 0. @h may be NULL; otherwise
 * the collection is opened for reading and writing.
 */
int vexfs_do_create_sized(const char *device, struct vexfs_create *req, size_t size,
			  const char *name, const char *layout, struct vexfs **h,
			  struct vexfs_error *err);
#ifdef VEXFS_LIBRARY
int vexfs_do_create(const char *device, struct vexfs_create *req, const char *name,
		 const char *layout, struct vexfs **h, struct vexfs_error *err);
#else
static inline int vexfs_do_create(const char *device, struct vexfs_create *req, const char *name,
				  const char *layout, struct vexfs **h, struct vexfs_error *err)
{
	return vexfs_do_create_sized(device, req, sizeof(*req), name, layout, h, err);
}
#endif

/*
 * Opens a collection. @flags: VEXFS_ATTACH_READ, VEXFS_ATTACH_WRITE, VEXFS_OPEN_REATTACH.
 *
 * An open handle prevents the unload of the module, and does not work on a collection that was
 * dropped and created again. A handle with VEXFS_OPEN_REATTACH survives both: vexfs_let_go()
 * closes its descriptor, and the next call opens the device and the collection of that name
 * again, as does a call that finds the collection dropped. The call fails with ENODEV while the
 * module is not loaded, ENOENT while there is no such collection, and ESTALE if the collection
 * has another dimension, type, metric or record than before. vexfs_fd() is -1 while the
 * descriptor is closed. Streams, mappings and submitted ops belong to the old descriptor.
 */
#define VEXFS_OPEN_REATTACH	(1U << 16)
int vexfs_open(const char *device, const char *name, unsigned int flags, struct vexfs **h,
	       struct vexfs_error *err);
void vexfs_close(struct vexfs *h);
/*
 * Closes the descriptor of a handle with VEXFS_OPEN_REATTACH, and waits for calls that run. Does
 * nothing to other handles.
 */
void vexfs_let_go(struct vexfs *h);
int vexfs_fd(const struct vexfs *h);

int vexfs_do_drop(const char *device, const char *name, struct vexfs_error *err);
/* Drops a collection that holds no vector; otherwise -ENOTEMPTY. */
int vexfs_do_drop_empty(const char *device, const char *name, struct vexfs_error *err);
/* Drops by the serial number of vexfs_do_list_all(), in any user namespace. */
int vexfs_do_drop_serial(const char *device, uint64_t serial, struct vexfs_error *err);

/*
 * Calls @fn for each collection that the caller may read, until it returns non-zero; that
 * value is returned.
 */
int vexfs_do_list(const char *device, int (*fn)(const struct vexfs_stat *st, void *arg), void *arg,
	       struct vexfs_error *err);
/*
 * Also lists the caller's collections in other user namespaces, and all collections in
 * those that the caller administers.
 */
int vexfs_do_list_all(const char *device, int (*fn)(const struct vexfs_stat *st, void *arg),
		      void *arg, struct vexfs_error *err);

VEXFS_REQUEST(stat, vexfs_stat);
VEXFS_REQUEST(set, vexfs_set);

/*
 * Reports answered requests of a mount, for the class "fuse" of the module's statistics.
 * @fuse is the descriptor of /dev/fuse of a mounted file system; @count is not limited.
 */
int vexfs_do_served(const char *device, int fuse, const struct vexfs_served_op *ops,
		    size_t count, struct vexfs_error *err);

/* Constant properties of an open handle. */
const char *vexfs_name(const struct vexfs *h);
uint32_t vexfs_dim(const struct vexfs *h);
enum vexfs_type vexfs_vector_type(const struct vexfs *h);
enum vexfs_metric vexfs_metric_of(const struct vexfs *h);
uint32_t vexfs_attr_size(const struct vexfs *h);
const char *vexfs_layout_text(const struct vexfs *h);	/* "" if there is none */

/* Bytes of one vector in @format, as the functions below use it. */
size_t vexfs_vector_bytes(const struct vexfs *h, uint32_t format);

/* ---- vectors ---- */

/*
 * @count may exceed the limit of one request: the request is sent in parts, and @done,
 * @tried, @kernel_ns and the like are sums. @seq is that of the last part of a put or
 * delete, and of the first part of the others. After a signal the request continues, even
 * without SA_RESTART; only a deadline ends it.
 */
VEXFS_REQUEST(put, vexfs_put);
VEXFS_REQUEST(get, vexfs_get);
VEXFS_REQUEST(delete, vexfs_delete);
VEXFS_REQUEST(distance, vexfs_distance);
VEXFS_REQUEST(walk, vexfs_walk);

/*
 * Maps the rows of the collection read-only: see mmap in linux/vexfs.h. Unmap with
 * munmap(). @offset and @bytes are multiples of the page size.
 */
int vexfs_map(struct vexfs *h, uint64_t offset, size_t bytes, const void **rows,
	      struct vexfs_error *err);

/* ---- search ---- */

VEXFS_REQUEST(search, vexfs_search);
VEXFS_REQUEST(classify, vexfs_classify);
VEXFS_REQUEST(index, vexfs_index_req);
VEXFS_REQUEST(check, vexfs_check);

/* The bits of a float, for @radius and @after_distance of struct vexfs_search. */
static inline uint32_t vexfs_f32_bits(float f)
{
	union {
		float f;
		uint32_t u;
	} v;

	v.f = f;
	return v.u;
}

/* The nearest @k of one f32 query; returns their number, or -errno. */
int vexfs_nearest(struct vexfs *h, const float *query, uint32_t k, uint64_t *ids,
		  float *distances, struct vexfs_error *err);

/* ---- changes and durability ---- */

/*
 * After vexfs_do_stream() the handle reads the changes of its collection, and
 * vexfs_do_rows() their vectors; other functions are not affected. A handle has one
 * stream: for two positions open two handles.
 */
VEXFS_REQUEST(stream, vexfs_stream_req);
VEXFS_REQUEST(rows, vexfs_rows);
/*
 * Waits for changes, @timeout_ms as for poll(2), and reads up to @count of them. Returns
 * their number, 0 after the drop, -EAGAIN if there were none, -EINTR.
 */
ssize_t vexfs_read_changes(struct vexfs *h, struct vexfs_change *changes, size_t count,
			   int timeout_ms, struct vexfs_error *err);
/* For the storage daemon. */
VEXFS_REQUEST(ack, vexfs_ack);

/* Waits until a change is on stable storage. @deadline_ns as in struct vexfs_put. */
VEXFS_REQUEST(wait, vexfs_wait);
int vexfs_wait_durable(struct vexfs *h, uint64_t seq, uint64_t deadline_ns,
		       struct vexfs_error *err);

/* ---- asynchronous ops ---- */

/*
 * vexfs_submit() queues an op. vexfs_reap() returns its completion, or vexfs_dispatch() calls a
 * function for it; a handle is used in one of these ways, by any number of threads. The
 * structure of the op, and the memory it points to, must remain valid until the completion. The
 * limits of one request (VEXFS_BATCH_MAX, VEXFS_QUERIES_MAX) hold. linux/vexfs.h has the ops,
 * priorities and deadlines. vexfs_close() cancels ops in flight.
 */

/*
 * Queues one op, VEXFS_IOC_PUT and so on, with its structure of @size bytes; the library sets
 * the size in the structure. -EBUSY: the limit of ops in flight is reached.
 */
int vexfs_submit(struct vexfs *h, uint32_t op, void *req, size_t size, uint64_t user_data,
		 struct vexfs_error *err);
/*
 * Queues several ops, whose structures have their sizes set. Returns the number of ops that were
 * queued, from the first on, or -errno if none was. @err has the reason if some were not queued.
 */
ssize_t vexfs_submit_many(struct vexfs *h, const struct vexfs_submission *ops, size_t count,
			  struct vexfs_error *err);

/*
 * Gets up to @max completions. Waits for @min of them, at most @timeout_ns (0: no limit), and for
 * no more than were submitted. Returns their number; -ETIME or -EINTR if there was none.
 */
ssize_t vexfs_reap(struct vexfs *h, struct vexfs_completion *done, size_t max, size_t min,
		   uint64_t timeout_ns, struct vexfs_error *err);

/* The result of an op, 0 or -errno, and its message in @err. @op as it was submitted. */
int vexfs_result(const struct vexfs *h, uint32_t op, const struct vexfs_completion *done,
		 struct vexfs_error *err);

/* Cancels the ops with @user_data, or all. Returns their number; each has a completion. */
int vexfs_cancel(struct vexfs *h, uint64_t user_data, struct vexfs_error *err);
int vexfs_cancel_all(struct vexfs *h, struct vexfs_error *err);

/**
 * struct vexfs_callback - who is called when an op is done
 * @done: called once, by the thread that calls vexfs_dispatch(). It may submit ops, and free
 *	the memory that contains @self
 *
 * The program keeps this structure, for instance beside the structure of the op, until @done is
 * called.
 */
struct vexfs_callback {
	void (*done)(struct vexfs *h, struct vexfs_callback *self,
		     const struct vexfs_completion *completion);
};

/* Like vexfs_submit(); vexfs_dispatch() calls @callback->done. */
int vexfs_submit_callback(struct vexfs *h, uint32_t op, void *req, size_t size,
			  struct vexfs_callback *callback, struct vexfs_error *err);

/*
 * Waits like vexfs_reap(), calls the callbacks of completed ops, and returns their number. With
 * @min 0 it does not wait.
 */
ssize_t vexfs_dispatch(struct vexfs *h, size_t min, uint64_t timeout_ns, struct vexfs_error *err);

/*
 * For event loops: a descriptor that becomes readable when ops complete. Then call
 * vexfs_dispatch() with @min 0, which first reads the descriptor; callers of vexfs_reap() read it
 * themselves. The descriptor belongs to the handle and is the same for each call.
 */
int vexfs_event_fd(struct vexfs *h, struct vexfs_error *err);

/* ---- names ---- */

/*
 * Names of enum values, as in vexctl: "f32", "cos", "graph". An unknown value gives "?",
 * an unknown name -EINVAL.
 */
const char *vexfs_type_name(unsigned int type);
const char *vexfs_metric_name(unsigned int metric);
const char *vexfs_index_name(unsigned int index);
const char *vexfs_index_state_name(unsigned int state);
const char *vexfs_code_name(unsigned int code);
const char *vexfs_plan_name(unsigned int plan);
int vexfs_type_from_name(const char *name);
int vexfs_metric_from_name(const char *name);
int vexfs_index_from_name(const char *name);
int vexfs_code_from_name(const char *name);
const char *vexfs_durability_name(unsigned int durability);
int vexfs_durability_from_name(const char *name);
const char *vexfs_change_name(unsigned int op);

/* ---- attribute records ---- */

/*
 * A layout names the fields of a record:
 *
 *	layout := field { "," field }
 *	field  := name ":" type [ "@" offset ]
 *	type   := u8 | u16 | u32 | u64 | i8 | i16 | i32 | i64 | f32
 *
 * Spaces mean nothing. A name is a letter or '_' and up to 30 more letters,
 * digits and '_'. A field without an offset follows the one before it without
 * a gap. Fields do not overlap and end within VEXFS_ATTR_MAX bytes. Numbers
 * stand in a record big-endian: filters and vexfs_do_classify() read them so, and
 * vexfs_record_set() and vexfs_record_get() convert them.
 */
enum vexfs_field_type {
	VEXFS_FIELD_U8 = 1,
	VEXFS_FIELD_U16,
	VEXFS_FIELD_U32,
	VEXFS_FIELD_U64,
	VEXFS_FIELD_I8,
	VEXFS_FIELD_I16,
	VEXFS_FIELD_I32,
	VEXFS_FIELD_I64,
	VEXFS_FIELD_F32,
};

#define VEXFS_FIELD_NAME_SIZE	32
#define VEXFS_FIELDS_MAX	64

struct vexfs_field {
	char name[VEXFS_FIELD_NAME_SIZE];
	enum vexfs_field_type type;
	uint8_t offset;
	uint8_t size;
};

/**
 * struct vexfs_layout - a parsed layout
 * @fields: in the order of the text
 * @count: number of fields
 * @size: bytes of the record up to the end of its last field
 */
struct vexfs_layout {
	struct vexfs_field fields[VEXFS_FIELDS_MAX];
	unsigned int count;
	unsigned int size;
};

/**
 * struct vexfs_value - a number of any field type
 * @type: U64 for all unsigned types, I64 for all signed ones, F32
 * @v: the number, in the member of that type
 */
struct vexfs_value {
	enum vexfs_field_type type;
	union {
		uint64_t u;
		int64_t i;
		float f;
	} v;
};

int vexfs_layout_parse(const char *text, struct vexfs_layout *layout, struct vexfs_error *err);
const struct vexfs_field *vexfs_layout_find(const struct vexfs_layout *layout, const char *name);
const char *vexfs_field_type_name(enum vexfs_field_type type);

/*
 * Reads and writes one field of a record. Writing fails with -ERANGE if the number does
 * not fit the field, with -EDOM for NaN.
 */
int vexfs_record_set(const struct vexfs_field *field, void *record,
		     const struct vexfs_value *value, struct vexfs_error *err);
void vexfs_record_get(const struct vexfs_field *field, const void *record,
		      struct vexfs_value *value);

/*
 * Parses "lang=3, year=2020" into a record of @layout->size bytes. Fields that are not
 * named are unchanged.
 */
int vexfs_record_parse(const struct vexfs_layout *layout, const char *text, void *record,
		       struct vexfs_error *err);

/* ---- filters ---- */

/*
 * A filter is an expression over the fields of a layout:
 *
 *	or     := and { "||" and }
 *	and    := unary { "&&" unary }
 *	unary  := "!" unary | "(" or ")" | test
 *	test   := term [ op number | "in" set ] | number op term
 *	term   := field [ "&" number ]  |  "(" term ")"
 *	op     := "==" | "!=" | "<" | "<=" | ">" | ">="
 *	set    := "{" range { "," range } "}"
 *	range  := number [ ".." number ]
 *	number := [ "-" ] digits | "0x" hexdigits | for f32 fields also 1.5, 2e3
 *
 * A term alone means "is not zero". "&" binds tighter than a comparison. A
 * number must fit the field that it is compared with. f32 fields are compared
 * with the nearest f32; a NaN in a record is unequal to everything.
 */
struct vexfs_filter {
	struct vexfs_filter_insn *insns;
	unsigned int count;
};

int vexfs_filter_compile(const struct vexfs_layout *layout, const char *text,
			 struct vexfs_filter *filter, struct vexfs_error *err);
void vexfs_filter_free(struct vexfs_filter *filter);

/*
 * Checks which instruction the kernel would refuse for records of @size bytes, and why;
 * @position of the error is its number.
 */
int vexfs_filter_check(const struct vexfs_filter *filter, size_t size, struct vexfs_error *err);

/*
 * Runs a filter in userspace: 1 keeps the record, 0 does not. -EINVAL if the kernel would
 * refuse the program.
 */
int vexfs_filter_run(const struct vexfs_filter *filter, const void *record, size_t size);

/* ---- files ---- */

enum vexfs_file_format {
	VEXFS_FILE_FVECS = 1,	/* per row: i32 dimension, then f32 */
	VEXFS_FILE_IVECS,	/* the same with i32 */
	VEXFS_FILE_BVECS,	/* the same with u8 */
	VEXFS_FILE_FBIN,	/* u32 rows, u32 dimension, then f32 */
	VEXFS_FILE_U8BIN,
	VEXFS_FILE_I8BIN,
	VEXFS_FILE_NPY,		/* NumPy, two dimensions, C order */
};

/* Types of components in files: those of VEXFS_TYPE_* and these. */
#define VEXFS_ELEM_I32	0x101
#define VEXFS_ELEM_F64	0x102
#define VEXFS_ELEM_U64	0x103
#define VEXFS_ELEM_I64	0x104

/**
 * struct vexfs_file_info - contents of a file
 * @format: its format
 * @elem: VEXFS_TYPE_* or VEXFS_ELEM_*
 * @dim: components of a row
 * @rows: number of rows, checked against the size of the file
 */
struct vexfs_file_info {
	enum vexfs_file_format format;
	unsigned int elem;
	uint32_t dim;
	uint64_t rows;
};

struct vexfs_file;

/* Format by the end of the name; -EINVAL for others. */
int vexfs_file_format_from_path(const char *path);

int vexfs_file_open_sized(const char *path, struct vexfs_file **file, struct vexfs_file_info *info,
			  size_t size, struct vexfs_error *err);
#ifdef VEXFS_LIBRARY
int vexfs_file_open(const char *path, struct vexfs_file **file, struct vexfs_file_info *info,
		    struct vexfs_error *err);
#else
static inline int vexfs_file_open(const char *path, struct vexfs_file **file,
				  struct vexfs_file_info *info, struct vexfs_error *err)
{
	return vexfs_file_open_sized(path, file, info, sizeof(*info), err);
}
#endif
/* Skips rows; fewer when the file ends. */
int vexfs_file_skip(struct vexfs_file *file, uint64_t rows, struct vexfs_error *err);
/* Reads up to @rows rows, unconverted or as f32; returns their number, 0 at the end. */
ssize_t vexfs_file_read(struct vexfs_file *file, void *buf, size_t rows, struct vexfs_error *err);
ssize_t vexfs_file_read_f32(struct vexfs_file *file, float *buf, size_t rows,
			    struct vexfs_error *err);

/*
 * Creates a file. @info->rows may be unknown; vexfs_file_close() sets it. The file
 * appears under its name when it is complete, or not at all.
 */
int vexfs_file_create_sized(const char *path, const struct vexfs_file_info *info, size_t size,
			    struct vexfs_file **file, struct vexfs_error *err);
#ifdef VEXFS_LIBRARY
int vexfs_file_create(const char *path, const struct vexfs_file_info *info,
		      struct vexfs_file **file, struct vexfs_error *err);
#else
static inline int vexfs_file_create(const char *path, const struct vexfs_file_info *info,
				    struct vexfs_file **file, struct vexfs_error *err)
{
	return vexfs_file_create_sized(path, info, sizeof(*info), file, err);
}
#endif
int vexfs_file_write(struct vexfs_file *file, const void *rows, size_t count,
		     struct vexfs_error *err);
/*
 * Closes; a file that was written appears under its name. Instead, or after an error,
 * vexfs_file_abandon() removes what was written.
 */
int vexfs_file_close(struct vexfs_file *file, struct vexfs_error *err);
void vexfs_file_abandon(struct vexfs_file *file);

/* Called now and then during long work; a non-zero result stops it (-ECANCELED). */
typedef int (*vexfs_progress_fn)(uint64_t done, uint64_t total, void *arg);

/**
 * struct vexfs_import_opts - how to import
 * @skip: rows of the file to skip
 * @limit: maximum of rows, 0 for all
 * @first_id: id of the first imported row, if there is no @ids_path
 * @ids_path: .npy file with one id for each row of the file, or NULL
 * @attrs_path: .u8bin or .npy file with one attribute record for each row of the file, or
 * NULL
 * @attr: attribute record of every vector, or NULL
 * @flags: VEXFS_PUT_INSERT or VEXFS_PUT_UPSERT; 0 is insert
 * @priority: enum vexfs_priority
 * @progress: called after every batch, or NULL
 * @arg: for @progress
 * @done: out: vectors stored, also on failure
 * @kernel_ns: out: time spent in the kernel
 */
struct vexfs_import_opts {
	uint64_t skip;
	uint64_t limit;
	uint64_t first_id;
	const char *ids_path;
	const char *attrs_path;
	const void *attr;
	uint32_t flags;
	uint32_t priority;
	vexfs_progress_fn progress;
	void *arg;
	uint64_t done;
	uint64_t kernel_ns;
};

int vexfs_import_sized(struct vexfs *h, const char *path, struct vexfs_import_opts *opts,
		       size_t size, struct vexfs_error *err);
#ifdef VEXFS_LIBRARY
int vexfs_import(struct vexfs *h, const char *path, struct vexfs_import_opts *opts,
		 struct vexfs_error *err);
#else
static inline int vexfs_import(struct vexfs *h, const char *path,
			       struct vexfs_import_opts *opts, struct vexfs_error *err)
{
	return vexfs_import_sized(h, path, opts, sizeof(*opts), err);
}
#endif

/**
 * struct vexfs_export_opts - how to export
 * @format: enum vexfs_file_format, 0 to decide by the name
 * @pad: 0
 * @ids_path: .npy file for the ids, or NULL
 * @attrs_path: .u8bin or .npy file for the attribute records, or NULL
 * @progress: called after every batch, or NULL
 * @arg: for @progress
 * @done: out: vectors written
 *
 * Rows are sorted by id. Types that the format lacks are written as f32.
 */
struct vexfs_export_opts {
	uint32_t format;
	uint32_t pad;
	const char *ids_path;
	const char *attrs_path;
	vexfs_progress_fn progress;
	void *arg;
	uint64_t done;
};

int vexfs_export_sized(struct vexfs *h, const char *path, struct vexfs_export_opts *opts,
		       size_t size, struct vexfs_error *err);
#ifdef VEXFS_LIBRARY
int vexfs_export(struct vexfs *h, const char *path, struct vexfs_export_opts *opts,
		 struct vexfs_error *err);
#else
static inline int vexfs_export(struct vexfs *h, const char *path,
			       struct vexfs_export_opts *opts, struct vexfs_error *err)
{
	return vexfs_export_sized(h, path, opts, sizeof(*opts), err);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
