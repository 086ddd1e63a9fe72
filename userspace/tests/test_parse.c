// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing of numbers: which texts are accepted and which are refused.
 */
#include <math.h>

#include "parse.h"
#include "tap.h"

int main(void)
{
	static const char *const not_whole[] = { "", " 1", "1 ", "-1", "+1", "0x", "0xg", "1.0",
	"1e3",
						 "18446744073709551616", "nan" };
	static const char *const not_number[] = { "", " 1", "1 ", "nan", "inf", "infinity", "0x10",
	"1e999",
						  "1.2.3", "e", "-", "12a" };
	uint64_t u = 1;
	double d = 1;
	size_t i;

	ok(parse_u64("0", &u) && !u, "zero is a whole number");
	ok(parse_u64("18446744073709551615", &u) && u == UINT64_MAX, "the largest whole number");
	ok(parse_u64("0xFfffffffffffffff", &u) && u == UINT64_MAX, "a hexadecimal number");
	ok(parse_u64("010", &u) && u == 10, "a leading zero does not mean octal");
	for (i = 0; i < sizeof(not_whole) / sizeof(*not_whole); i++)
		ok(!parse_u64(not_whole[i], &u),
		   "\"%s\" is refused as a whole number", not_whole[i]);
	ok(parse_number("-1.5e3", &d) && d == -1500, "a number with sign, fraction and exponent");
	ok(parse_number(".5", &d) && d == 0.5, "a number without a digit before the point");
	for (i = 0; i < sizeof(not_number) / sizeof(*not_number); i++)
		ok(!parse_number(not_number[i], &d),
		   "\"%s\" is refused as a number", not_number[i]);
	return done();
}
