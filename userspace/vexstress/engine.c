// SPDX-License-Identifier: GPL-2.0
/*
 * Runs jobs: starts their workers as processes or threads, lets them warm up,
 * cuts the measurement into slices. The parent sleeps between slices and only
 * reads; a worker that dies, or a signal, ends the run in good order.
 */
#include "coll.h"
#include "engine.h"

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

/* Workers leave signals to the parent, which ends the run in order. */
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

/* Looks for worker processes that died on their own. */
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

/* One look at the measurements of a job. */
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
	l->when = vx_ticks();
}

static void slice_of(const struct vx_job *job, const struct look *a, const struct look *b,
		     struct vx_slice *s)
{
	static struct vs_hist d;

	memset(s, 0, sizeof(*s));
	s->seconds = (double)vx_to_ns(b->when - a->when) / 1e9;
	s->errors = b->errors - a->errors;
	/* Failed ops are no throughput. */
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

static bool all_done(const struct crew *crew)
{
	size_t i, j;

	for (i = 0; i < crew->n; i++)
		for (j = 0; j < crew->jobs[i]->threads; j++)
			if (vx_state_of(&crew->jobs[i]->worker[j]) < VX_DONE)
				return false;
	return true;
}

/* Sleeps until a moment, waking up for what ends the run. */
static bool sleep_until(struct crew *crew, struct vx_outcome *out, uint64_t when)
{
	for (;;) {
		uint64_t now = vx_ticks();
		double ns;

		reap(crew, out);
		if (vx_signal || vx_stopped() || all_done(crew))
			return false;
		if (now >= when)
			return true;
		ns = (double)vx_to_ns(when - now);
		vx_nap(ns > 50e6 ? 50e6 : ns);
	}
}

#define WARM_WINDOW	10

static void warm_up(struct crew *crew, struct vx_outcome *out)
{
	double step = vx_set.warmup / (2 * WARM_WINDOW), rate[4 * WARM_WINDOW];
	struct look *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	uint64_t begin = vx_ticks(), next = begin;
	struct vx_slice s;
	size_t i, n = 0;

	if (!a || !b || vx_set.warmup <= 0)
		goto out;
	if (step < 0.005)
		step = 0.005;
	/* The test looks at the first job; jobs of a group run side by side. */
	look_at(crew->jobs[0], a);
	while ((double)vx_to_ns(vx_ticks() - begin) / 1e9 < vx_set.warmup) {
		next += vx_to_ticks(step * 1e9);
		if (!sleep_until(crew, out, next))
			break;
		look_at(crew->jobs[0], b);
		slice_of(crew->jobs[0], a, b, &s);
		*a = *b;
		if (n == ARRAY_SIZE(rate))
			memmove(rate, rate + 1, --n * sizeof(rate[0]));
		rate[n++] = s.ops_per_s;
		status("warming up", crew->jobs[0], (double)vx_to_ns(vx_ticks() - begin) / 1e9,
		       vx_set.warmup, s.ops_per_s);
		if (n >= WARM_WINDOW && vs_steady(rate + n - WARM_WINDOW, WARM_WINDOW, 0.02)) {
			for (i = 0; i < crew->n; i++)
				out[i].steady = true;
			if (!vx_set.warmup_fixed)
				break;
		}
	}
	for (i = 0; i < crew->n; i++)
		out[i].warmup_seconds = (double)vx_to_ns(vx_ticks() - begin) / 1e9;
out:
	free(a);
	free(b);
}

/* What the workers counted so far, without the room of kinds that the job has not. */
static void copy_counts(struct vx_shared *to, const struct vx_job *job)
{
	unsigned int i, k;

	for (i = 0; i < job->threads; i++) {
		memcpy(&to[i], &job->shared[i], offsetof(struct vx_shared, kind));
		for (k = 0; job->workload->kinds[k].name; k++)
			to[i].kind[k] = job->shared[i].kind[k];
	}
}

static void snapshot(struct crew *crew, struct vx_shared **counts, struct look *looks)
{
	size_t i;

	for (i = 0; i < crew->n; i++) {
		copy_counts(counts[i], crew->jobs[i]);
		look_at(crew->jobs[i], &looks[i]);
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
			vs_hist_diff(&d, &y->kernel, &x->kernel);
			vs_hist_merge(&m->kernel, &d);
			vs_hist_diff(&d, &y->crossing, &x->crossing);
			vs_hist_merge(&m->crossing, &d);
		}
		for (e = 0; e < VX_ERRNO_MAX; e++)
			out->errors[e] += b->errors[e] - a->errors[e];
		/* What was wrong counts whenever it happened. */
		out->checked += b->checked;
		out->wrong += b->wrong;
		out->unchecked += b->unchecked;
		out->distances += b->distances - a->distances;
		out->away_s += (double)(b->away_ns - a->away_ns) / 1e9;
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
		vs_hist_merge(&out->all.kernel, &m->kernel);
		vs_hist_merge(&out->all.crossing, &m->crossing);
	}
}

