# SPDX-License-Identifier: GPL-2.0
#
# libvexfs, shared and static. The map file is the list of what it exports.

LIB_SRCS := $(sort $(wildcard userspace/libvexfs/*.c)) userspace/textio/escape.c userspace/textio/outfile.c
LIB_OBJS := $(LIB_SRCS:userspace/%.c=build/obj/%.o)
LIB_SAN_OBJS := $(LIB_OBJS:build/obj/%=build/san/%)

build/lib/libvexfs.so.1: $(LIB_OBJS) userspace/libvexfs/libvexfs.map
	$(begin)
	$(HOSTCC_USER) -shared -Wl,-soname,libvexfs.so.1 -Wl,-z,defs \
		-Wl,--version-script=userspace/libvexfs/libvexfs.map -o $@ $(LIB_OBJS) -lm

build/lib/libvexfs.so: build/lib/libvexfs.so.1
	ln -sf libvexfs.so.1 $@

# One object that keeps the internal names to itself, so that they clash with
# nobody's.
OBJCOPY ?= objcopy
build/lib/libvexfs.a: $(LIB_OBJS) userspace/libvexfs/libvexfs.map
	$(begin)
	$(LD) -r -o build/lib/libvexfs.o $(LIB_OBJS)
	$(OBJCOPY) $$(sed -n 's/^\t\t\(vexfs_.*\);/-G \1/p' userspace/libvexfs/libvexfs.map) build/lib/libvexfs.o
	rm -f $@
	$(AR) rcs $@ build/lib/libvexfs.o

# Made anew each time: PREFIX may be another one than before.
build/lib/pkgconfig/vexfs.pc: userspace/libvexfs/vexfs.pc.in VERSION FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e "s|@VERSION@|$$(cat VERSION)|" $< > $@

LIBVEXFS := build/lib/libvexfs.so
# For programs in build/bin: they find build/lib beside them.
U_LIBS := -Lbuild/lib -lvexfs '-Wl,-rpath,$$ORIGIN/../lib'

.PHONY: lib
lib: build/lib/libvexfs.so build/lib/libvexfs.a build/lib/pkgconfig/vexfs.pc ## the client library
LIBRARIES += build/lib/libvexfs.so.1 build/lib/libvexfs.so build/lib/libvexfs.a
HEADERS += userspace/libvexfs/vexfs.h
PCFILES += build/lib/pkgconfig/vexfs.pc
