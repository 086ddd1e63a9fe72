# SPDX-License-Identifier: GPL-2.0
#
# vexfs-relay, where libnats is there.

RELAY_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/relay/*.c)))
HAVE_NATS := $(wildcard /usr/include/nats/nats.h)
$(RELAY_OBJS): U_CFLAGS += -Iuserspace/store $(EXPOSITION_CFLAGS)

build/bin/vexfs-relay: $(RELAY_OBJS) build/obj/store/crc32c.o $(EXPOSITION_OBJS) $(patsubst %,build/obj/textio/%.o,cmdline escape outfile parse) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(filter %.o,$^) $(U_LIBS) -lnats

ifneq ($(HAVE_NATS),)
PROGRAMS += build/bin/vexfs-relay
else
tools: no-nats
.PHONY: no-nats
no-nats:
	@echo "vexfs-relay was not built: install libnats-dev."
endif
