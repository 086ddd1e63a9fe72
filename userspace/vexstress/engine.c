// SPDX-License-Identifier: GPL-2.0
/*
 * Runs jobs: starts their workers as processes or threads, lets them warm up, and cuts
 * the measurement into slices. The parent sleeps between slices and only reads. If a
 * worker dies or a signal arrives, the run ends in order.
 */
#include "coll.h"
#include "engine.h"
#include "profile.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

volatile sig_atomic_t vx_signal;

struct control *vx_control;

struct crew {
	struct vx_job **jobs;
	size_t n;
	pthread_t *tid;		/* of all workers, in order */
	pid_t *pid;
	size_t workers, started;
	bool over[VX_JOBS_MAX];	/* jobs whose measurement has ended */
};

void vx_say(const char *fmt, ...)
{
	char text[2048], line[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	flockfile(stderr);
	if (isatty(2))
		fputs("\r\033[K", stderr);
	fputs("vexstress: ", stderr);
	fputs(escape_text(line, sizeof(line), text, strlen(text)), stderr);
	fputc('\n', stderr);
	funlockfile(stderr);
}

/* Workers ignore signals; the parent ends the run in order. */
static void block_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, old);
}

static int start_worker(struct crew *crew, struct vx_worker *w)
{
	pid_t parent = getpid();
	sigset_t old;
	int err = 0;

	block_signals(&old);
	if (w->job->workers == VX_PROCESSES) {
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			vx_worker_main(w);
			_exit(0);
		}
		err = pid < 0 ? errno : 0;
		crew->pid[crew->started] = pid;
		w->shared->pid = pid;
	} else {
		err = pthread_create(&crew->tid[crew->started], NULL, vx_worker_main, w);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		vx_say("cannot start worker %u of %s: %s", w->index, w->job->name, strerror(err));
		return -1;
	}
	crew->started++;
	return 0;
}

/* Looks for worker processes that died. */
static void reap(struct crew *crew, struct vx_outcome *out)
{
	size_t i, j, at = 0;

	for (i = 0; i < crew->n; i++) {
		for (j = 0; j < crew->jobs[i]->threads; j++, at++) {
			int status;

			if (at >= crew->started || crew->pid[at] <= 0)
				continue;
			if (waitpid(crew->pid[at], &status, WNOHANG) != crew->pid[at])
				continue;
			crew->pid[at] = 0;
			if (WIFSIGNALED(status)) {
				out[i].killed_by = WTERMSIG(status);
				snprintf(out[i].message, sizeof(out[i].message),
					 "worker %zu was killed by signal %d", j, WTERMSIG(status));
				__atomic_store_n(&vx_control->stop, 1, __ATOMIC_RELAXED);
			}
		}
	}
}

static void join(struct crew *crew, struct vx_outcome *out)
{
	size_t i, j, at = 0;

	for (i = 0; i < crew->n; i++) {
		for (j = 0; j < crew->jobs[i]->threads && at < crew->started; j++, at++) {
			if (crew->jobs[i]->workers == VX_THREADS) {
				pthread_join(crew->tid[at], NULL);
				continue;
			}
			while (crew->pid[at] > 0) {
				reap(crew, out);
				if (crew->pid[at] > 0)
					vx_nap(1e6);
			}
		}
	}
}

/* Reads the measurements of a job once. */
struct look {
	uint64_t when;
	uint64_t ops, errors;
	struct vs_hist latency, corrected;
};

static void look_at(const struct vx_job *job, struct look *l)
{
	unsigned int i, k;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < job->threads; i++) {
		for (k = 0; job->workload->kinds[k].name; k++) {
			const struct vx_measure *m = &job->shared[i].kind[k];

			vs_hist_merge(&l->latency, &m->latency);
			if (job->rate > 0)
				vs_hist_merge(&l->corrected, &m->corrected);
			l->ops += vs_hist_get(&m->ops);
			l->errors += vs_hist_get(&m->errors);
		}
	}
	l->when = vs_ticks();
}

static void slice_of(const struct vx_job *job, const struct look *a, const struct look *b,
		     struct vx_slice *s)
{
	static struct vs_hist d;

