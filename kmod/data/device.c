// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vexfs: opening, attaching, dispatch. A descriptor is attached to one
 * collection and keeps what it was allowed then, like a file's: passing it on
 * passes that on.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#include "compat/compat.h"
#include "data/data.h"
#include "data/node.h"
#include "index/index.h"
#include "math/engine.h"

/* ---- requests ---- */

int vexfs_request_in(void *req, size_t size, size_t least, const void __user *arg)
{
	u32 user_size;

	if (get_user(user_size, (const u32 __user *)arg))
		return -EFAULT;
	if (user_size < least)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(req, size, arg, user_size);
}

int vexfs_request_out(const void *req, size_t size, void __user *arg, u32 user_size)
{
	return copy_to_user(arg, req, min_t(size_t, size, user_size)) ? -EFAULT : 0;
}

int vexfs_op_interrupted(struct vexfs_op *op)
{
	if (signal_pending(current))
		return -EINTR;
	return vexfs_op_expired(op);
}

struct vexfs_collection *vexfs_session_collection(struct vexfs_session *s, u32 may)
{
	/* pairs with the release in session_attach() */
	struct vexfs_collection *c = smp_load_acquire(&s->c);

	if (!c)
		return ERR_PTR(-ENOTCONN);
	if (may & ~s->may)
		return ERR_PTR(-EACCES);
	if (vexfs_collection_dropped(c))
		return ERR_PTR(-ENOENT);
	return c;
}

/* ---- info, create, attach, drop ---- */

/* What the descriptor's own open mode allows. */
static u32 file_may(const struct file *file)
{
	return (file->f_mode & FMODE_READ ? VEXFS_MAY_READ : 0) |
	       (file->f_mode & FMODE_WRITE ? VEXFS_MAY_WRITE : 0);
}

/* Takes over the reference on @c when it succeeds. */
static int session_attach(struct vexfs_session *s, struct vexfs_collection *c, u32 may)
{
	int err = 0;

	mutex_lock(&s->lock);
	if (s->c) {
		err = -EBUSY;
	} else {
		s->may = may;
		/* who sees @c sees @may */
		smp_store_release(&s->c, c);
	}
	mutex_unlock(&s->lock);
	return err;
}

long vexfs_do_info(struct file *file, void __user *arg)
{
	struct vexfs_info info;
	struct vexfs_op op;
	u32 size;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_INFO, 0, 0);
	err = vexfs_request_in(&info, sizeof(info), sizeof(info.size), arg);
	if (!err) {
		size = info.size;
		memset(&info, 0, sizeof(info));
		info.size = size;
		info.abi = VEXFS_ABI;
		strscpy(info.version, VEXFS_VERSION, sizeof(info.version));
		strscpy(info.simd, vexfs_engine()->variant->name, sizeof(info.simd));
		info.features = VEXFS_FEATURE_FILTER | vexfs_index_features();
		err = vexfs_request_out(&info, sizeof(info), arg, size);
	}
	vexfs_op_end(&op, err);
	return err;
}

static int create_spec(const struct vexfs_create *req, struct vexfs_spec *spec, void *layout)
{
	int err;

	if (req->flags & ~VEXFS_CREATE_DETACHED || req->pad0)
		return -EINVAL;
	if (req->attr_size > VEXFS_ATTR_MAX || req->layout_len > VEXFS_LAYOUT_MAX)
		return -E2BIG;
	err = vexfs_space_init(&spec->space, req->type, req->metric, req->dim);
	if (err)
		return err;
	memcpy(spec->name, req->name, sizeof(spec->name));
	err = vexfs_index_spec(req, spec);
	if (err)
		return err;
	spec->mode = req->mode ?: 0600;
	if (req->mode & ~0777)
		return -EINVAL;
	spec->attr_size = req->attr_size;
	spec->capacity = req->capacity;
	spec->layout = layout;
	spec->layout_len = req->layout_len;
	if (req->layout_len && copy_from_user(layout, vexfs_user(req->layout), req->layout_len))
		return -EFAULT;
	return 0;
}

static int create(struct file *file, const struct vexfs_create *req)
{
	struct vexfs_session *s = file->private_data;
	bool attach = !(req->flags & VEXFS_CREATE_DETACHED);
	struct vexfs_collection *c;
	struct vexfs_spec spec = { };
	void *layout;
	int err;

	if (attach && READ_ONCE(s->c))
		return -EBUSY;
	layout = vexfs_pool_alloc(VEXFS_LAYOUT_MAX, VEXFS_GFP_USER);
	if (!layout)
		return -ENOMEM;
	err = create_spec(req, &spec, layout);
	if (!err)
		err = vexfs_collection_create(&spec, &c);
	vexfs_pool_free(layout, VEXFS_LAYOUT_MAX);
	if (err)
		return err;

	err = vexfs_index_create(c, req);
	if (!err)
		err = vexfs_collection_publish(c);
	if (!err && attach) {
		vexfs_collection_get(c);
		err = session_attach(s, c, file_may(file));
		if (err) {
			vexfs_collection_undo(c);
			vexfs_collection_put(c);
		}
	}
	vexfs_collection_put(c);
	return err;
}

