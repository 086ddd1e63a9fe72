/* SPDX-License-Identifier: GPL-2.0 */
/* The stack pointer, also for User Mode Linux, which defines no name for it. */
#ifndef _VEXFS_COMPAT_STACK_H
#define _VEXFS_COMPAT_STACK_H

#include <linux/compiler.h>

#include "compat/compat.h"

#ifdef HAVE_STACK_POINTER
#include <asm/asm.h>
#endif

/* Where the stack ends now, the frame of the function itself included. */
static __always_inline unsigned long vexfs_stack_pointer(void)
{
#ifdef HAVE_STACK_POINTER
	return current_stack_pointer;
#else
	/* Its beginning, where there is nothing better: one frame too high. */
	return (unsigned long)__builtin_frame_address(0);
#endif
}

#endif
