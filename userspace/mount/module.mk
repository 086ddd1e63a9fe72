# SPDX-License-Identifier: GPL-2.0
#
# vexfs-mount. Without libfuse3 everything else is built, and `make' says what is left out.

MOUNT_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/mount/*.c)))
HAVE_FUSE := $(wildcard /usr/include/fuse3/fuse_lowlevel.h)

$(MOUNT_OBJS): CFLAGS_USER += -I/usr/include/fuse3 -D_FILE_OFFSET_BITS=64 -pthread $(EXPOSITION_CFLAGS)

# Without textio's writer of JSON: its names are those of libjansson.
MOUNT_OBJS += $(patsubst %,build/obj/textio/%.o,escape nearest outfile parse) $(EXPOSITION_OBJS)

build/bin/vexfs-mount: $(MOUNT_OBJS) build/lib/libvexstat.a $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(MOUNT_OBJS) build/lib/libvexstat.a $(U_LIBS) \
		-lfuse3 -ljansson -lm

ifneq ($(HAVE_FUSE),)
PROGRAMS += build/bin/vexfs-mount

build/etc/vexfs-mount.service: userspace/mount/etc/vexfs-mount.service.in FORCE
	$(begin)
	@sed 's|@PREFIX@|$(PREFIX)|g' $< > $@

install-tools: build/etc/vexfs-mount.service install-mount-helper
EXTRAS += build/etc/vexfs-mount.service:$(PREFIX)/lib/systemd/system/vexfs-mount.service

# mount(8) looks for helpers of a type in /sbin alone.
.PHONY: install-mount-helper
install-mount-helper:
	@mkdir -p "$(DESTDIR)/sbin"
	@ln -sf "$(PREFIX)/bin/vexfs-mount" "$(DESTDIR)/sbin/mount.fuse.vexfs"

uninstall: uninstall-mount-helper
.PHONY: uninstall-mount-helper
uninstall-mount-helper:
	@rm -f "$(DESTDIR)/sbin/mount.fuse.vexfs"
else
tools: no-fuse
.PHONY: no-fuse
no-fuse:
	@echo "vexfs-mount was not built: install libfuse3-dev."
endif

# The same with sanitizers, for the tests: VEXFS_MOUNT=build/test-bin/vexfs-mount-san. The
# embedder is looked for beside it.
MOUNT_SAN_OBJS := $(MOUNT_OBJS:build/obj/%=build/san/%)
$(filter build/san/mount/%,$(MOUNT_SAN_OBJS)): U_CFLAGS += -I/usr/include/fuse3 -D_FILE_OFFSET_BITS=64 -pthread $(EXPOSITION_CFLAGS)
build/test-bin/vexfs-mount-san: $(sort $(MOUNT_SAN_OBJS) $(LIB_SAN_OBJS) build/san/libvexstat/hist.o build/san/libvexstat/clock.o) \
		build/san/tests/mount_san.o
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -pthread -o $@ $^ -lfuse3 -ljansson -lm
	@ln -sf ../bin/vexfs-embed $(@D)/vexfs-embed

# The same with another libfuse, for a test: make LIBFUSE="$(scripts/fetch-peer libfuse)".
ifneq ($(LIBFUSE),)
MOUNT_PEER_OBJS := $(patsubst userspace/mount/%.c,build/libfuse/%.o,$(sort $(wildcard userspace/mount/*.c)))
build/libfuse/%.o: userspace/mount/%.c
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(EXPOSITION_CFLAGS) -I$(LIBFUSE)/include/fuse3 -D_FILE_OFFSET_BITS=64 -pthread -c -o $@ $<

build/test-bin/vexfs-mount-passthrough: $(MOUNT_PEER_OBJS) \
		$(filter-out build/obj/mount/%,$(MOUNT_OBJS)) build/lib/libvexstat.a $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(filter %.o,$^) build/lib/libvexstat.a $(U_LIBS) \
		$(LIBFUSE)/lib/libfuse3.a -ljansson -lm -ldl
	@ln -sf ../bin/vexfs-embed $(@D)/vexfs-embed
endif

build/test-bin/mount_compare: build/obj/tests/mount_compare.o
	$(begin)
	$(HOSTCC_USER) -o $@ $^

build/test-bin/mount_map: build/obj/tests/mount_map.o $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $< $(U_LIBS) -lm

TEST_PROGRAMS += build/test-bin/mount_compare build/test-bin/mount_map
