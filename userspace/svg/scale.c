// SPDX-License-Identifier: GPL-2.0
#include "scale.h"

#include <math.h>
#include <time.h>

bool scale_takes(const struct svg_axis *a, double v)
{
	return isfinite(v) && (!a->log || v > 0);
}

void scale_cover(const struct svg_axis *a, double *lo, double *hi, double v)
{
	if (!scale_takes(a, v))
		return;
	*lo = fmin(*lo, v);
	*hi = fmax(*hi, v);
}

double scale_place(const struct scale *s, double v)
{
	double at = s->log ? log10(v) : v;

	at = (at - s->lo) / (s->hi - s->lo);
	/* bounds may be narrower than the data */
	at = fmin(fmax(at, 0), 1);
	return s->from + at * (s->to - s->from);
}

static void add_mark(struct scale *s, double v)
{
	double at = s->log ? log10(v) : v, slack = (s->hi - s->lo) * 1e-6;

	if (s->marks < SCALE_MARKS && at >= s->lo - slack && at <= s->hi + slack)
		s->mark[s->marks++] = fabs(v) < slack && !s->log ? 0 : v;
}

/* Decades, and 2 and 5 between them if there are few. */
static void mark_decades(struct scale *s)
{
	static const double between[] = { 1, 2, 5 };
	int first = (int)floor(s->lo), last = (int)ceil(s->hi), step = 1 + (last - first) / 12, e;
	size_t i, n = last - first > 3 ? 1 : 3;

	for (e = first; e <= last; e += step)
		for (i = 0; i < n; i++)
			add_mark(s, between[i] * pow(10, e));
}

/* A round step for about @want marks. */
static double step_of(double range, enum svg_unit unit, int want)
{
	static const double times[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
					7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600,
					2592000, 7776000, 31536000 };
	static const double round[] = { 1, 2, 5, 10 };
	double rough = range / want, base = pow(10, floor(log10(rough)));
	size_t i;

	if (unit == SVG_NINES)
		return fmax(1, ceil(rough));
	if (unit == SVG_BYTES && rough >= 1)
		return exp2(ceil(log2(rough)));
	if (unit == SVG_EPOCH && rough >= 1)
		for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
			if (times[i] >= rough)
				return times[i];
	for (i = 0; i < 3 && round[i] * base < rough * 0.999; i++)
		;
	return round[i] * base;
}

static void mark_steps(struct scale *s, const struct svg_axis *a)
{
	int want = fabs(s->to - s->from) < 400 ? 5 : 8, i;
	double step = step_of(s->hi - s->lo, a->unit, want), first = ceil(s->lo / step - 1e-9);

	for (i = 0; i < SCALE_MARKS; i++)
		add_mark(s, (first + i) * step);
}

bool scale_init(struct scale *s, const struct svg_axis *a, double lo, double hi, double from,
		double to)
{
	*s = (struct scale){ .log = a->log, .from = from, .to = to };
	if (a->bounded) {
		lo = a->min;
		hi = a->max;
	} else if (a->from_zero && !a->log) {
		lo = fmin(lo, 0);
	}
	if (!(hi >= lo) || !isfinite(lo) || !isfinite(hi) || (a->log && lo <= 0))
		return false;
	s->lo = a->log ? log10(lo) : lo;
	s->hi = a->log ? log10(hi) : hi;
	/* a single value is centred */
	if (s->hi - s->lo <= fabs(s->hi) * 1e-9) {
		double room = a->log ? 0.5 : s->hi != 0 ? fabs(s->hi) * 0.1 : 1;

		s->lo -= !a->bounded && a->from_zero && s->lo == 0 ? 0 : room;
		s->hi += room;
	} else if (!a->bounded) {
		double room = (s->hi - s->lo) * 0.04;

		s->hi += room;
		s->lo -= a->from_zero && !a->log && s->lo >= 0 ? 0 : room;
	}
	if (a->log)
		mark_decades(s);
	if (s->marks < 2) {
		s->marks = 0;
		if (a->log) {
			add_mark(s, pow(10, s->lo));
			add_mark(s, pow(10, s->hi));
		} else {
			mark_steps(s, a);
		}
	}
	return true;
}

/* @v in the largest of @n units that is not larger than it. */
static char *scaled(char *to, size_t size, double v, const double *unit, const char *const *name,
		    size_t n)
{
	size_t i = 0;

	while (i + 1 < n && fabs(v) < unit[i] * 0.9995)
		i++;
	snprintf(to, size, "%.4g%s", v / unit[i], v != 0 ? name[i] : "");
	return to;
}

static char *epoch(char *to, size_t size, double v)
{
	time_t t = (time_t)v;
	struct tm tm;

	if (fabs(v) > 1e12 || !gmtime_r(&t, &tm))
		snprintf(to, size, "%.0f", v);
	else if (tm.tm_hour || tm.tm_min || tm.tm_sec)
		strftime(to, size, tm.tm_sec ? "%H:%M:%S" : "%m-%d %H:%M", &tm);
	else
		strftime(to, size, "%Y-%m-%d", &tm);
	return to;
}

char *svg_number(char *to, size_t size, double v, enum svg_unit unit)
{
	static const double si[] = { 1e9, 1e6, 1e3, 1 }, ns[] = { 1e9, 1e6, 1e3, 1 };
	static const double sec[] = { 86400, 3600, 1, 1e-3, 1e-6 };
	static const double bytes[] = { 0x1p40, 0x1p30, 0x1p20, 0x1p10, 1 };
	static const char *const si_name[] = { "G", "M", "k", "" };
	static const char *const ns_name[] = { " s", " ms", " \302\265s", " ns" };
	static const char *const sec_name[] = { " d", " h", " s", " ms", " \302\265s" };
	static const char *const bytes_name[] = { " TiB", " GiB", " MiB", " KiB", " B" };

	switch (unit) {
	case SVG_NUMBER:
		if (fabs(v) < 1)
			break;
		return scaled(to, size, v, si, si_name, 4);
	case SVG_NS:
		return scaled(to, size, v, ns, ns_name, 4);
	case SVG_SECONDS:
		return scaled(to, size, v, sec, sec_name, 5);
	case SVG_BYTES:
		return scaled(to, size, v, bytes, bytes_name, 5);
	case SVG_SHARE:
		snprintf(to, size, "%.4g %%", 100 * v);
		return to;
	case SVG_NINES:
		/* beyond that there is no fraction */
		if (!(v >= 0 && v < 16))
			break;
		snprintf(to, size, "p%.7g", 100 * (1 - pow(10, -v)));
		return to;
	case SVG_EPOCH:
		return epoch(to, size, v);
	case SVG_PLAIN:
		break;
	}
	snprintf(to, size, "%.6g", v);
	return to;
}
