# SPDX-License-Identifier: GPL-2.0
#
# vexfs-exporter. Without libmicrohttpd everything else is built, and make says so.

EXPORTER_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/vexfs-exporter/*.c)))
EXPORTER_PAGE := userspace/vexfs-exporter/page.html
$(EXPORTER_OBJS): CFLAGS_USER += $(WIRE_CFLAGS) $(EXPOSITION_CFLAGS) -pthread -DEXPORTER_PAGE=\"$(EXPORTER_PAGE)\"
build/obj/vexfs-exporter/live.o: $(EXPORTER_PAGE)

build/bin/vexfs-exporter: $(EXPORTER_OBJS) $(EXPOSITION_OBJS) $(WIRE_OBJS) $(COMMON_OBJS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(EXPORTER_OBJS) $(EXPOSITION_OBJS) $(WIRE_OBJS) $(COMMON_OBJS) \
		$(U_LIBS) $(WIRE_LIBS) -lmicrohttpd -lm

ifneq ($(wildcard /usr/include/microhttpd.h),)
PROGRAMS += build/bin/vexfs-exporter
EXTRAS += userspace/vexfs-exporter/etc/vexfs-exporter.socket:$(PREFIX)/lib/systemd/system/vexfs-exporter.socket
EXTRAS += build/etc/vexfs-exporter.service:$(PREFIX)/lib/systemd/system/vexfs-exporter.service
install-tools: build/etc/vexfs-exporter.service

build/etc/vexfs-exporter.service: userspace/vexfs-exporter/etc/vexfs-exporter.service.in FORCE
	$(begin)
	@sed 's|@PREFIX@|$(PREFIX)|g' $< > $@

else
tools: no-exporter
.PHONY: no-exporter
no-exporter:
	@echo "vexfs-exporter was not built: it needs libmicrohttpd (apt-get install libmicrohttpd-dev)"
endif