	memset(s, 0, sizeof(*s));
	s->seconds = (double)vs_to_ns(b->when - a->when) / 1e9;
	s->errors = b->errors - a->errors;
	/* Failed ops do not count as throughput. */
	if (s->seconds > 0)
		s->ops_per_s = (double)(b->ops - a->ops - s->errors) / s->seconds;
	vs_hist_diff(&d, &b->latency, &a->latency);
	s->mean_ns = vs_hist_mean(&d);
	s->p50_ns = (double)vs_hist_quantile(&d, 0.5);
	s->p95_ns = (double)vs_hist_quantile(&d, 0.95);
	s->p99_ns = (double)vs_hist_quantile(&d, 0.99);
	if (job->rate > 0) {
		vs_hist_diff(&d, &b->corrected, &a->corrected);
		s->corrected_mean_ns = vs_hist_mean(&d);
		s->corrected_p95_ns = (double)vs_hist_quantile(&d, 0.95);
		s->corrected_p99_ns = (double)vs_hist_quantile(&d, 0.99);
	}
}

static void status(const char *what, const struct vx_job *job, double at, double of, double rate)
{
	if (vx_set.quiet || !isatty(2))
		return;
	fprintf(stderr, "\r\033[K%s: %s %.1f s of %.1f s, %.0f ops/s, %.0f s to go", shown(job->name),
		what, at, of, rate, of > at ? of - at : 0);
	fflush(stderr);
}

static void status_clear(void)
{
	if (!vx_set.quiet && isatty(2))
		fputs("\r\033[K", stderr);
}

/* Have all workers of a job reached @state? */
static bool job_reached(const struct vx_job *job, enum vx_state state)
{
	unsigned int j;

	for (j = 0; j < job->threads; j++)
		if (vx_state_of(&job->worker[j]) < state)
			return false;
	return true;
}

/* Ends a job that is still being measured. */
static bool one_done(const struct crew *crew)
{
	size_t i;

	for (i = 0; i < crew->n; i++)
		if (!crew->over[i] && job_reached(crew->jobs[i], VX_DONE))
			return true;
	return false;
}

/* Sleeps until a given time, or until the run or one of its jobs is to end. */
static bool sleep_until(struct crew *crew, struct vx_outcome *out, uint64_t when)
{
	for (;;) {
		uint64_t now = vs_ticks();
		double ns;

		reap(crew, out);
		if (vx_signal || vx_stopped() || one_done(crew))
			return false;
		if (now >= when)
			return true;
		ns = (double)vs_to_ns(when - now);
		vx_nap(ns > 50e6 ? 50e6 : ns);
	}
}

/*
 * A job is steady when its rate significantly rose or fell by less than 5 % over the last
 * ten, twenty or forty slices: the noisier, the more are needed.
 */
#define WARM_WINDOW	10
#define WARM_WINDOWS	3
#define WARM_ROOM	(WARM_WINDOW << (WARM_WINDOWS - 1))
#define WARM_TOLERANCE	0.05

struct warming {
	struct look last;
	double rate[WARM_ROOM];
	size_t n;
};

static bool warm(struct warming *w, const struct vx_job *job, struct look *now)
{
	struct vx_slice s;
	unsigned int i;

	look_at(job, now);
	slice_of(job, &w->last, now, &s);
	w->last = *now;
	if (w->n == WARM_ROOM)
		memmove(w->rate, w->rate + 1, --w->n * sizeof(w->rate[0]));
	w->rate[w->n++] = s.ops_per_s;
	for (i = 0; i < WARM_WINDOWS; i++) {
		size_t n = WARM_WINDOW << i;

		if (w->n >= n && vs_steady(w->rate + w->n - n, n, WARM_TOLERANCE))
			return true;
	}
	return false;
}

