// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family against the module, with nothing but sockets: every command,
 * every refusal with its sentence, writers at once, subscribers that do not read,
 * and attributes of every type and length. Run in a lab, as root.
 */
#include <errno.h>
#include <grp.h>
#include <linux/vexfs.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "genl.h"
#include "tap.h"

#define SUBSCRIBERS	1000
#define MANY		300

/* ---- the tests ---- */

static struct msg m;
static struct answer a;

static void expect(int err, const char *sentence, const char *what)
{
	ask(&m, &a);
	if (!ok(a.err == err && (!sentence || strstr(a.why, sentence)), "%s", what))
		printf("# got %d '%s'\n", a.err, a.why);
}

static void request(int cmd)
{
	begin(&m, family, NLM_F_ACK, cmd);
}

static void dump(int cmd)
{
	begin(&m, family, NLM_F_DUMP, cmd);
}

static void new_collection(const char *name, uint32_t dim, uint32_t type, uint32_t metric)
{
	request(VEXFS_CMD_COLLECTION_NEW);
	put_text(&m, VEXFS_A_COLLECTION_NAME, name);
	put_u32(&m, VEXFS_A_COLLECTION_DIM, dim);
	put_u32(&m, VEXFS_A_COLLECTION_TYPE, type);
	put_u32(&m, VEXFS_A_COLLECTION_METRIC, metric);
}

static void by_name(int cmd, const char *name)
{
	request(cmd);
	put_text(&m, VEXFS_A_COLLECTION_NAME, name);
}

static int64_t tunable(const char *key)
{
	int64_t v = -1;

	request(VEXFS_CMD_TUNABLE_GET);
	put_text(&m, VEXFS_A_TUNABLE_KEY, key);
	ask(&m, &a);
	if (got(&a, VEXFS_A_TUNABLE_VALUE))
		memcpy(&v, body(got(&a, VEXFS_A_TUNABLE_VALUE)), sizeof(v));
	return v;
}

static void test_module(void)
{
	request(VEXFS_CMD_MODULE_GET);
	ask(&m, &a);
	ok(!a.err && got(&a, VEXFS_A_MODULE_VERSION), "module-get answers");
	ok(got(&a, VEXFS_A_MODULE_POOL_HIT_PPM) &&
	   *(const uint32_t *)body(got(&a, VEXFS_A_MODULE_POOL_HIT_PPM)) <= 1000000,
	   "module-get: the hit rate of the pools");
	ok(got(&a, VEXFS_A_MODULE_ABI) &&
	   *(const uint32_t *)body(got(&a, VEXFS_A_MODULE_ABI)) == VEXFS_ABI, "module-get: the number of the ABI");
	request(VEXFS_CMD_MODULE_GET);
	put_u32(&m, VEXFS_A_MODULE_ABI, 1);
	expect(-EINVAL, "Unknown attribute", "module-get takes no attributes");
	request(200);
	expect(-EOPNOTSUPP, NULL, "unknown command");
}