long vexfs_do_create(struct file *file, void __user *arg)
{
	struct vexfs_create req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_CREATE, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err)
		err = create(file, &req);
	vexfs_op_end(&op, err);
	return err;
}

long vexfs_do_attach(struct file *file, void __user *arg)
{
	struct vexfs_session *s = file->private_data;
	struct vexfs_collection *c;
	struct vexfs_attach req;
	struct vexfs_op op;
	u32 may;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_ATTACH, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (err)
		goto out;
	err = -EINVAL;
	if (!req.flags || req.flags & ~(VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE))
		goto out;
	may = (req.flags & VEXFS_ATTACH_READ ? VEXFS_MAY_READ : 0) |
	      (req.flags & VEXFS_ATTACH_WRITE ? VEXFS_MAY_WRITE : 0);
	err = -EBUSY;
	if (READ_ONCE(s->c))
		goto out;
	err = may & ~file_may(file) ? -EACCES : vexfs_collection_open(req.name, may, &c);
	if (err)
		goto out;
	err = session_attach(s, c, may);
	if (err)
		vexfs_collection_put(c);
out:
	vexfs_op_end(&op, err);
	return err;
}

static int drop(const struct vexfs_drop *req)
{
	if (req->flags & ~VEXFS_DROP_SERIAL)
		return -EINVAL;
	if (!(req->flags & VEXFS_DROP_SERIAL))
		return req->serial ? -EINVAL : vexfs_collection_drop(req->name);
	return memchr_inv(req->name, 0, sizeof(req->name)) ? -EINVAL :
		vexfs_collection_drop_serial(req->serial);
}

long vexfs_do_drop(struct file *file, void __user *arg)
{
	struct vexfs_drop req;
	struct vexfs_op op;
	int err;

	vexfs_op_begin(&op, VEXFS_OP_DROP, 0, 0);
	err = vexfs_request_in(&req, sizeof(req), sizeof(req.size), arg);
	if (!err)
		err = drop(&req);
	vexfs_op_end(&op, err);
	return err;
}

/* ---- the device ---- */

static int device_open(struct inode *inode, struct file *file)
{
	struct vexfs_session *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock);
	file->private_data = s;
	return nonseekable_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct vexfs_session *s = file->private_data;

	if (s->c)
		vexfs_collection_put(s->c);
	kfree(s);
	return 0;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	void __user *arg = (void __user *)p;

	switch (cmd) {
	case VEXFS_IOC_INFO:
		return vexfs_do_info(file, arg);
	case VEXFS_IOC_CREATE:
		return vexfs_do_create(file, arg);
	case VEXFS_IOC_ATTACH:
		return vexfs_do_attach(file, arg);
	case VEXFS_IOC_DROP:
		return vexfs_do_drop(file, arg);
	case VEXFS_IOC_LIST:
		return vexfs_do_list(file, arg);
	case VEXFS_IOC_STAT:
		return vexfs_do_stat(file, arg);
	case VEXFS_IOC_SET:
		return vexfs_do_set(file, arg);
	case VEXFS_IOC_PUT:
		return vexfs_do_put(file, arg);
	case VEXFS_IOC_GET:
		return vexfs_do_get(file, arg);
	case VEXFS_IOC_DELETE:
		return vexfs_do_delete(file, arg);
	case VEXFS_IOC_DISTANCE:
		return vexfs_do_distance(file, arg);
	case VEXFS_IOC_WALK:
		return vexfs_do_walk(file, arg);
	case VEXFS_IOC_SEARCH:
		return vexfs_do_search(file, arg);
	case VEXFS_IOC_CLASSIFY:
		return vexfs_do_classify(file, arg);
	case VEXFS_IOC_INDEX:
		return vexfs_do_index(file, arg);
	case VEXFS_IOC_CHECK:
		return vexfs_do_check(file, arg);
	}
	return -ENOTTY;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vexfs_rows_mmap,
	.llseek = noop_llseek,
};

int vexfs_data_init(void)
{
	/* the ABI is the same for 32-bit programs: nothing may depend on their alignment */
	static_assert(sizeof(struct vexfs_info) == 80);
	static_assert(sizeof(struct vexfs_create) == 120);
	static_assert(sizeof(struct vexfs_stat) == 208);
	static_assert(sizeof(struct vexfs_drop) == 80);
	static_assert(sizeof(struct vexfs_put) == 88);
	static_assert(sizeof(struct vexfs_get) == 88);
	static_assert(sizeof(struct vexfs_delete) == 64);
	static_assert(sizeof(struct vexfs_distance) == 88);
	static_assert(sizeof(struct vexfs_walk) == 64);
	static_assert(sizeof(struct vexfs_search) == 152);
	static_assert(sizeof(struct vexfs_classify) == 88);

	return vexfs_node_add(&device_fops);
}

void vexfs_data_exit(void)
{
	vexfs_node_del();
}
