// SPDX-License-Identifier: GPL-2.0
/* Targets of a result as a table for people. */
#include "vexstress.h"

#include <stdlib.h>
#include <string.h>

char *vx_target_remark(const json_t *t)
{
	const json_t *attempts = json_object_get(t, "attempts"), *a;
	const char *reason = json_string_value(json_object_get(t, "reason"));
	double missing = json_number_value(json_object_get(t, "unavailable_s"));
	const char *comma = "";
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	if (json_array_size(attempts) > 1) {
		fprintf(f, "%zu attempts together:", json_array_size(attempts));
		json_array_foreach(attempts, i, a)
			fprintf(f, "%s %s in %.1f s", i ? "," : "",
				vx_figure(json_number_value(json_object_get(a, "measured"))),
				json_number_value(json_object_get(a, "seconds")));
		comma = "; ";
	}
	if (missing > 0 && !json_is_true(json_object_get(t, "pass"))) {
		fprintf(f, "%s%s without the %.3f s that the machine was unavailable", comma,
			vx_figure(json_number_value(json_object_get(t, "without_unavailable"))),
			missing);
		comma = "; ";
	}
	if (reason && *reason)
		fprintf(f, "%s%s", comma, reason);
	fclose(f);
	return text;
}

void vx_target_print(const json_t *result)
{
	json_t *t;
	size_t i;

	printf("%-22s %14s %14s  %-11s\n", "target", "wanted", "measured", "verdict");
	json_array_foreach(json_object_get(result, "targets"), i, t) {
		const char *verdict = json_string_value(json_object_get(t, "verdict"));
		bool higher = !strcmp(json_string_value(json_object_get(t, "direction")), "higher");
		char goal_text[32], got[32] = "-", *remark = vx_target_remark(t);

		snprintf(goal_text, sizeof(goal_text), "%s %s", higher ? ">=" : "<=",
			 vx_figure(json_number_value(json_object_get(t, "target"))));
		if (json_is_number(json_object_get(t, "measured")))
			snprintf(got, sizeof(got), "%s",
				 vx_figure(json_number_value(json_object_get(t, "measured"))));
		printf("%-22s %14s %14s  %-11s %-6s%s%s\n",
		       json_string_value(json_object_get(t, "name")), goal_text, got,
		       strcmp(verdict, "missed") ? verdict : "MISSED",
		       json_string_value(json_object_get(t, "unit")),
		       remark && *remark ? " " : "", remark ? remark : "");
		free(remark);
	}
	printf("\n%s\n", vx_target_closing(result));
}

const char *vx_target_closing(const json_t *result)
{
	const json_t *c = json_object_get(result, "verdicts");
	static char text[160];
	int met = (int)json_integer_value(json_object_get(c, "met"));
	int missed = (int)json_integer_value(json_object_get(c, "missed"));
	int doubt = (int)json_integer_value(json_object_get(c, "cannot_tell"));
	int skipped = (int)json_integer_value(json_object_get(c, "skipped"));

	snprintf(text, sizeof(text),
		 "%d met, %d missed, %d cannot tell, %d skipped: %d of %d targets measured", met,
		 missed, doubt, skipped, met + missed + doubt, met + missed + doubt + skipped);
	return text;
}