/* Jobs that end with a number of ops have no @of: what is left follows from the rate. */
static void progress(const struct vx_job *job, double at, double of, uint64_t ops, double rate)
{
	if (job->ops && rate > 0)
		of = at + (ops < job->ops ? (double)(job->ops - ops) / rate : 0);
	status("measuring", job, at, of, rate);
}

/* Room for @n slices of each job; -1 when there is none. */
static int more_slices(struct vx_outcome *out, size_t jobs, size_t n)
{
	size_t i;

	for (i = 0; i < jobs; i++) {
		void *more = realloc(out[i].slices, n * sizeof(*out[i].slices));

		if (!more) {
			vx_say("no memory for %zu slices: the run ends here", n);
			return -1;
		}
		out[i].slices = more;
	}
	return 0;
}

static void measure(struct crew *crew, struct vx_outcome *out)
{
	struct look *a = calloc(crew->n, sizeof(*a)), *b = malloc(sizeof(*b));
	struct vx_shared **before = calloc(crew->n, sizeof(*before));
	double longest = 0, step;
	uint64_t begin, next;
	bool endless = true;
	size_t i, s, slices, room;

	if (!a || !b || !before)
		goto out;
	for (i = 0; i < crew->n; i++) {
		double d = crew->jobs[i]->duration > 0 ? crew->jobs[i]->duration : vx_set.measure;

		/* A number of ops ends a job by itself; times end those that have one. */
		if (crew->jobs[i]->ops)
			continue;
		endless = false;
		longest = d > longest ? d : longest;
	}
	slices = vx_set.interval > 0 && !endless ? (size_t)ceil(longest / vx_set.interval) :
		 vx_set.samples;
	if (slices > 100000)
		slices = 100000;
	step = vx_set.interval > 0 ? vx_set.interval : longest / (double)slices;
	if (endless && !(vx_set.interval > 0))
		step = 1;
	room = slices;
	for (i = 0; i < crew->n; i++) {
		out[i].slices = calloc(slices, sizeof(*out[i].slices));
		before[i] = malloc(crew->jobs[i]->threads * sizeof(**before));
		if (!out[i].slices || !before[i])
			goto out;
	}
	/* Its pages come with the first one, which takes long: the second counts. */
	snapshot(crew, before, a);
	__atomic_store_n(&vx_control->measuring, 1, __ATOMIC_RELAXED);
	begin = next = vx_ticks();
	snapshot(crew, before, a);
	for (s = 0; s < slices || endless; s++) {
		bool on;

		if (s == room) {
			room *= 2;
			if (more_slices(out, crew->n, room))
				break;
		}
		next += vx_to_ticks(step * 1e9);
		on = sleep_until(crew, out, next);
		for (i = 0; i < crew->n; i++) {
			struct vx_slice *now = &out[i].slices[out[i].nslices];

			look_at(crew->jobs[i], b);
			slice_of(crew->jobs[i], &a[i], b, now);
			a[i] = *b;
			/* A stump of a slice says nothing about the rate. */
			if (!on && now->seconds < step / 2 && out[i].nslices)
				continue;
			out[i].nslices++;
			vx_interval_line(crew->jobs[i], (double)vx_to_ns(a[i].when - begin) / 1e9,
					 now);
			if (!i)
				progress(crew->jobs[0], (double)vx_to_ns(a[i].when - begin) / 1e9,
					 longest, a[i].ops, now->ops_per_s);
		}
		if (!on)
			break;
	}
	for (i = 0; i < crew->n; i++) {
		out[i].seconds = (double)vx_to_ns(vx_ticks() - begin) / 1e9;
		sum_up(&out[i], before[i]);
		out[i].interrupted = vx_signal;
	}
out:
	if (before)
		for (i = 0; i < crew->n; i++)
			free(before[i]);
	free(before);
	free(a);
	free(b);
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

int vx_run_group(struct vx_job **jobs, size_t n, struct vx_outcome *out)
{
	struct crew crew = { jobs, n, NULL, NULL, 0, 0 };
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
		uint64_t t = vx_monotonic_ns();

		out[i].job = jobs[i];
		jobs[i]->note[0] = jobs[i]->message[0] = 0;
		jobs[i]->recall = jobs[i]->recall_filtered = -1;
		jobs[i]->checked = jobs[i]->wrong = 0;
		if (allocate(jobs[i])) {
			vx_say("no memory for %u workers", jobs[i]->threads);
			goto drop;
		}
		status("preparing", jobs[i], 0, 0, 0);
		ret = jobs[i]->coll ? VX_OK : vx_coll_setup(jobs[i]);
		jobs[i]->setup_seconds = (double)(vx_monotonic_ns() - t) / 1e9;
		if (ret)
			goto drop;
	}
	ret = VX_MISSED;
	if (vx_signal || assemble(&crew, out))
		goto stop;
	ret = VX_OK;
	vx_control->begin = vx_ticks();
	__atomic_store_n(&vx_control->go, 1, __ATOMIC_RELEASE);
	warm_up(&crew, out);
	measure(&crew, out);
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

void vx_outcome_free(struct vx_outcome *out)
{
	free(out->slices);
	out->slices = NULL;
	out->nslices = 0;
}
