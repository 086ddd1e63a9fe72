// SPDX-License-Identifier: GPL-2.0
/*
 * A worker: waits for the start, sends op after op in a closed or an open loop, and
 * records each. Writes only to its own part of the shared memory.
 */
#include "engine.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void vx_wrong(struct vx_worker *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->shared->wrong++) {
		va_start(ap, fmt);
		vsnprintf(w->shared->message, sizeof(w->shared->message), fmt, ap);
		va_end(ap);
	}
}

static void set_state(struct vx_worker *w, enum vx_state s)
{
	__atomic_store_n(&w->shared->state, s, __ATOMIC_RELEASE);
}

void vx_nap(double ns)
{
	struct timespec t;

	t.tv_sec = (time_t)(ns / 1e9);
	t.tv_nsec = (long)(ns - (double)t.tv_sec * 1e9);
	nanosleep(&t, NULL);
}

bool vx_warmed_up(const struct vx_worker *w)
{
	return w->warming &&
	       __atomic_load_n(&vx_control->measuring, __ATOMIC_ACQUIRE) != VX_WARMING;
}

/*
 * Waits until a given time. It sleeps while that is far and spins at the end, because
 * timers are 50 to 100 us late. If a spinning worker does not read the clock for long,
 * the machine was unavailable, and that time is counted. Returns how much of it is after
 * the given time.
 */
static uint64_t wait_until(struct vx_worker *w, uint64_t when)
{
	uint64_t last = vs_ticks(), missing = 0;

	while (!vx_over(w) && !vx_warmed_up(w)) {
		uint64_t now = vs_ticks(), gap = now - last;
		double ns;

		if (vs_to_ns(gap) > VX_UNAVAILABLE_NS) {
			vs_hist_set(&w->shared->unavailable_ns,
				    w->shared->unavailable_ns + vs_to_ns(gap));
			if (now > when)
				missing = gap < now - when ? gap : now - when;
		}
		if (now >= when)
			break;
		ns = (double)vs_to_ns(when - now);
		if (ns > 300000) {
			vx_nap(ns > 50e6 ? 50e6 : ns - 200000);
			now = vs_ticks();
		} else {
			__builtin_ia32_pause();
		}
		last = now;
	}
	return missing;
}

