# SPDX-License-Identifier: GPL-2.0
#
# The entry point: `make help' lists what there is. The module itself is built by
# the kernel's Kbuild from the file Kbuild; programs by the module.mk
# files below userspace/; further targets live in scripts/mk/*.mk. Build results go
# to build/ only.

VERSION := $(shell cat VERSION)
PREFIX ?= /usr/local
DESTDIR ?=
KDIR ?= /lib/modules/$(shell uname -r)/build
LAB ?= uml
CC ?= gcc

# Kbuild reads this file too when somebody names the tree with M=; Kbuild's own
# file takes precedence there, so nothing here needs to care.
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

# What the module.mk files add to. Test programs run in labs and are not installed.
PROGRAMS :=
TEST_PROGRAMS :=
LIBRARIES :=
PCFILES :=
HEADERS := kmod/include/uapi/linux/vexfs.h
UNIT_TESTS :=

# PROFILE=1: builds for profilers, beside the others; docs/profiling says how.
ifneq ($(filter-out 1,$(PROFILE)),)
$(error PROFILE is 1 or not set, not '$(PROFILE)')
endif

# Building and installing only say which packages are missing. What runs labs, tests or
# benchmarks installs them.
BUILD_GOALS := all tools lib module man help clean install install-% uninstall dkms-% examples
ifeq ($(filter-out $(BUILD_GOALS),$(MAKECMDGOALS)),)
export VEXFS_NO_INSTALL ?= 1
else
export VEXFS_NO_INSTALL ?= 0
endif

.PHONY: all
all: $(if $(filter 1,$(PROFILE)),profile-tools module-if-possible,tools module-if-possible) ## module for KDIR (default: the running kernel) and the programs

# First what the others name in their rules, which make reads at once.
FIRST_MK := $(patsubst %,userspace/%/module.mk,textio libvexfs libvexstat)
include $(FIRST_MK)
include $(filter-out $(FIRST_MK),$(wildcard userspace/*/module.mk))
# Benchmarks use what tests define.
include $(wildcard userspace/tests/*/module.mk userspace/bench/*/module.mk)
include $(sort $(wildcard scripts/mk/*.mk))

.PHONY: tools
tools: $(PROGRAMS) $(LIBRARIES) $(PCFILES) ## vexctl, vexstress, libvexfs and friends, in build/bin and build/lib

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

.PHONY: module module-if-possible
module: ## vexfs.ko for KDIR, in build/module/host
	@VEXFS_PROFILE=$(PROFILE) scripts/build-module "$(KDIR)"

module-if-possible:
ifeq ($(origin KDIR),file)
	@if [ -e "$(KDIR)" ]; then VEXFS_PROFILE=$(PROFILE) scripts/build-module "$(KDIR)"; else \
		echo "vexfs.ko was not built: the running kernel ($$(uname -r)) has no headers here."; \
		echo "Install linux-headers-$$(uname -r), name a kernel tree with KDIR=..., or use a lab (make run)."; fi
else
	@VEXFS_PROFILE=$(PROFILE) scripts/build-module "$(KDIR)"
endif

.PHONY: run
run: tools ## the main job: vexfs against its targets in LAB (default uml)
	@scripts/run "$(LAB)"

# All that the groups need, so that two of them at a time find it made.
.PHONY: test-programs
test-programs: tools $(UNIT_TESTS) $(TEST_PROGRAMS) e2e-tests examples

# What compiles for the tests remembers what it compiled before, in any clone.
.PHONY: test
test: export CCACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vexfs/ccache
test: export HOSTCC_USER := ccache $(CC)
test: export FUZZ_CC := ccache $(FUZZ_CC)
test: ## all tests, cheap ones first; T="NAME..." picks groups
	@mkdir -p build/test
	@scripts/need ccache:ccache
	@$(MAKE) --no-print-directory -j$$(nproc) test-programs
	@printf '%s\n' $(UNIT_TESTS) | sed '/^$$/d' > build/test/unit-tests
	@scripts/test $(T)

.PHONY: kunit
kunit: ## the KUnit suites in LAB (uml, debug or arm64)
	@scripts/kunit "$(LAB)"

.PHONY: matrix
matrix: ## every kernel: build, load, 20 load/unload cycles, clean log
	@scripts/matrix

.PHONY: lint
lint: tools ## style, warnings, static analysis; prints its summary only
	@scripts/lint

.PHONY: clean
clean: ## remove build results (kernels stay in the cache)
	rm -rf build
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '*.su' -o -name '*.ci' -o -name 'modules.order' \
		-o -name 'Module.symvers' -o -path ./kmod/compat/features.h \) -type f -exec rm -f {} +

.PHONY: help
help: ## this list
	@echo "vexfs $(VERSION)"
	@awk -F ':.*## ' '/^[a-z][a-z0-9 _-]*:.*## / { \
		split($$1, names, " "); printf "  make %-18s %s\n", names[1], $$2 }' \
		Makefile $(sort $(wildcard scripts/mk/*.mk userspace/*/module.mk userspace/*/*/module.mk))
	@echo "Variables: KDIR, LAB, PREFIX, DESTDIR, T. Labs: scripts/lab list"
