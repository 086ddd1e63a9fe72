# SPDX-License-Identifier: GPL-2.0
#
# Pushing alerts, over userspace/remote. Without libcurl a push fails and says so.

ALERT_OBJS := build/obj/alert/alert.o
ALERT_CFLAGS := -Iuserspace/alert
$(ALERT_OBJS): CFLAGS_USER += $(ALERT_CFLAGS) -Iuserspace/remote
