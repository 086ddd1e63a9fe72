# SPDX-License-Identifier: GPL-2.0
#
# Writing metrics: for the exporter and for whoever else shows some.

EXPOSITION_CFLAGS := -Iuserspace/exposition
EXPOSITION_OBJS := build/obj/exposition/exposition.o
$(EXPOSITION_OBJS) $(EXPOSITION_OBJS:build/obj/%=build/san/%): CFLAGS_USER += $(EXPOSITION_CFLAGS)
