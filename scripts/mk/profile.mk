# SPDX-License-Identifier: GPL-2.0
#
# make PROFILE=1: programs and module with frame pointers, sizes of frames and call graphs.
# Objects of other flags lie in a tree of links, so that neither build spoils the other:
# programs in build/profile/build/bin, the module in build/module/host-profile.

PROFILE_FLAGS := -fno-omit-frame-pointer -fno-optimize-sibling-calls -fstack-usage

.PHONY: profile-tools
profile-tools:
	@mkdir -p build/profile
	@for f in Makefile VERSION kmod userspace scripts docs; do ln -sfn "$(CURDIR)/$$f" build/profile/$$f; done
	@$(MAKE) --no-print-directory -C build/profile PROFILE= U_EXTRA="$(PROFILE_FLAGS)" tools

.PHONY: profile
profile: ## where stack, memory and time go: scripts/profiling, with a report in build/profiling
	@scripts/profiling/scripts/run_comprehensive_profiling.sh
