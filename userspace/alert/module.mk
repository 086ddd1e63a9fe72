# SPDX-License-Identifier: GPL-2.0
#
# Pushing alerts, with libcurl. Programs do without where it is missing, and make says so.

ifneq ($(wildcard /usr/include/*/curl/curl.h /usr/include/curl/curl.h),)
HAVE_CURL := 1
ALERT_OBJS := build/obj/alert/alert.o
ALERT_CFLAGS := -DHAVE_CURL -Iuserspace/alert
ALERT_LIBS := -lcurl
$(ALERT_OBJS): CFLAGS_USER += $(ALERT_CFLAGS)
else
ALERT_CFLAGS := -Iuserspace/alert
tools: no-alert
.PHONY: no-alert
no-alert:
	@echo "Pushing alerts was left out: libcurl is missing (libcurl4-openssl-dev)."
endif
