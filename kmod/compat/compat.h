/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels. A compile probe (probes.txt) finds each, and this directory supplies
 * what is missing, so that all other code is written for the newest kernel.
 */
#ifndef _VEXFS_COMPAT_H
#define _VEXFS_COMPAT_H

#include <linux/export.h>
#include <linux/slab.h>

#include "features.h"

/* On older kernels the devnode method of a class takes a device that is not const. */
#ifdef HAVE_DEVNODE_CONST
#define DEVNODE_CONST	const
#else
#define DEVNODE_CONST
#endif

/* Caches of like size are merged unless one says no, which 6.1 cannot. */
#ifdef SLAB_NO_MERGE
#define VEXFS_SLAB_NO_MERGE	SLAB_NO_MERGE
#else
#define VEXFS_SLAB_NO_MERGE	0
#endif

/* The workqueue for work that is bound to no CPU. */
#ifndef HAVE_SYSTEM_DFL_WQ
#define system_dfl_wq	system_unbound_wq
#endif

/* The kernel API, for other modules: linux/vexfs_kernel.h. */
#ifdef HAVE_BARE_NAMESPACES
#define VEXFS_EXPORT(sym)	EXPORT_SYMBOL_NS_GPL(sym, VEXFS)
#else
#define VEXFS_EXPORT(sym)	EXPORT_SYMBOL_NS_GPL(sym, "VEXFS")
#endif

/*
 * VEXFS_EXPORT_KUNIT(symbol) lets the KUnit module see an internal function;
 * a module built without tests exports nothing. The suite file that uses it
 * says VEXFS_IMPORT_KUNIT; once.
 */
#ifdef VEXFS_KUNIT
#if defined(HAVE_KUNIT_VISIBILITY) && IS_ENABLED(CONFIG_KUNIT)
#include <kunit/visibility.h>
#define VEXFS_EXPORT_KUNIT(sym)	EXPORT_SYMBOL_IF_KUNIT(sym)
#ifdef HAVE_BARE_NAMESPACES
#define VEXFS_IMPORT_KUNIT	MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING)
#else
#define VEXFS_IMPORT_KUNIT	MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING")
#endif
#elif defined(HAVE_BARE_NAMESPACES)
#define VEXFS_EXPORT_KUNIT(sym)	EXPORT_SYMBOL_NS_GPL(sym, VEXFS_TESTS)
#define VEXFS_IMPORT_KUNIT	MODULE_IMPORT_NS(VEXFS_TESTS)
#else
#define VEXFS_EXPORT_KUNIT(sym)	EXPORT_SYMBOL_NS_GPL(sym, "VEXFS_TESTS")
#define VEXFS_IMPORT_KUNIT	MODULE_IMPORT_NS("VEXFS_TESTS")
#endif

/* First parameter of a generator of test parameters, where there is one. */
#ifdef HAVE_KUNIT_PARAM_TEST
#define VEXFS_GEN_TEST	struct kunit *unused_test,
#else
#define VEXFS_GEN_TEST
#endif
#else
#define VEXFS_EXPORT_KUNIT(sym)
#endif

#endif
