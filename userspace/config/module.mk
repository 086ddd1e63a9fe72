# SPDX-License-Identifier: GPL-2.0
#
# What programs read from vexfs.conf, in one table.

CONFIG_OBJS := build/obj/config/config.o
CONFIG_INC := -Iuserspace/config
$(CONFIG_OBJS): CFLAGS_USER += $(CONFIG_INC)
