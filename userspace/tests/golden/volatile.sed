# SPDX-License-Identifier: GPL-2.0
# What differs from run to run and from machine to machine, in text and in JSON.

# times and rates
s/("(kernel_ns|wall_ns|seconds|created|time_ns|uptime_ns|per_second)": ?)[0-9.e+-]+/\1T/g
s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} [+-][0-9]{4}/WHEN/
s/((^|\\n)created )[0-9]+/\1T/
s/\b[0-9.]+ (s|ms|seconds)\b/T \1/g
s/[0-9.]+ vectors a second/T vectors a second/
s/up [0-9]+ s/up T s/

# the machine and the kernel
s/\b(avx512|avx2|scalar)\b/VARIANT/g
s/("kernel": ?")[^"]*/\1RELEASE/
s/^(vexfs [0-9.]+ on) [^,]*/\1 RELEASE/
s/"(file|srcversion|vermagic)": ?"[^"]*"/"\1": "..."/g
s/^(file|srcversion|vermagic): .*/\1: .../

# numbers of collections and of the namespaces that they are in
s/("(serial|user_ns)": ?)[0-9]+/\1N/g

# memory, which depends on how rows and links are laid out
s/("(bytes|index_bytes|distances_computed)": ?)[0-9]+/\1B/g
s/((^|\\n)(index )?bytes +)[0-9]+/\1B/
s/ [0-9]+  (0[0-7]{3} )/ B  \1/

# a build of a few vectors may be over before it can be asked about
s/("index_state": ?)"building"/\1"ready"/
