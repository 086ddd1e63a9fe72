/* SPDX-License-Identifier: GPL-2.0 */
/* Memory of an SRCU domain, which no kernel reports. */
#ifndef _VEXFS_COMPAT_SRCU_H
#define _VEXFS_COMPAT_SRCU_H

#include <linux/cpumask.h>
#include <linux/srcu.h>

#include "compat/compat.h"

#ifdef CONFIG_TREE_SRCU
static inline size_t vexfs_srcu_bytes(void)
{
	size_t bytes = num_possible_cpus() * sizeof(struct srcu_data);

#ifdef HAVE_SRCU_USAGE
	bytes += sizeof(struct srcu_usage);
#endif
	return bytes;
}
#else
static inline size_t vexfs_srcu_bytes(void)
{
	return 0;
}
#endif

#endif