static void warm_up(struct crew *crew, struct vx_outcome *out)
{
	double step = vx_set.warmup / (2 * WARM_WINDOW);
	struct warming *w = calloc(crew->n, sizeof(*w));
	struct look *now = malloc(sizeof(*now));
	uint64_t begin = vs_ticks(), next = begin;
	bool all = false;
	size_t i;

	if (!w || !now || vx_set.warmup <= 0)
		goto out;
	if (step < 0.005)
		step = 0.005;
	for (i = 0; i < crew->n; i++)
		look_at(crew->jobs[i], &w[i].last);
	while ((double)vs_to_ns(vs_ticks() - begin) / 1e9 < vx_set.warmup &&
	       (!all || vx_set.warmup_fixed)) {
		next += vs_to_ticks(step * 1e9);
		if (!sleep_until(crew, out, next))
			break;
		/* Jobs run side by side: all must be steady at the same time. */
		for (i = 0, all = true; i < crew->n; i++) {
			out[i].steady = warm(&w[i], crew->jobs[i], now);
			all = all && out[i].steady;
		}
		status("warming up", crew->jobs[0], (double)vs_to_ns(vs_ticks() - begin) / 1e9,
		       vx_set.warmup, w[0].rate[w[0].n - 1]);
	}
	for (i = 0; i < crew->n; i++)
		out[i].warmup_seconds = (double)vs_to_ns(vs_ticks() - begin) / 1e9;
out:
	free(w);
	free(now);
}

/* Copies the workers' counters, without the unused kinds. */
static void copy_counts(struct vx_shared *to, const struct vx_job *job)
{
	unsigned int i, k;

	for (i = 0; i < job->threads; i++) {
		memcpy(&to[i], &job->shared[i], offsetof(struct vx_shared, kind));
		for (k = 0; job->workload->kinds[k].name; k++)
			to[i].kind[k] = job->shared[i].kind[k];
	}
}

static void sum_up(struct vx_outcome *out, const struct vx_shared *before)
{
	const struct vx_job *job = out->job;
	static struct vs_hist d;
	unsigned int i, k, e;

	for (i = 0; i < job->threads; i++) {
		const struct vx_shared *a = &before[i], *b = &job->shared[i];

		for (k = 0; job->workload->kinds[k].name; k++) {
			struct vx_measure *m = &out->kind[k];
			const struct vx_measure *x = &a->kind[k], *y = &b->kind[k];

			m->calls += y->calls - x->calls;
			m->ops += y->ops - x->ops;
			m->errors += y->errors - x->errors;
			vs_hist_diff(&d, &y->latency, &x->latency);
			vs_hist_merge(&m->latency, &d);
			vs_hist_diff(&d, &y->corrected, &x->corrected);
			vs_hist_merge(&m->corrected, &d);
			vs_hist_diff(&d, &y->available, &x->available);
			vs_hist_merge(&m->available, &d);
			vs_hist_diff(&d, &y->kernel, &x->kernel);
			vs_hist_merge(&m->kernel, &d);
			vs_hist_diff(&d, &y->crossing, &x->crossing);
			vs_hist_merge(&m->crossing, &d);
		}
		for (e = 0; e < VX_ERRNO_MAX; e++)
			out->errors[e] += b->errors[e] - a->errors[e];
		/* Wrong answers count at any time. */
		out->checked += b->checked;
		out->wrong += b->wrong;
		out->unchecked += b->unchecked;
		out->distances += b->distances - a->distances;
		out->unavailable_s += (double)(b->unavailable_ns - a->unavailable_ns) / 1e9;
		if (b->message[0] && !out->message[0])
			memcpy(out->message, b->message, sizeof(out->message));
	}
	for (k = 0; job->workload->kinds[k].name; k++) {
		struct vx_measure *m = &out->kind[k];

		out->all.calls += m->calls;
		out->all.ops += m->ops;
		out->all.errors += m->errors;
		vs_hist_merge(&out->all.latency, &m->latency);
		vs_hist_merge(&out->all.corrected, &m->corrected);
		vs_hist_merge(&out->all.available, &m->available);
		vs_hist_merge(&out->all.kernel, &m->kernel);
		vs_hist_merge(&out->all.crossing, &m->crossing);
	}
}