static void test_collections(void)
{
	static char name[80];
	uint64_t capacity = 5;

	new_collection("one", 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	expect(0, NULL, "collection-new");
	expect(-EEXIST, "exists", "collection-new of an existing name");
	by_name(VEXFS_CMD_COLLECTION_GET, "one");
	ask(&m, &a);
	ok(!a.err && got(&a, VEXFS_A_COLLECTION_DIM) &&
	   *(const uint32_t *)body(got(&a, VEXFS_A_COLLECTION_DIM)) == 8, "collection-get");
	by_name(VEXFS_CMD_COLLECTION_GET, "none");
	expect(-ENOENT, "no collection", "collection-get of an unknown name");
	ok(a.offset == NLMSG_HDRLEN + GENL_HDRLEN, "collection-get of an unknown name: the offset of the attribute");
	request(VEXFS_CMD_COLLECTION_GET);
	expect(-EINVAL, "name is missing", "collection-get without a name");
	new_collection("two", 8, VEXFS_TYPE_F32, VEXFS_METRIC_HAMMING);
	expect(-EINVAL, "do not go together", "collection-new: type and metric do not fit");
	new_collection("two", 0, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	expect(-ERANGE, "out of range", "no dimensions");
	new_collection("two", VEXFS_DIM_MAX + 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	expect(-EINVAL, "do not go together", "too many dimensions");
	new_collection("a/b", 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	expect(-EINVAL, "do not go together", "a name with a slash");
	memset(name, 'x', 64);
	new_collection(name, 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	expect(-EINVAL, NULL, "a name of 64 bytes");
	name[63] = 0;
	new_collection(name, 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	expect(0, NULL, "a name of 63 bytes");
	by_name(VEXFS_CMD_COLLECTION_DEL, name);
	expect(0, NULL, "collection-del");
	request(VEXFS_CMD_COLLECTION_NEW);
	put_text(&m, VEXFS_A_COLLECTION_NAME, "two");
	expect(-EINVAL, "are needed", "collection-new with a name only");

	by_name(VEXFS_CMD_COLLECTION_SET, "one");
	expect(-EINVAL, "nothing to change", "collection-set without a value");
	by_name(VEXFS_CMD_COLLECTION_SET, "one");
	put_u32(&m, VEXFS_A_COLLECTION_MODE, 0640);
	put(&m, VEXFS_A_COLLECTION_CAPACITY, &capacity, sizeof(capacity));
	put_u32(&m, VEXFS_A_COLLECTION_UID, 1000);
	expect(0, NULL, "collection-set of three values");
	by_name(VEXFS_CMD_COLLECTION_GET, "one");
	ask(&m, &a);
	ok(*(const uint32_t *)body(got(&a, VEXFS_A_COLLECTION_MODE)) == 0640 &&
	   *(const uint32_t *)body(got(&a, VEXFS_A_COLLECTION_UID)) == 1000, "collection-set: all values are set");
	by_name(VEXFS_CMD_COLLECTION_SET, "one");
	put_u32(&m, VEXFS_A_COLLECTION_MODE, 01777);
	expect(-ERANGE, "out of range", "collection-set: an invalid mode");
	/* more than fits into one part */
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		new_collection(name, 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
		ask(&m, &a);
	}
	dump(VEXFS_CMD_COLLECTION_GET);
	ask(&m, &a);
	ok(!a.err && a.messages == MANY + 1 && a.parts > 1 && !a.interrupted,
	   "dump of %d collections: complete, in several parts", MANY + 1);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		by_name(VEXFS_CMD_COLLECTION_DEL, name);
		ask(&m, &a);
	}
	by_name(VEXFS_CMD_COLLECTION_SET, "one");
	capacity = 0;
	put(&m, VEXFS_A_COLLECTION_CAPACITY, &capacity, sizeof(capacity));
	put(&m, VEXFS_A_COLLECTION_LAYOUT, "x:u7", 4);
	expect(0, NULL, "collection-set: any text as layout");
	by_name(VEXFS_CMD_COLLECTION_SET, "one");
	put(&m, VEXFS_A_COLLECTION_LAYOUT, "x\033[2J", 5);
	expect(-EINVAL, NULL, "collection-set: a layout with an escape sequence is refused");
	by_name(VEXFS_CMD_COLLECTION_DEL, "one");
	expect(0, NULL, "collection-del");
	expect(-ENOENT, "no collection", "collection-del again");
}

static void test_stats(void)
{
	unsigned int all;

	dump(VEXFS_CMD_STATS_GET);
	ask(&m, &a);
	all = a.messages;
	ok(!a.err && all > 20, "stats dump of all subjects");
	ok(a.parts > 1, "stats dump of all subjects: several parts");
	dump(VEXFS_CMD_STATS_GET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "pool");
	ask(&m, &a);
	ok(!a.err && a.messages == 4, "stats dump of the pools has a row for each tier");
	dump(VEXFS_CMD_STATS_GET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "nonsense");
	expect(-ENOENT, "no such subject", "stats dump of an unknown subject");
	request(VEXFS_CMD_STATS_GET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "pool");
	put_text(&m, VEXFS_A_STATS_ROW, "small");
	ask(&m, &a);
	ok(!a.err && a.messages == 1 && got(&a, VEXFS_A_STATS_COUNTER), "stats-get of one row");
	request(VEXFS_CMD_STATS_GET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "pool");
	put_text(&m, VEXFS_A_STATS_ROW, "tiny");
	expect(-ENOENT, "no such row", "stats-get of an unknown row");
	request(VEXFS_CMD_STATS_GET);
	expect(-EINVAL, "which subject and row", "stats-get without subject and row");
	request(VEXFS_CMD_RESET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "all");
	expect(0, NULL, "reset of all");
	request(VEXFS_CMD_RESET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "nonsense");
	expect(-ENOENT, "no such subject", "reset of an unknown subject");
	request(VEXFS_CMD_RESET);
	put_text(&m, VEXFS_A_STATS_SUBJECT, "store");
	expect(-EOPNOTSUPP, "nothing to reset", "reset of a subject that cannot be reset");
	request(VEXFS_CMD_RESET);
	expect(-EINVAL, "which subject", "reset without a subject");
	request(VEXFS_CMD_SELFTEST);
	ask(&m, &a);
	ok(!a.err && got(&a, VEXFS_A_SELFTEST_FAILED) &&
	   !*(const uint32_t *)body(got(&a, VEXFS_A_SELFTEST_FAILED)), "self-test finds no failure");
	dump(VEXFS_CMD_EVENT_GET);
	ask(&m, &a);
	ok(!a.err && a.messages, "events dump");
}

static void test_tunables(void)
{
	int64_t small = tunable("pool_small"), budget = tunable("fpu_budget_us");
	static char key[64];
	struct nlattr *n;

	ok(small > 0 && budget > 0, "tunable-get");
	ok(tunable("pool.small") == small, "tunable-get: a dot stands for an underscore");
	dump(VEXFS_CMD_TUNABLE_GET);
	ask(&m, &a);
	ok(!a.err && a.messages > 10, "tunable dump");
	request(VEXFS_CMD_TUNABLE_GET);
	put_text(&m, VEXFS_A_TUNABLE_KEY, "nonsense");
	expect(-ENOENT, "no such setting", "tunable-get of an unknown setting");
	request(VEXFS_CMD_TUNABLE_GET);
	expect(-EINVAL, "which setting", "tunable-get without a key");

	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "fpu_budget_us", 20);
	put_setting(&m, "pool.small", 512);
	expect(0, NULL, "tunable-set of two settings");
	ok(tunable("fpu_budget_us") == 20 && tunable("pool_small") == 512, "tunable-set: both are set");
	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "fpu_budget_us", 30);
	put_setting(&m, "pool.smal", 100);
	expect(-ENOENT, "no such setting", "tunable-set: the second key is unknown");
	ok(a.offset > NLMSG_HDRLEN + GENL_HDRLEN, "tunable-set: the offset points at it");
	ok(tunable("fpu_budget_us") == 20, "tunable-set: the first is unchanged");
	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "fpu_budget_us", 30);
	put_setting(&m, "pool_small", 1048576);
	expect(-E2BIG, "pool_small", "tunable-set: the owner refuses the second value");
	ok(tunable("fpu_budget_us") == 20 && tunable("pool_small") == 512,
	   "tunable-set: the first is set back");
	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "fpu_budget_us", 1);
	expect(-EINVAL, "out of bounds", "a value out of bounds");
	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "fpu_budget_us", 30);
	put_setting(&m, "fpu.budget.us", 40);
	expect(-EINVAL, "comes twice", "the same setting twice");
	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "device_mode", 1);
	expect(-EPERM, "when the module is loaded", "a setting that can only be set at load");
	request(VEXFS_CMD_TUNABLE_SET);
	expect(-EINVAL, "nothing to set", "no settings");
	request(VEXFS_CMD_TUNABLE_SET);
	n = nest_begin(&m, VEXFS_A_TUNE_SETTING);
	nest_end(&m, n);
	expect(-EINVAL, "without a key", "a setting without a key");
	request(VEXFS_CMD_TUNABLE_SET);
	n = nest_begin(&m, VEXFS_A_TUNE_SETTING);
	put_text(&m, VEXFS_A_SETTING_KEY, "simd");
	nest_end(&m, n);
	expect(-EINVAL, "a value or a text", "a setting without a value");
	request(VEXFS_CMD_TUNABLE_SET);
	n = nest_begin(&m, VEXFS_A_TUNE_SETTING);
	put_text(&m, VEXFS_A_SETTING_KEY, "simd");
	put_text(&m, VEXFS_A_SETTING_TEXT, "abacus");
	nest_end(&m, n);
	expect(-EINVAL, "no variant", "an unknown variant");
	request(VEXFS_CMD_TUNABLE_SET);
	memset(key, 'k', 47);
	for (int i = 0; i < 65; i++)
		put_setting(&m, key, i);
	expect(-E2BIG, "too many", "65 settings");
	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "fpu_budget_us", 30);
	put(&m, VEXFS_A_TUNE_CHECK_ONLY, "", 0);
	expect(0, NULL, "check-only accepts");
	ok(tunable("fpu_budget_us") == 20, "check-only changes nothing");
	request(VEXFS_CMD_TUNABLE_SET);
	put(&m, VEXFS_A_TUNE_RESET_TO_DEFAULT, "", 0);
	expect(0, NULL, "reset to the defaults");
	ok(tunable("fpu_budget_us") == 50 && tunable("pool_small") == 128, "reset to the defaults: the values are the defaults");
}

