// SPDX-License-Identifier: GPL-2.0
/* The named policies. */
#include "policy.h"

#include <stddef.h>
#include <string.h>

static const struct policy policies[] = {
	{ "default", "a change of 5 % is a warning, one of 10 % a failure",
	  { { 0.05, 0.10 }, { 0.05, 0.10 }, { 0.05, 0.10 }, { 0.02, 0.05 }, { 0.05, 0.10 } } },
	{ "s1", "a change of 5 % is a failure",
	  { { 0.05, 0.05 }, { 0.05, 0.05 }, { 0.05, 0.05 }, { 0.05, 0.05 }, { 0.05, 0.05 } } },
	{ "s2", "two levels with a sign for each sort of figure: time +20 % and +50 %, memory 1.5 and "
	  "2 times, throughput -15 % and -30 %, errors 2 % and 5 % of the ops, hit rate -10 % and "
	  "-20 %",
	  { { 0.15, 0.30 }, { 0.20, 0.50 }, { 0.50, 1.00 }, { 0.02, 0.05 }, { 0.10, 0.20 } } },
	{ "rule-of-thumb", "below 5 % nothing, up to 10 % worth a look, above that worth a day",
	  { { 0.05, 0.10 }, { 0.05, 0.10 }, { 0.10, 0.20 }, { 0.01, 0.05 }, { 0.05, 0.10 } } },
};

const struct policy *policy_find(const char *name)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (!strcmp(policies[i].name, name))
			return &policies[i];
	return NULL;
}