/* Jobs with a number of ops have no @of: the remaining time follows from the rate. */
static void progress(const struct vx_job *job, double at, double of, uint64_t ops, double rate)
{
	if (job->ops && rate > 0)
		of = at + (ops < job->ops ? (double)(job->ops - ops) / rate : 0);
	status("measuring", job, at, of, rate);
}

/* The measurement of one job of a group: each has its own length and slices. */
struct course {
	double length, step;	/* seconds; @length 0: until its ops are done */
	size_t slices, room;
	uint64_t next;
	struct look last;
	struct vx_shared *before;
};

static int plan(struct course *c, const struct vx_job *job, struct vx_outcome *out)
{
	/* A job with a number of ops ends by itself; @length ends the others. */
	c->length = job->ops ? 0 : job->duration > 0 ? job->duration : vx_set.measure;
	c->slices = vx_set.interval > 0 && c->length > 0 ?
		    (size_t)ceil(c->length / vx_set.interval) : vx_set.samples;
	if (c->slices > 100000)
		c->slices = 100000;
	c->step = vx_set.interval > 0 ? vx_set.interval :
		  c->length > 0 ? c->length / (double)c->slices : 1;
	c->room = c->slices;
	out->slices = calloc(c->room, sizeof(*out->slices));
	c->before = malloc(job->threads * sizeof(*c->before));
	return out->slices && c->before ? 0 : -1;
}

static int more_slices(struct course *c, struct vx_outcome *out)
{
	void *more;

	if (out->nslices < c->room)
		return 0;
	more = realloc(out->slices, 2 * c->room * sizeof(*out->slices));
	if (!more) {
		vx_say("no memory for %zu slices: the run ends here", 2 * c->room);
		return -1;
	}
	out->slices = more;
	c->room *= 2;
	return 0;
}

/* Jobs with a number of ops wait until the clock is set. */
static void park(struct crew *crew, struct vx_outcome *out)
{
	size_t i;

	__atomic_store_n(&vx_control->measuring, VX_PARKING, __ATOMIC_RELEASE);
	for (i = 0; i < crew->n; i++) {
		while (crew->jobs[i]->ops && !job_reached(crew->jobs[i], VX_PARKED) &&
		       !vx_signal && !vx_stopped()) {
			reap(crew, out);
			vx_nap(50000);
		}
	}
}

/* The time of the last op, if all are done; else now. */
static uint64_t end_of(const struct vx_job *job)
{
	uint64_t last = 0;
	unsigned int i;

	for (i = 0; i < job->threads; i++) {
		uint64_t ended = vs_hist_get(&job->shared[i].ended);

		if (!ended)
			return vs_ticks();
		last = ended > last ? ended : last;
	}
	return last;
}

static void slice_ends(struct course *c, const struct vx_job *job, struct vx_outcome *out,
		       uint64_t begin, bool cut, struct look *now)
{
	struct vx_slice *s = &out->slices[out->nslices];

	look_at(job, now);
	slice_of(job, &c->last, now, s);
	c->last = *now;
	c->next += vs_to_ticks(c->step * 1e9);
	/* A very short slice says nothing about the rate. */
	if (cut && s->seconds < c->step / 2 && out->nslices)
		return;
	out->nslices++;
	vx_interval_line(job, (double)vs_to_ns(now->when - begin) / 1e9, s);
	if (!job->number)
		progress(job, (double)vs_to_ns(now->when - begin) / 1e9, c->length, now->ops,
			 s->ops_per_s);
}

static void course_ends(struct crew *crew, struct course *c, struct vx_outcome *out, uint64_t begin)
{
	struct vx_job *job = out->job;

	/* The clock is read last: a delay in between then cannot make the rate too high. */
	sum_up(out, c->before);
	out->seconds = (double)vs_to_ns(end_of(job) - begin) / 1e9;
	out->interrupted = vx_signal;
	crew->over[job->number] = true;
	__atomic_store_n(&vx_control->over[job->number], 1, __ATOMIC_RELAXED);
}

