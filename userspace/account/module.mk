# SPDX-License-Identifier: GPL-2.0
#
# The account and the machine as figures that operators look at.

ACCOUNT_OBJS := build/obj/account/host.o build/obj/account/metrics.o
ACCOUNT_INC := -Iuserspace/account
$(ACCOUNT_OBJS): CFLAGS_USER += $(ACCOUNT_INC) $(WIRE_CFLAGS)
