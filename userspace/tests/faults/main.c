// SPDX-License-Identifier: GPL-2.0
/*
 * vexfs-faults [-n] [-s SECONDS] [-m VEXFS.KO]: every allocation of every op fails
 * once, then some of all at random, and with -m every allocation of loading the
 * module. After each failure the answer has to be ENOMEM or the right one, and
 * nothing half done. Whether memory was lost on the way, and whether the kernel
 * had anything to say, is for the lab to see. With -n nothing fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/faults/inject.h"

static unsigned int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > 86400) {
		fprintf(stderr, "vexfs-faults: '%s' is not a number of seconds\n", text);
		exit(64);
	}
	return (unsigned int)n;
}

int main(int argc, char **argv)
{
	const char *module = NULL, *why;
	unsigned int seconds = 5;
	bool dry = false;
	int c;

	while ((c = getopt(argc, argv, "ns:m:")) != -1) {
		if (c == 'n')
			dry = true;
		else if (c == 's')
			seconds = number(optarg);
		else if (c == 'm')
			module = optarg;
		else
			return 64;
	}
	if (!dry && !inject_init(&why)) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	inject_within_module("vexfs");
	try_device("");
	/* The pools' reserve hides most failures; so do stocks. */
	write_file("/sys/module/vexfs/parameters/pool_enabled", "0");
	write_file("/sys/module/vexfs/parameters/stack_aggressive", "1");
	try_device(", without pools");
	write_file("/sys/module/vexfs/parameters/stack_aggressive", "0");
	write_file("/sys/module/vexfs/parameters/pool_enabled", "1");
	try_async();
	try_joint();
	try_control();
	try_storm(seconds);
	if (module)
		try_loading(module);
	return finish();
}
