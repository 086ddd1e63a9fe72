# SPDX-License-Identifier: GPL-2.0
#
# The mount: an overlay beside libfuse's own passthrough and the directory itself.

build/obj/bench/fuse/fuse.o: CFLAGS_USER += -Iuserspace/bench/report

build/bin/fuse-bench: build/obj/bench/fuse/fuse.o build/obj/bench/fuse/work.o \
		build/obj/bench/report/rows.o $(patsubst %,build/obj/textio/%.o,json escape outfile) \
		$(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(filter %.o,$^) $(U_LIBS) -ljansson -lm

.PHONY: bench-fuse
bench-fuse: tools build/bin/fuse-bench ## the mount against passthrough_hp and the directory itself: a table, build/bench/fuse.json; SMOKE=1: small, shows that all runs; PART=index: that alone
	@scripts/bench-fuse