static void measure(struct crew *crew, struct vx_outcome *out)
{
	struct course *c = calloc(crew->n, sizeof(*c));
	struct look *now = malloc(sizeof(*now));
	size_t i, left = crew->n, k;
	uint64_t begin;

	if (!c || !now)
		goto out;
	for (i = 0; i < crew->n; i++)
		if (plan(&c[i], crew->jobs[i], &out[i]))
			goto out;
	park(crew, out);
	/* The first reading populates its pages, which takes long, so the second counts. */
	for (k = 0; k < 2; k++) {
		begin = vs_ticks();
		for (i = 0; i < crew->n; i++) {
			copy_counts(c[i].before, crew->jobs[i]);
			look_at(crew->jobs[i], &c[i].last);
			c[i].next = begin + vs_to_ticks(c[i].step * 1e9);
		}
	}
	__atomic_store_n(&vx_control->measuring, VX_MEASURING, __ATOMIC_RELEASE);
	while (left) {
		uint64_t next = UINT64_MAX;
		bool ended;

		for (i = 0; i < crew->n; i++)
			if (!crew->over[i] && c[i].next < next)
				next = c[i].next;
		sleep_until(crew, out, next);
		ended = vx_signal || vx_stopped();
		for (i = 0; i < crew->n; i++) {
			struct vx_job *job = crew->jobs[i];
			bool cut = ended || job_reached(job, VX_DONE);

			if (crew->over[i] || (!cut && vs_ticks() < c[i].next))
				continue;
			slice_ends(&c[i], job, &out[i], begin, cut, now);
			if (cut || (c[i].length > 0 && out[i].nslices >= c[i].slices) ||
			    more_slices(&c[i], &out[i])) {
				course_ends(crew, &c[i], &out[i], begin);
				left--;
			}
		}
	}
out:
	for (i = 0; c && i < crew->n; i++)
		free(c[i].before);
	free(c);
	free(now);
}

static void add_usage(struct vx_outcome *out)
{
	unsigned int i;

	for (i = 0; i < out->job->threads; i++) {
		const struct vx_shared *s = &out->job->shared[i];

		out->user_s += (double)s->user_us / 1e6;
		out->system_s += (double)s->system_us / 1e6;
		out->rss_kb += s->rss_kb;
		out->voluntary += s->voluntary;
		out->involuntary += s->involuntary;
		out->minor += s->minor;
		out->major += s->major;
	}
}

