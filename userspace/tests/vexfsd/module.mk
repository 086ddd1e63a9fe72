# SPDX-License-Identifier: GPL-2.0
#
# vexfsd in a lab: writers who write down what was acknowledged.

build/test-bin/durable-load: build/obj/tests/vexfsd/load.o build/obj/textio/parse.o $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(filter %.o,$^) $(U_LIBS) -lm

TEST_PROGRAMS += build/test-bin/durable-load

build/obj/tests/vexfsd/notify.o: U_CFLAGS += -Iuserspace/tests

build/test-bin/vexfsd-notify: build/obj/tests/vexfsd/notify.o
	$(begin)
	$(HOSTCC_USER) -o $@ $^

TEST_PROGRAMS += build/test-bin/vexfsd-notify

build/test-bin/disk-cut: build/obj/tests/vexfsd/diskcut.o
	$(begin)
	$(HOSTCC_USER) -o $@ $^

TEST_PROGRAMS += build/test-bin/disk-cut