static int pin(const char *list, unsigned int index)
{
	int cpus[1024], n = 0, from, to;
	const char *p = list;
	cpu_set_t set;
	char *end;

	while (*p && n < 1024) {
		from = to = (int)strtol(p, &end, 10);
		if (end == p || from < 0)
			return -1;
		if (*end == '-') {
			p = end + 1;
			to = (int)strtol(p, &end, 10);
			if (end == p || to < from)
				return -1;
		}
		while (from <= to && n < 1024)
			cpus[n++] = from++;
		p = end;
		if (*p == ',')
			p++;
		else if (*p)
			return -1;
	}
	if (!n || cpus[index % (unsigned int)n] >= CPU_SETSIZE)
		return -1;
	CPU_ZERO(&set);
	CPU_SET(cpus[index % (unsigned int)n], &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* Makes one call and records it. @due and @missing as above. */
static void one_call(struct vx_worker *w, uint64_t due, uint64_t missing)
{
	unsigned int kind = vx_worker_pick(w);
	int err;

	vx_worker_prepare(w, kind);
	/* Preparing the request is not the module's time, so the measured latency excludes it. */
	w->started = vs_ticks();
	err = vx_worker_op(w, kind);
	w->ended = vs_ticks();
	vx_record(w, kind, due, missing, err);
	vx_worker_after(w, kind, err);
}

void vx_begin_counting(struct vx_worker *w)
{
	w->warming = false;
	if (!w->job->ops)
		return;
	set_state(w, VX_PARKED);
	while (__atomic_load_n(&vx_control->measuring, __ATOMIC_ACQUIRE) != VX_MEASURING &&
	       !vx_over(w))
		vx_nap(20000);
	set_state(w, VX_RUNNING);
}

uint64_t vx_quota(const struct vx_worker *w)
{
	const struct vx_job *job = w->job;

	return job->ops ? job->ops / job->threads + (w->index < job->ops % job->threads)
			: UINT64_MAX;
}

static double mean_gap(const struct vx_job *job)
{
	return job->rate > 0 ? 1e9 * (double)job->threads * (double)job->batch / job->rate : 0;
}

uint64_t vx_gap(struct vx_worker *w)
{
	double mean = mean_gap(w->job);

	return vs_to_ticks(w->job->arrival == VX_POISSON ? -log(1 - vs_rng_unit(&w->rng)) * mean :
			   mean);
}

void vx_all_done(struct vx_worker *w, uint64_t ended)
{
	vs_hist_set(&w->shared->ended, vx_quota(w) ? ended : 1);
}

static void loop(struct vx_worker *w)
{
	const struct vx_job *job = w->job;
	uint64_t quota = vx_quota(w), done = 0, due = 0;

	w->warming = true;
	if (job->ramp > 0)
		wait_until(w, vx_control->begin + vs_to_ticks(job->ramp * 1e9 * w->index / job->threads));
	if (job->rate > 0)
		due = vs_ticks() + vs_to_ticks(mean_gap(job) * w->index / job->threads);
	while (!vx_over(w) && (w->warming || done < quota)) {
		uint64_t missing = 0;

		if (vx_warmed_up(w)) {
			vx_begin_counting(w);
			done = 0;
			/* Delays up to now do not count. */
			if (job->rate > 0 && vs_ticks() > due)
				due = vs_ticks();
			w->free_at = w->free_without = 0;
			continue;
		}
		if (job->rate > 0) {
			missing = wait_until(w, due);
			if (vx_over(w) || vx_warmed_up(w))
				continue;
		}
		one_call(w, due, missing);
		done += w->done;
		if (job->rate > 0)
			due += vx_gap(w);
		else if (job->think > 0)
			wait_until(w, vs_ticks() + vs_to_ticks(job->think * 1e9));
	}
	if (done >= quota)
		vx_all_done(w, w->ended);
}

static void usage_of(struct vx_worker *w)
{
	struct vx_shared *s = w->shared;
	struct rusage u;

	if (getrusage(w->job->workers == VX_PROCESSES ? RUSAGE_SELF : RUSAGE_THREAD, &u))
		return;
	s->user_us = (uint64_t)u.ru_utime.tv_sec * 1000000 + (uint64_t)u.ru_utime.tv_usec;
	s->system_us = (uint64_t)u.ru_stime.tv_sec * 1000000 + (uint64_t)u.ru_stime.tv_usec;
	s->rss_kb = w->job->workers == VX_PROCESSES ? (uint64_t)u.ru_maxrss : 0;
	s->voluntary = (uint64_t)u.ru_nvcsw;
	s->involuntary = (uint64_t)u.ru_nivcsw;
	s->minor = (uint64_t)u.ru_minflt;
	s->major = (uint64_t)u.ru_majflt;
}

void *vx_worker_main(void *arg)
{
	struct vx_worker *w = arg;
	bool many = w->job->workload->transport != VX_CALL;

	w->shared->pid = (int32_t)gettid();
	vs_rng_seed(&w->rng, vs_mix(w->job->seed) + w->index);
	if (w->job->cpus && pin(w->job->cpus, w->index)) {
		snprintf(w->shared->message, sizeof(w->shared->message),
			 "cannot pin a worker to processors %s", w->job->cpus);
		set_state(w, VX_FAILED);
		return NULL;
	}
	if (vx_worker_start(w) || (many && vx_async_start(w))) {
		vx_async_stop(w);
		vx_worker_stop(w);
		set_state(w, VX_FAILED);
		return NULL;
	}
	set_state(w, VX_READY);
	while (!__atomic_load_n(&vx_control->go, __ATOMIC_ACQUIRE) && !vx_stopped())
		vx_nap(200000);
	set_state(w, VX_RUNNING);
	if (many)
		vx_async_loop(w);
	else
		loop(w);
	usage_of(w);
	vx_async_stop(w);
	vx_worker_stop(w);
	set_state(w, VX_DONE);
	return NULL;
}
