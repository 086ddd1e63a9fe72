/* SPDX-License-Identifier: GPL-2.0 */
/* Timers and eventfds by their newer names. */
#ifndef _VEXFS_COMPAT_TIMER_H
#define _VEXFS_COMPAT_TIMER_H

#include <linux/eventfd.h>
#include <linux/timer.h>

#include "compat/compat.h"

#ifndef HAVE_TIMER_DELETE
#define timer_delete_sync(timer)	del_timer_sync(timer)
#endif

static inline void vexfs_eventfd_signal(struct eventfd_ctx *event)
{
#ifdef HAVE_EVENTFD_SIGNAL_ONE
	eventfd_signal(event);
#else
	eventfd_signal(event, 1);
#endif
}

#endif
