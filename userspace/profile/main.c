// SPDX-License-Identifier: GPL-2.0
/* vexfs-profile: reads what the tools of scripts/profiling wrote. */
#include "profile.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "outfile.h"

static const char usage[] =
"usage: vexfs-profile perf --kallsyms FILE [OPTION...] PERF.DATA\n"
"       vexfs-profile report [OPTION...] DIRECTORY\n"
"\n"
"perf      samples of 'perf record' of a uml lab, in the lab's own names\n"
"  --kallsyms FILE   /proc/kallsyms of that lab, read while vexfs was loaded\n"
"  --functions DIR   where the module was built with PROFILE=1: gives subsystems\n"
"  --process NAME    the lab's kernel (default: linux)\n"
"  --folded FILE     stacks, one line each with its samples\n"
"  --flame FILE      a flame graph, SVG\n"
"  --timeline FILE   samples by owner for each quarter of a second, CSV\n"
"  --json FILE       functions and subsystems\n"
"\n"
"report    what the tools found together: DIRECTORY/analysis/report.md, report.json, stack.svg\n"
"  --baseline        keep it as the baseline of later reports\n"
"  --component NAME  what a component changes\n"
"  --stack-overflow-analysis  stack alone\n"
"  --history FILE    where baseline and reports are kept, and compared with\n"
"\n"
"Status: 0 nothing beyond a limit, 1 something is, or perf's file ends in the middle,\n"
"2 wrong usage or files that cannot be read, 6 no results.\n";

void say(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "vexfs-profile: %s\n", text);
}

int main(int argc, char **argv)
{
	outfile_discard_on_signals();
	if (argc > 1 && !strcmp(argv[1], "perf"))
		return cmd_perf(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "report"))
		return cmd_report(argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1)
		say("unknown command '%s'", shown(argv[1]));
	fputs(usage, stderr);
	return EXIT_USAGE;
}
