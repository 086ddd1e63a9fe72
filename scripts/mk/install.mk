# SPDX-License-Identifier: GPL-2.0
#
# Install and uninstall: files below PREFIX, the module for KDIR, or DKMS, which
# rebuilds the module for every new kernel.

INSTALL ?= install
dkms_src = /usr/src/vexfs-$(VERSION)
# The kernel that KDIR belongs to.
krelease = $(shell sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$(KDIR)/include/generated/utsrelease.h" 2>/dev/null)
manpages = $(wildcard docs/man/*.[1-8])

# Files with a fixed place: FROM:TO. TO is below PREFIX, or in /etc.
EXTRAS += userspace/vexctl/etc/vexctl.bash:$(PREFIX)/share/bash-completion/completions/vexctl
EXTRAS += userspace/vexctl/etc/_vexctl:$(PREFIX)/share/zsh/site-functions/_vexctl
EXTRAS += build/etc/vexfs.service:$(PREFIX)/lib/systemd/system/vexfs.service
EXTRAS += build/etc/vexfs-monitord.service:$(PREFIX)/lib/systemd/system/vexfs-monitord.service
EXTRAS += userspace/vexctl/etc/60-vexfs.rules:$(PREFIX)/lib/udev/rules.d/60-vexfs.rules
EXTRAS += userspace/vexctl/etc/sysusers.conf:$(PREFIX)/lib/sysusers.d/vexfs.conf
EXTRAS += userspace/vexctl/etc/vexfs.conf.default:/etc/vexfs/vexfs.conf.default
config = $(DESTDIR)/etc/vexfs/vexfs.conf

build/etc/%: userspace/vexctl/etc/%.in FORCE
	$(begin)
	@sed 's|@PREFIX@|$(PREFIX)|g' $< > $@

.PHONY: FORCE
FORCE:

.PHONY: install-tools
install-tools: tools build/etc/vexfs.service build/etc/vexfs-monitord.service
	@set -e; for f in $(PROGRAMS); do $(INSTALL) -D -m 755 $$f "$(DESTDIR)$(PREFIX)/bin/$${f##*/}"; done
	@set -e; mkdir -p "$(DESTDIR)$(PREFIX)/lib"; for f in $(LIBRARIES); do cp -a $$f "$(DESTDIR)$(PREFIX)/lib/"; done
	@set -e; for f in $(PCFILES); do \
		$(INSTALL) -D -m 644 $$f "$(DESTDIR)$(PREFIX)/lib/pkgconfig/$${f##*/}"; done
	@set -e; for f in $(HEADERS); do case $$f in \
		kmod/include/uapi/*) to=$${f#kmod/include/uapi/} ;; *) to=$${f##*/} ;; esac; \
		$(INSTALL) -D -m 644 $$f "$(DESTDIR)$(PREFIX)/include/$$to"; done
	@set -e; for f in $(manpages); do \
		$(INSTALL) -D -m 644 $$f "$(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/}"; done
	@set -e; for f in $(EXTRAS); do $(INSTALL) -D -m 644 $${f%%:*} "$(DESTDIR)$${f#*:}"; done
	@[ -e "$(config)" ] || $(INSTALL) -m 644 "$(config).default" "$(config)"

.PHONY: install
install: install-tools module ## programs and library below PREFIX, the module for KDIR (DESTDIR honoured)
	@$(INSTALL) -D -m 644 build/module/host/vexfs.ko \
		"$(DESTDIR)/lib/modules/$(krelease)/updates/vexfs.ko"
	@if [ -z "$(DESTDIR)" ]; then depmod "$(krelease)"; fi
	@echo "installed vexfs $(VERSION) for $(krelease); load it with: modprobe vexfs"

.PHONY: uninstall
uninstall: ## remove the files that install wrote
	@set -e; for f in $(PROGRAMS); do rm -f "$(DESTDIR)$(PREFIX)/bin/$${f##*/}"; done
	@set -e; for f in $(LIBRARIES); do rm -f "$(DESTDIR)$(PREFIX)/lib/$${f##*/}"; done
	@set -e; for f in $(PCFILES); do rm -f "$(DESTDIR)$(PREFIX)/lib/pkgconfig/$${f##*/}"; done
	@set -e; for f in $(HEADERS); do case $$f in \
		kmod/include/uapi/*) to=$${f#kmod/include/uapi/} ;; *) to=$${f##*/} ;; esac; \
		rm -f "$(DESTDIR)$(PREFIX)/include/$$to"; done
	@set -e; for f in $(manpages); do \
		rm -f "$(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/}"; done
	@if cmp -s "$(config)" "$(config).default"; then rm -f "$(config)"; \
		elif [ -e "$(config)" ]; then echo "left: $(config), which was changed"; fi
	@set -e; for f in $(EXTRAS); do rm -f "$(DESTDIR)$${f#*:}"; done
	@if [ -n "$(krelease)" ]; then rm -f "$(DESTDIR)/lib/modules/$(krelease)/updates/vexfs.ko"; \
		if [ -z "$(DESTDIR)" ]; then depmod "$(krelease)"; fi; fi

# DKMS gets exactly the files that a kernel build reads.
.PHONY: dkms-install
dkms-install: ## hand the module to DKMS, which builds it for each kernel
	@command -v dkms >/dev/null || { echo "dkms is missing: sudo apt-get install dkms" >&2; exit 66; }
	@if dkms status -m vexfs -v $(VERSION) | grep -q .; then dkms remove -m vexfs -v $(VERSION) --all; fi
	rm -rf "$(dkms_src)"
	mkdir -p "$(dkms_src)"
	cp -a Kbuild VERSION LICENSE dkms.conf "$(dkms_src)/"
	find kmod -type f \( -name '*.[chS]' -o -name 'Kbuild.*' -o -name 'probe*' \) \
		! -name '*.mod.c' ! -name features.h -exec cp --parents -t "$(dkms_src)" {} +
	sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="$(VERSION)"/' "$(dkms_src)/dkms.conf"
	dkms add -m vexfs -v $(VERSION)
	dkms install -m vexfs -v $(VERSION) $(if $(krelease),-k $(krelease),)

.PHONY: dkms-uninstall
dkms-uninstall: ## remove the module from DKMS
	@command -v dkms >/dev/null || { echo "dkms is missing: sudo apt-get install dkms" >&2; exit 66; }
	@if dkms status -m vexfs -v $(VERSION) | grep -q .; then dkms remove -m vexfs -v $(VERSION) --all; fi
	rm -rf "$(dkms_src)"