/* Another user: may neither look nor change; a member of the group may look. */
static int as_user(gid_t gid)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int bad = 0;

		/* the system call: glibc's would want every thread to follow */
		if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(1000, 1000, 1000))
			_exit(100);
		dump(VEXFS_CMD_STATS_GET);
		ask(&m, &a);
		bad |= (a.err != -EPERM) << 0;
		request(VEXFS_CMD_MODULE_GET);
		ask(&m, &a);
		bad |= (a.err != -EPERM) << 1;
		request(VEXFS_CMD_TUNABLE_SET);
		put_setting(&m, "fpu_budget_us", 30);
		ask(&m, &a);
		bad |= (a.err != -EPERM || !strstr(a.why, "CAP_SYS_ADMIN")) << 2;
		new_collection("mine", 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
		ask(&m, &a);
		bad |= (a.err != -EPERM) << 3;
		request(VEXFS_CMD_RESET);
		put_text(&m, VEXFS_A_STATS_SUBJECT, "all");
		ask(&m, &a);
		bad |= (a.err != -EPERM) << 4;
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void test_permission(void)
{
	ok(as_user(1000) == 0, "another user may neither look nor change");
	/* the device's group is 0 unless the module was told otherwise */
	ok(as_user(0) == 3, "a member of the device's group may look and not change");
}

/* ---- who may look ---- */

static void become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		_exit(100);
}

