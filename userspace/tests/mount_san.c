// SPDX-License-Identifier: GPL-2.0
/*
 * What the sanitized vexfs-mount does not report. AddressSanitizer looks at the buffers of
 * writev() after the system call. By then the kernel has the answer and may have sent what
 * makes another thread free that memory: FORGET after the answer to READLINK, RELEASE after
 * that to READ. Nobody reads it any more. So its checks of system calls made by libfuse are
 * left out; those of the program itself stay.
 */
const char *__asan_default_suppressions(void);

const char *__asan_default_suppressions(void)
{
	return "interceptor_via_lib:libfuse3.so\n";
}
