# SPDX-License-Identifier: GPL-2.0
#
# vexfsd, the storage daemon.

VEXFSD_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/vexfsd/*.c)))
$(VEXFSD_OBJS): U_CFLAGS += -Iuserspace/store $(EXPOSITION_CFLAGS)

build/bin/vexfsd: $(VEXFSD_OBJS) $(STORE_OBJS) $(EXPOSITION_OBJS) \
		$(patsubst %,build/obj/textio/%.o,cmdline escape outfile parse)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpthread

PROGRAMS += build/bin/vexfsd

build/etc/vexfsd.service: userspace/vexfsd/etc/vexfsd.service.in FORCE
	$(begin)
	@sed 's|@PREFIX@|$(PREFIX)|g' $< > $@

install-tools: build/etc/vexfsd.service
EXTRAS += build/etc/vexfsd.service:$(PREFIX)/lib/systemd/system/vexfsd.service