/* A collection of @uid's, made by root. */
static void give(const char *name, uint32_t uid)
{
	new_collection(name, 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	put_u32(&m, VEXFS_A_COLLECTION_UID, uid);
	ask(&m, &a);
}

/* Messages waiting at @fd that name @name; -1 when one names something else. */
static int told_of(int fd, const char *name, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	static char buf[8192];
	int n = 0;

	while (poll(&p, 1, n ? 0 : timeout_ms) > 0) {
		ssize_t got_bytes = recv(fd, buf, sizeof(buf), 0);
		const struct nlattr *t;

		if (got_bytes < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN))
			return -1;
		t = find(buf + NLMSG_HDRLEN + GENL_HDRLEN,
			 (size_t)got_bytes - NLMSG_HDRLEN - GENL_HDRLEN, VEXFS_A_EVENT_SUBJECT);
		if (!t || strcmp(body(t), name))
			return -1;
		/* what only those who look at everything are told */
		if (find(buf + NLMSG_HDRLEN + GENL_HDRLEN,
			 (size_t)got_bytes - NLMSG_HDRLEN - GENL_HDRLEN, VEXFS_A_EVENT_PID))
			return -1;
		n++;
	}
	return n;
}

#define STRANGER	(100000 + (uint32_t)own_pid)	/* of whom no other run has made an event */

static pid_t own_pid;

/* Another user sees what is its own, and nothing else. */
static int stranger(int ready, int go)
{
	int bad = 0, fd;
	char byte = 0;

	become(STRANGER, STRANGER);
	by_name(VEXFS_CMD_COLLECTION_GET, "secret");
	ask(&m, &a);
	bad |= (a.err != -EACCES && a.err != -ENOENT) << 0;
	by_name(VEXFS_CMD_COLLECTION_GET, "own");
	ask(&m, &a);
	bad |= (a.err != 0) << 1;
	dump(VEXFS_CMD_COLLECTION_GET);
	ask(&m, &a);
	bad |= (a.err || a.messages != 1) << 2;
	dump(VEXFS_CMD_EVENT_GET);
	ask(&m, &a);
	/* "own" was made, and no other event is about what is this user's */
	bad |= (a.err || a.messages != 1 || got(&a, VEXFS_A_EVENT_PID) ||
		strcmp(body(got(&a, VEXFS_A_EVENT_SUBJECT)), "own")) << 3;
	bad |= (subscribe(VEXFS_A_SUBSCRIPTION_STATS) != -EPERM) << 4;
	fd = subscribe(VEXFS_A_SUBSCRIPTION_EVENTS);
	bad |= (fd < 0) << 5;
	/* root drops both */
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		return 101;
	bad |= (told_of(fd, "own", 5000) != 1) << 6;
	for (int i = 0; i < 100; i++)
		if (subscribe(VEXFS_A_SUBSCRIPTION_EVENTS) == -ENOSPC)
			return bad;
	return bad | 1 << 7;
}

