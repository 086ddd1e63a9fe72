/* SPDX-License-Identifier: GPL-2.0 */
/* Functions of memory management that older kernels lack or name differently. */
#ifndef _VEXFS_COMPAT_MM_H
#define _VEXFS_COMPAT_MM_H

#include <linux/mm.h>

#include "compat/compat.h"

#ifndef HAVE_VM_FLAGS_MOD
static inline void vm_flags_mod(struct vm_area_struct *vma, unsigned long set,
				unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#endif
