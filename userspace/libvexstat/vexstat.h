/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is B better than A? Bootstrap confidence intervals, and verdicts that need significance
 * and size; "cannot tell" is one of them. The library knows numbers only; what they
 * measure is up to the caller.
 */
#ifndef VEXSTAT_H
#define VEXSTAT_H

#include <stddef.h>
#include <stdint.h>

enum vs_direction {
	VS_HIGHER,	/* more is better: throughput, hit rate, recall */
	VS_LOWER,	/* less is better: latencies, memory */
};

enum vs_verdict {
	VS_CANNOT_TELL,
	VS_UNCHANGED,
	VS_IMPROVED,
	VS_REGRESSED,
};

/**
 * struct vs_rules - what counts as a change
 * @alpha: probability of reporting a change where there is none that matters, over all
 * metrics compared together
 * @min_effect: smaller relative changes do not matter (0.05 is 5 %). A change is reported
 * if it is significantly larger, "unchanged" if it is significantly smaller
 * @fail_effect: a regression of this size is a failure, a smaller one is a warning; the
 * number of samples asked for is sufficient to find it
 * @resamples: of the bootstrap
 * @seed: of the bootstrap, so that results are reproducible
 */
struct vs_rules {
	double alpha;
	double min_effect;
	double fail_effect;
	unsigned int resamples;
	uint64_t seed;
};

#define VS_RULES_DEFAULT { 0.05, 0.05, 0.10, 10000, 1 }

/**
 * struct vs_change - B against A in one metric
 * @a: mean of A
 * @b: mean of B
 * @change: b / a - 1
 * @low: confidence interval of @change, lower end
 * @high: upper end
 * @p: chance of seeing this if the true change were no larger than the limit,
 *	which is the minimum effect or the noise floor, whichever is larger
 * @p_holm: @p corrected for the number of metrics (vs_decide_all())
 * @floor: noise floor that was respected: a smaller change is not called
 * @verdict: what to say
 * @fail: a regression of at least the size that fails
 * @have: values on the smaller side
 * @need: VS_CANNOT_TELL: values on each side with which a change of the size that
 *	fails is found in 95 of 100 comparisons; 0: whole runs have to be repeated,
 *	for it is the noise between runs that hides it
 * @cv: relative standard deviation of the values, both sides together
 * @rho: how much a value resembles the one before it, at most
 */
struct vs_change {
	double a, b;
	double change, low, high;
	double p, p_holm;
	double floor;
	enum vs_verdict verdict;
	int fail;
	size_t have, need;
	double cv, rho, noise;
};

/**
 * struct vs_samples - one side of a comparison
 * @v: values: one per repetition, or one per slice of a run
 * @n: number of values; below 4 there is no verdict
 * @noise: relative standard deviation between runs, if the values do not contain it
 * (slices of one run), else 0
 */
struct vs_samples {
	const double *v;
	size_t n;
	double noise;
};

struct vs_interval {
	double mean, low, high;
};

double vs_mean(const double *v, size_t n);
double vs_stddev(const double *v, size_t n);	/* of the sample, n - 1 */
double vs_quantile(const double *v, size_t n, double q);	/* @v may be unsorted */

/* Mean with its studentised bootstrap interval at 1 - alpha. */
struct vs_interval vs_bootstrap_mean(const double *v, size_t n, const struct vs_rules *r);

/**
 * vs_compare() - fills in all of a change but verdict and p_holm
 * @a: the values of A
 * @b: the values of B
 * @floor: relative size of changes that A/A comparisons show on this machine
 * @r: rules
 * @out: the result
 *
 * Slices of one run are autocorrelated. The interval is widened by an upper bound of the
 * autocorrelation and by the smaller number of effective values. From ten values per side
 * on there are no more false alarms than alpha up to an autocorrelation of 0.6.
 */
void vs_compare(const struct vs_samples *a, const struct vs_samples *b, double floor,
		const struct vs_rules *r, struct vs_change *out);

/*
 * Values per side with which a change of @effect is found in 95 of 100 comparisons under
 * these rules; 0 if no number is sufficient.
 * @cv: relative standard deviation of the values, @rho: their autocorrelation
 */
size_t vs_samples_needed(double cv, double rho, double noise, double effect, double floor,
			 const struct vs_rules *r);

/* Applies Holm's correction to all @n changes, then decides each. */
void vs_decide_all(struct vs_change *c, const enum vs_direction *dir, size_t n,
		   const struct vs_rules *r);

/* Converts p[] to Holm-corrected out[], in the same order. */
void vs_holm(const double *p, double *out, size_t n);

/**
 * struct vs_noise - result of A/A comparisons of one metric
 * @sd: relative standard deviation between runs
 * @floor: 95 % of all pairs of runs differ by less than this, relatively
 */
struct vs_noise {
	double sd;
	double floor;
};

/* @means: the mean of each run. */
struct vs_noise vs_noise_of(const double *means, size_t n);

/**
 * struct vs_line - a regression line through values at x = 0, 1, 2...
 * @slope: per step
 * @se: its standard error
 * @mean: of the values
 */
struct vs_line {
	double slope, se, mean;
};

struct vs_line vs_fit(const double *v, size_t n);

/*
 * Is a series of rates steady? A test of equivalence: true if its rise or fall over the
 * whole window is significantly (95 %) below @tolerance of the mean. A series that is too
 * noisy to tell is not steady.
 */
int vs_steady(const double *v, size_t n, double tolerance);

/* Student's t: probability of exceeding @t, and the quantile @t for probability @p. */
double vs_t_tail(double t, double dof);
double vs_t_quantile(double p, double dof);

const char *vs_verdict_name(enum vs_verdict v);

#endif