static int allocate(struct vx_job *job)
{
	unsigned int i;

	job->shared = mmap(NULL, job->threads * sizeof(*job->shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job->shared == MAP_FAILED) {
		job->shared = NULL;
		return -1;
	}
	job->worker = calloc(job->threads, sizeof(*job->worker));
	if (!job->worker)
		return -1;
	for (i = 0; i < job->threads; i++) {
		job->worker[i].job = job;
		job->worker[i].shared = &job->shared[i];
		job->worker[i].index = i;
	}
	return 0;
}

static void release(struct vx_job *job)
{
	if (job->shared)
		munmap(job->shared, job->threads * sizeof(*job->shared));
	free(job->worker);
	job->shared = NULL;
	job->worker = NULL;
}

/* A profiler follows the workers while they are measured. */
static void profile(struct crew *crew)
{
	pid_t *ids;
	size_t i, j, n = 0;

	if (!vx_set.flamegraph && !vx_set.perf_stat)
		return;
	if (vx_set.perf_stat && crew->n > 1)
		vx_say("the counters are those of all %zu jobs that run together; the first one shows them",
		       crew->n);
	ids = calloc(crew->workers, sizeof(*ids));
	for (i = 0; ids && i < crew->n; i++)
		for (j = 0; j < crew->jobs[i]->threads; j++)
			ids[n++] = crew->jobs[i]->shared[j].pid;
	if (ids)
		vx_profile_begin(ids, n);
	free(ids);
}

/* Starts all workers and waits until they are ready. */
static int assemble(struct crew *crew, struct vx_outcome *out)
{
	size_t i, j;

	for (i = 0; i < crew->n; i++)
		for (j = 0; j < crew->jobs[i]->threads; j++)
			if (start_worker(crew, &crew->jobs[i]->worker[j]))
				return -1;
	for (i = 0; i < crew->n; i++) {
		for (j = 0; j < crew->jobs[i]->threads; j++) {
			struct vx_worker *w = &crew->jobs[i]->worker[j];

			while (vx_state_of(w) == VX_STARTING && !vx_stopped() && !vx_signal) {
				reap(crew, out);
				vx_nap(200000);
			}
			if (vx_state_of(w) == VX_FAILED) {
				vx_say("%s, worker %zu: %s", crew->jobs[i]->name, j,
				       w->shared->message);
				return -1;
			}
		}
	}
	return 0;
}

static int run_group(struct vx_job **jobs, size_t n, struct vx_outcome *out)
{
	struct crew crew = { .jobs = jobs, .n = n };
	int ret = VX_MISSED;
	size_t i;

	memset(out, 0, n * sizeof(*out));
	for (i = 0; i < n; i++)
		crew.workers += jobs[i]->threads;
	vx_control = mmap(NULL, sizeof(*vx_control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	crew.tid = calloc(crew.workers, sizeof(*crew.tid));
	crew.pid = calloc(crew.workers, sizeof(*crew.pid));
	if (vx_control == MAP_FAILED || !crew.tid || !crew.pid) {
		vx_say("no memory");
		goto out;
	}
	for (i = 0; i < n && !vx_signal; i++) {
		uint64_t t = vs_monotonic_ns();

		out[i].job = jobs[i];
		jobs[i]->number = (unsigned int)i;
		jobs[i]->note[0] = jobs[i]->message[0] = 0;
		jobs[i]->recall = jobs[i]->recall_filtered = -1;
		jobs[i]->checked = jobs[i]->wrong = 0;
		if (allocate(jobs[i])) {
			vx_say("no memory for %u workers", jobs[i]->threads);
			goto drop;
		}
		status("preparing", jobs[i], 0, 0, 0);
		ret = jobs[i]->coll ? VX_OK : vx_coll_setup(jobs[i]);
		jobs[i]->setup_seconds = (double)(vs_monotonic_ns() - t) / 1e9;
		if (ret)
			goto drop;
	}
	ret = VX_MISSED;
	if (vx_signal || assemble(&crew, out))
		goto stop;
	ret = VX_OK;
	vx_control->begin = vs_ticks();
	__atomic_store_n(&vx_control->go, 1, __ATOMIC_RELEASE);
	warm_up(&crew, out);
	profile(&crew);
	measure(&crew, out);
	vx_profile_end();
stop:
	__atomic_store_n(&vx_control->stop, 1, __ATOMIC_RELAXED);
	join(&crew, out);
	status_clear();
	if (ret == VX_OK) {
		for (i = 0; i < n; i++) {
			add_usage(&out[i]);
			if (!out[i].killed_by)
				vx_coll_finish(jobs[i]);
			out[i].checked += jobs[i]->checked;
			out[i].wrong += jobs[i]->wrong;
			if (jobs[i]->message[0] && !out[i].message[0])
				memcpy(out[i].message, jobs[i]->message, sizeof(out[i].message));
		}
	}
	if (vx_signal)
		ret = VX_OK;
drop:
	for (i = 0; i < n; i++) {
		if (!jobs[i]->keep || ret)
			vx_coll_drop(jobs[i]);
		release(jobs[i]);
	}
out:
	status_clear();
	free(crew.tid);
	free(crew.pid);
	if (vx_control && vx_control != MAP_FAILED)
		munmap(vx_control, sizeof(*vx_control));
	vx_control = NULL;
	return ret;
}

#define PROBE_S		0.025

int vx_run_group(struct vx_job **jobs, size_t n, struct vx_outcome *out)
{
	double before = vx_probe_machine(PROBE_S);
	int ret = run_group(jobs, n, out);
	double lost = (before + vx_probe_machine(PROBE_S)) / 2;

	for (size_t i = 0; i < n; i++)
		out[i].machine_lost = lost;
	return ret;
}

void vx_outcome_free(struct vx_outcome *out)
{
	free(out->slices);
	out->slices = NULL;
	out->nslices = 0;
}
