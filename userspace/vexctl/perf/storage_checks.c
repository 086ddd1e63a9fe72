// SPDX-License-Identifier: GPL-2.0
/* Checks of durable collections: whether somebody stores them, and whether they take changes. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "exam.h"
#include "vexfs.h"

#define SOCKET	"/run/vexfs/vexfsd.sock"

/* The durable collections that this process may see. */
struct durable {
	uint64_t n;
	uint64_t readonly;
	uint32_t error;
	char name[VEXFS_NAME_SIZE];	/* of one that is read-only */
};

static int add(const struct vexfs_stat *st, void *arg)
{
	struct durable *d = arg;

	if (st->durability == VEXFS_DURABILITY_NONE)
		return 0;
	d->n++;
	if (!(st->flags & VEXFS_STAT_READONLY))
		return 0;
	if (!d->readonly++) {
		d->error = st->storage_error;
		memcpy(d->name, st->name, sizeof(d->name));
		d->name[sizeof(d->name) - 1] = '\0';
	}
	return 0;
}

static struct durable durables(const struct exam *e)
{
	struct durable d = { 0 };
	struct vexfs_error err;

	if (e->from || !e->look.loaded)
		return d;
	if (!vexfs_do_list_all(e->c->device, add, &d, &err))
		return d;
	/* not everybody may see all of them */
	d = (struct durable){ 0 };
	vexfs_do_list(e->c->device, add, &d, &err);
	return d;
}

/* Somebody listens at the daemon's socket, whether we may connect or not. */
static bool daemon_listens(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there;

	if (fd < 0)
		return true;
	there = !connect(fd, (struct sockaddr *)&at, sizeof(at)) || errno == EACCES || errno == EPERM;
	close(fd);
	return there;
}

static void storage_down(struct exam *e, struct finding *f)
{
	struct durable d = durables(e);

	if (!d.readonly || d.error || daemon_listens())
		return;
	finds(f, SEV_CRITICAL, "vexfsd does not run, and %llu of %llu durable collections refuse changes",
	      (unsigned long long)d.readonly, (unsigned long long)d.n);
	advise(f, "systemctl start vexfsd; its journal says why it ended");
}

static void storage_readonly(struct exam *e, struct finding *f)
{
	struct durable d = durables(e);

	if (!d.readonly || !d.error)
		return;
	finds(f, SEV_CRITICAL, "%llu of %llu durable collections refuse changes, '%s' since storage says: %s",
	      (unsigned long long)d.readonly, (unsigned long long)d.n, shown(d.name),
	      strerror((int)d.error));
	advise(f, "vexctl store info shows all of them, and the journal of vexfsd why; "
	       "they take changes again when the cause is gone");
}

const struct check storage_checks[] = {
	{ "storage-down", AREA_MONITOR, "vexfsd", storage_down },
	{ "storage-readonly", AREA_MONITOR, "durable collections", storage_readonly },
	{ 0 },
};
