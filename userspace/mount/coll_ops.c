// SPDX-License-Identifier: GPL-2.0
/* The table of operations of a mount of collections, its start and its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coll.h"

static pthread_t sweeper;
static bool sweeping;
static pthread_mutex_t sweep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sweep_cond = PTHREAD_COND_INITIALIZER;

static void op_init(void *priv, struct fuse_conn_info *conn)
{
	(void)priv;
	/* A listing is a walk over ids. It must not cost one lookup per id. */
	conn->want &= ~(unsigned int)(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
				      FUSE_CAP_SPLICE_READ | FUSE_CAP_WRITEBACK_CACHE);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	node_forget(node_of(ino), nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		node_forget(node_of(forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	double timeout = opt->timeout;
	struct stat st;
	int err = node_attr(n, &st);

	(void)fi;
	if ((n->kind == NODE_ROW && n->draft) || n->kind == NODE_MOUNT_JSON ||
	    (n->kind == NODE_COLL && opt->allow_other && !(st.st_mode & 0004)))
		timeout = 0;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_attr(req, &st, timeout);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);

	switch (n->kind) {
	case NODE_ROW:
		row_open(req, n, fi);
		break;
	case NODE_QUERY:
		query_open(req, n, fi);
		break;
	case NODE_MOUNT_JSON:
	case NODE_INFO:
	case NODE_SCHEMA:
	case NODE_STATS:
		if ((fi->flags & O_ACCMODE) == O_RDONLY)
			info_open(req, n, fi);
		else
			reply_err(req, EACCES);
		break;
	default:
		reply_err(req, EISDIR);
	}
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);

	if (n->kind == NODE_ROW)
		row_read(req, n, size, off);
	else if (n->kind == NODE_QUERY)
		query_read(req, n, fi, size);
	else
		info_read(req, fi, size, off);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);

	if (n->kind == NODE_ROW) {
		row_release(req, n);
		return;
	}
	if (n->kind == NODE_QUERY)
		query_release(fi);
	else
		info_release(fi);
	fuse_reply_err(req, 0);
}

/* A row has exactly one name, and only rows are files: there are no links. */
static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	(void)parent;
	(void)name;
	reply_err(req, EPERM);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	reply_err(req, EPERM);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.create = op_create,
};

static void *sweep_main(void *arg)
{
	struct timespec until;

	(void)arg;
	pthread_mutex_lock(&sweep_lock);
	while (sweeping) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&sweep_cond, &sweep_lock, &until);
		pthread_mutex_unlock(&sweep_lock);
		coll_sweep();
		pthread_mutex_lock(&sweep_lock);
	}
	pthread_mutex_unlock(&sweep_lock);
	return NULL;
}

static void *start(const struct mount_options *opts)
{
	static int anything;
	struct vexfs_error err;
	struct vexfs_info info;

	if (vexfs_do_info(opts->device, &info, &err)) {
		mount_say("%s", err.text);
		return NULL;
	}
	return &anything;
}

static int run(void *priv, struct fuse_session *se)
{
	int err;

	(void)priv;
	(void)se;
	sweeping = true;
	err = pthread_create(&sweeper, NULL, sweep_main, NULL);
	if (err) {
		sweeping = false;
		mount_say("no thread: %s", strerror(err));
	}
	return -err;
}

static void stop(void *priv)
{
	(void)priv;
	if (!sweeping)
		return;
	pthread_mutex_lock(&sweep_lock);
	sweeping = false;
	pthread_cond_broadcast(&sweep_cond);
	pthread_mutex_unlock(&sweep_lock);
	pthread_join(sweeper, NULL);
}

const struct mount_kind mount_collections = {
	.ops = &ops,
	.start = start,
	.run = run,
	.stop = stop,
};
