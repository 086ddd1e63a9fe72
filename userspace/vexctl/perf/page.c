// SPDX-License-Identifier: GPL-2.0
/* Pages in HTML: one file each, in light or dark colours as the reader's system has them. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "escape.h"
#include "page.h"

#define DOCTYPE	"<!doctype html>"

bool page_starts(const char *line)
{
	return !strncmp(line, DOCTYPE, strlen(DOCTYPE));
}

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1c1e21;--dim:#667;--line:#ccd;--bad:#b3261e;"
	"--good:#1b6e3c;--warn:#8a5a00}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#15171a;--fg:#e6e8eb;--dim:#9aa;--line:#345;"
	"--bad:#ff8a80;--good:#7fd99a;--warn:#f2c14e}}\n"
	"body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:2em auto;"
	"max-width:60em;padding:0 1em}\n"
	"table{border-collapse:collapse;width:100%;font-size:14px}\n"
	"th,td{text-align:right;padding:.3em .6em;border-bottom:1px solid var(--line)}\n"
	"th:first-child,td:first-child,.words th,.words td{text-align:left}\n"
	".words td{vertical-align:top;overflow-wrap:break-word}\n"
	".words td:first-child{white-space:nowrap}\n"
	".bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}.dim{color:var(--dim)}\n"
	"h2{margin-top:2em}pre{overflow-x:auto;font-size:13px}svg{max-width:100%;height:auto}\n"
	".scroll{overflow-x:auto}\n";

void page_begin(const char *title, const char *when)
{
	struct utsname u;

	printf(DOCTYPE "\n<html lang=en>\n<meta charset=utf-8>\n"
	       "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>%s</title>\n"
	       "<style>\n%s</style>\n<h1>%s</h1>\n<p class=dim>%s", title, style, title, when);
	if (!uname(&u)) {
		fputs(*when ? ", " : "", stdout);
		escape_html(stdout, u.nodename);
		fputs(", Linux ", stdout);
		escape_html(stdout, u.release);
	}
	printf(", vexfs " VEXFS_VERSION "</p>\n");
}

void page_end(void)
{
	puts("</html>");
}
