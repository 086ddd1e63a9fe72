// SPDX-License-Identifier: GPL-2.0
/*
 * Met, missed, or cannot tell. The measured value counts first, with everything that
 * happened on the machine: if it meets its target the target is met. Otherwise the value
 * without unavailable time is examined, which can only change the verdict to "cannot
 * tell".
 */
#include "verdict.h"
#include "vexstress.h"

static bool reaches(const struct vx_figures *f, double v)
{
	return f->higher ? v >= f->target : v <= f->target;
}

enum vx_verdict vx_verdict_of(const struct vx_figures *f)
{
	if (f->failed)
		return VX_V_MISSED;
	if (!f->measured)
		return f->broken ? VX_V_MISSED : VX_V_SKIPPED;
	/* A latency does not count if the rate was not held. */
	if (reaches(f, f->got) && f->held >= VX_HELD * f->due)
		return VX_V_MET;
	if (reaches(f, f->without) && f->held_without >= VX_HELD * f->due)
		return VX_V_CANNOT_TELL;
	return VX_V_MISSED;
}

const char *vx_verdict_word(enum vx_verdict v)
{
	switch (v) {
	case VX_V_MET:
		return "met";
	case VX_V_MISSED:
		return "missed";
	case VX_V_CANNOT_TELL:
		return "cannot tell";
	default:
		return "skipped";
	}
}

int vx_count_status(const struct vx_count *c, bool strict)
{
	if (c->of[VX_V_MISSED])
		return VX_MISSED;
	return strict && (c->of[VX_V_CANNOT_TELL] || !c->of[VX_V_MET]) ? VX_CANNOT_TELL : VX_OK;
}