/* A program with rights that is handed somebody's socket does not look for him. */
static int lent_socket(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd;

		/* it is the opener's credentials that count, so: open as another, ask as root */
		if (setresuid(STRANGER, STRANGER, 0))
			_exit(100);
		fd = open_socket();
		if (setresuid(0, 0, 0))
			_exit(101);
		dump(VEXFS_CMD_COLLECTION_GET);
		ask_by(fd, &m, &a);
		_exit(a.err || a.messages != 1);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void test_looking(void)
{
	int ready[2], go[2], status;
	uint64_t serial = 0;
	char byte = 0;
	pid_t pid;

	own_pid = getpid();
	sleep(2);	/* a kind may raise so many events in a second */
	give("secret", 0);
	give("own", STRANGER);
	ok(!a.err, "collection-new with an owner");
	new_collection("nobody", 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	put_u32(&m, VEXFS_A_COLLECTION_UID, ~0u);
	expect(-EINVAL, "no such user", "collection-new for a user there is not");
	by_name(VEXFS_CMD_COLLECTION_GET, "nobody");
	expect(-ENOENT, "no collection", "leaves nothing behind");
	ok(!lent_socket(), "a socket that another opened is told what both may see");

	if (pipe(ready) || pipe(go))
		return;
	pid = fork();
	if (!pid)
		_exit(stranger(ready[1], go[0]));
	ok(read(ready[0], &byte, 1) == 1, "another user has looked");
	by_name(VEXFS_CMD_COLLECTION_GET, "secret");
	ask(&m, &a);
	if (got(&a, VEXFS_A_COLLECTION_SERIAL))
		memcpy(&serial, body(got(&a, VEXFS_A_COLLECTION_SERIAL)), sizeof(serial));
	ok(got(&a, VEXFS_A_COLLECTION_USER_NS) && !got(&a, VEXFS_A_COLLECTION_ABANDONED),
	   "a collection has a number and a namespace");
	request(VEXFS_CMD_COLLECTION_DEL);
	put(&m, VEXFS_A_COLLECTION_SERIAL, &serial, sizeof(serial));
	expect(0, NULL, "collection-del by number");
	request(VEXFS_CMD_COLLECTION_GET);
	put(&m, VEXFS_A_COLLECTION_SERIAL, &serial, sizeof(serial));
	expect(-ENOENT, "or number", "the number is gone");
	by_name(VEXFS_CMD_COLLECTION_DEL, "own");
	expect(0, NULL, "both are dropped");
	ok(write(go[1], &byte, 1) == 1, "the other user may read what it was told");
	waitpid(pid, &status, 0);
	if (!ok(!WEXITSTATUS(status), "which is its own, and nothing else"))
		printf("# %x\n", WEXITSTATUS(status));
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

static void set_admins(long long gid)
{
	FILE *f = fopen("/sys/module/vexfs/parameters/admin_gid", "w");

	if (!f || fprintf(f, "%lld\n", gid) < 0 || fclose(f))
		ok(false, "admin_gid can be set");
}

static void test_admins(void)
{
	int status;
	pid_t pid;

	give("secret", 0);
	set_admins(4242);
	pid = fork();
	if (!pid) {
		int bad = 0;

		become(1000, 4242);
		by_name(VEXFS_CMD_COLLECTION_GET, "secret");
		ask(&m, &a);
		bad |= (a.err != 0) << 0;
		dump(VEXFS_CMD_EVENT_GET);
		ask(&m, &a);
		bad |= (a.err || a.messages < 5 || !got(&a, VEXFS_A_EVENT_PID)) << 1;
		dump(VEXFS_CMD_STATS_GET);
		ask(&m, &a);
		bad |= (a.err != 0) << 2;
		by_name(VEXFS_CMD_COLLECTION_DEL, "secret");
		ask(&m, &a);
		bad |= (a.err != -EPERM) << 3;
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	ok(!WEXITSTATUS(status), "a member of admin_gid looks at everything and changes nothing");
	set_admins(4294967295);
	by_name(VEXFS_CMD_COLLECTION_DEL, "secret");
	ask(&m, &a);
}

static void test_events(void)
{
	static char buf[8192];
	struct pollfd p = { .events = POLLIN };
	unsigned int seen = 0;

	/* a kind may raise so many in a second; what came before must not count */
	sleep(2);
	p.fd = subscribe(VEXFS_A_SUBSCRIPTION_EVENTS);
	ok(p.fd >= 0, "subscribe to events");
	new_collection("seen", 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
	ask(&m, &a);
	by_name(VEXFS_CMD_COLLECTION_DEL, "seen");
	ask(&m, &a);
	while (seen < 2 && poll(&p, 1, 5000) > 0) {
		ssize_t n = recv(p.fd, buf, sizeof(buf), 0);
		const struct nlattr *kind = n < 0 ? NULL :
			find(buf + NLMSG_HDRLEN + GENL_HDRLEN,
			     (size_t)n - NLMSG_HDRLEN - GENL_HDRLEN, VEXFS_A_EVENT_KIND);

		if (kind && !strcmp(body(kind), seen ? "collection-dropped" : "collection-created"))
			seen++;
	}
	ok(seen == 2, "a collection that comes and goes is told of");
	close(p.fd);

	request(VEXFS_CMD_TUNABLE_SET);
	put_setting(&m, "stats_interval_ms", 100);
	ask(&m, &a);
	p.fd = subscribe(VEXFS_A_SUBSCRIPTION_STATS);
	ok(p.fd >= 0 && poll(&p, 1, 10000) > 0 && recv(p.fd, buf, sizeof(buf), 0) > 0,
	   "statistics come by themselves");
	close(p.fd);
}

/* Changes of the same two settings by two writers: never a mixture of both. */
static void test_writers(void)
{
	pid_t pid[2];
	bool mixed = false;

	for (int w = 0; w < 2; w++) {
		pid[w] = fork();
		if (!pid[w]) {
			int fd = open_socket();

			for (int i = 0; i < 100; i++) {
				request(VEXFS_CMD_TUNABLE_SET);
				put_setting(&m, "pool_min_hit_pct", w ? 70 : 80);
				put_setting(&m, "pool_max_use_pct", w ? 70 : 80);
				ask_by(fd, &m, &a);
				if (a.err)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int w = 0; w < 2; w++) {
		int status;

		waitpid(pid[w], &status, 0);
		mixed |= status;
	}
	ok(!mixed && tunable("pool_min_hit_pct") == tunable("pool_max_use_pct"),
	   "two writers at once leave the settings of one of them");
}

/* Subscribers that never read: others and the kernel are unharmed. */
static void test_subscribers(void)
{
	static int fds[SUBSCRIBERS];
	int reader, n = 0, lost = 0, size = 4096;
	static char buf[8192];
	bool told = false;

	for (int i = 0; i < SUBSCRIBERS; i++) {
		fds[i] = subscribe(i & 1 ? VEXFS_A_SUBSCRIPTION_STATS : VEXFS_A_SUBSCRIPTION_EVENTS);
		if (fds[i] < 0)
			break;
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		n++;
	}
	ok(n == SUBSCRIBERS, "a thousand subscribers");
	reader = subscribe(VEXFS_A_SUBSCRIPTION_EVENTS);
	for (int i = 0; i < 60; i++) {
		struct pollfd p = { .fd = reader, .events = POLLIN };

		new_collection("burst", 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
		ask(&m, &a);
		by_name(VEXFS_CMD_COLLECTION_DEL, "burst");
		ask(&m, &a);
		while (poll(&p, 1, 20) > 0 && recv(reader, buf, sizeof(buf), 0) > 0)
			told = true;
	}
	ok(told, "one that reads is told while the others do not");
	for (int i = 0; i < n; i += 2) {
		/* what was kept comes first, the loss is told in its turn */
		for (int k = 0; k < 1000; k++) {
			ssize_t got_bytes = recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT);

			if (got_bytes < 0) {
				lost += errno == ENOBUFS;
				break;
			}
		}
	}
	ok(lost > 0, "those that do not are told of their loss (%d of %d)", lost, n / 2);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	close(reader);
}

/* Dumps while collections come and go: whole, or marked as overtaken. */
static void test_dump_storm(void)
{
	unsigned int marked = 0, bad = 0;
	pid_t pid = fork();

	if (!pid) {
		char name[16];

		for (;;)
			for (int i = 0; i < 64; i++) {
				snprintf(name, sizeof(name), "storm%d", i);
				new_collection(name, 8, VEXFS_TYPE_F32, VEXFS_METRIC_L2);
				ask(&m, &a);
				if (a.err == -EEXIST) {
					by_name(VEXFS_CMD_COLLECTION_DEL, name);
					ask(&m, &a);
				}
			}
	}
	/* On a machine with other work the two may rarely overlap: until they have. */
	for (int i = 0; i < 80 || (!marked && i < 20000); i++) {
		dump(i & 1 ? VEXFS_CMD_COLLECTION_GET : VEXFS_CMD_STATS_GET);
		ask(&m, &a);
		bad += a.err != 0;
		marked += a.interrupted;
	}
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	ok(!bad, "dumps during a storm");
	ok(marked, "dumps that were overtaken say so (%u)", marked);
	for (int i = 0; i < 64; i++) {
		char name[16];

		snprintf(name, sizeof(name), "storm%d", i);
		by_name(VEXFS_CMD_COLLECTION_DEL, name);
		ask(&m, &a);
	}
}

static uint64_t rng = 88172645463325252ull;

static uint32_t any(uint32_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)((rng >> 32) % below);
}

/*
 * Each attribute in each command with each length around the legal ones, plain and
 * nested, full of zeroes and of ones. What is legal by chance may happen; what is
 * not must be refused, and nothing may go unanswered.
 */
static void test_every_attribute(void)
{
	static const uint16_t beyond[] = { 47, 48, 49, 63, 64, 65, 255, 256, 1023, 1024, 1025, 4000 };
	static char junk[4096];
	unsigned int asked = 0, answered = 0, taken = 0;
	int fd = open_socket();

	for (int cmd = 0; cmd <= VEXFS_CMD_MAX + 1; cmd++) {
		/* the self-test takes its time and no attributes */
		if (cmd == VEXFS_CMD_SELFTEST)
			continue;
		for (int type = 0; type <= VEXFS_A_COLLECTION_MAX + 2; type++)
			for (unsigned int l = 0; l < 18 + sizeof(beyond) / sizeof(beyond[0]); l++) {
				size_t len = l < 18 ? l : beyond[l - 18];
				int nested = l & 1 ? NLA_F_NESTED : 0;

				memset(junk, asked & 1 ? 0xff : 0, sizeof(junk));
				begin(&m, family, NLM_F_ACK, cmd);
				put(&m, type | nested, junk, len);
				ask_by(fd, &m, &a);
				asked++;
				answered += a.err != -EAGAIN;
				taken += !a.err;
			}
	}
	ok(answered == asked, "every attribute in every command, %u requests, all answered", asked);
	ok(taken * 20 < asked, "and next to none of them accepted (%u)", taken);
	close(fd);
}

/* Attributes at random, several together, nested and broken, in every command. */
static void test_fuzz(void)
{
	static char junk[512];
	int fd = open_socket();
	unsigned int answered = 0, rounds = 5000;

	for (unsigned int i = 0; i < rounds; i++) {
		int cmd = (int)any(VEXFS_CMD_MAX + 3);
		unsigned int n = any(6);

		begin(&m, family, any(4) ? NLM_F_ACK : NLM_F_DUMP, cmd);
		for (unsigned int k = 0; k < n; k++) {
			size_t len = any(8) ? any(24) : any(sizeof(junk));

			for (size_t b = 0; b < len; b++)
				junk[b] = (char)any(256);
			put(&m, (int)any(28) | (any(8) ? 0 : NLA_F_NESTED), junk, len);
		}
		/* a length that lies, now and then */
		if (!any(16) && n)
			m.h.nlmsg_len -= any(8);
		ask_by(fd, &m, &a);
		answered += a.err != -EAGAIN;
	}
	ok(answered == rounds, "%u requests of random attributes are answered", rounds);
	close(fd);
	request(VEXFS_CMD_TUNABLE_SET);
	put(&m, VEXFS_A_TUNE_RESET_TO_DEFAULT, "", 0);
	expect(0, NULL, "and the module goes on");
}

int main(void)
{
	if (!ok(resolve(), "the family"))
		return done();
	test_module();
	test_collections();
	test_stats();
	test_tunables();
	test_permission();
	test_looking();
	test_admins();
	test_events();
	test_writers();
	test_subscribers();
	test_dump_storm();
	test_every_attribute();
	test_fuzz();
	return done();
}
