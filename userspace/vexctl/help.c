// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that is made from the table of verbs: --help, the man page and the
 * words for completion.
 */
#include <stdlib.h>
#include <string.h>

#include "vexctl.h"

/* Words of a paragraph, no line longer than a terminal. */
static void wrap(FILE *to, const char *text, int indent)
{
	int column = 0;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (column && column + 1 + len > 79) {
			fputc('\n', to);
			column = 0;
		}
		if (!column)
			column = fprintf(to, "%*s%.*s", indent, "", len, text);
		else
			column += fprintf(to, " %.*s", len, text);
		text += len;
		if (text[0] == '\n' && text[1] == '\n') {
			fputs("\n\n", to);
			column = 0;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', to);
}

static void option_head(char *buf, size_t size, const struct opt *o)
{
	/* An option whose name is its letter has no long form worth showing. */
	if (o->letter && o->name[0] == o->letter && !o->name[1])
		snprintf(buf, size, "-%c%s%s", o->letter, o->arg ? " " : "", o->arg ? o->arg : "");
	else if (o->letter)
		snprintf(buf, size, "-%c, --%s%s%s", o->letter, o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
	else
		snprintf(buf, size, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void print_opts(FILE *to, const struct opt *opts)
{
	for (; opts && opts->name; opts++) {
		char head[80];

		option_head(head, sizeof(head), opts);
		fprintf(to, "  %-24s %s%s\n", head, opts->help, opts->required ? " (required)" : "");
	}
}

void print_help(const struct ctl *c, const struct verb *verb)
{
	(void)c;
	printf("usage: vexctl %s%s%s%s\n\n", verb->name, verb->opts ? " [options]" : "",
	       *verb->args ? " " : "", verb->args);
	wrap(stdout, verb->brief, 2);
	if (verb->detail) {
		putchar('\n');
		wrap(stdout, verb->detail, 2);
	}
	if (verb->opts) {
		puts("\nOptions:");
		print_opts(stdout, verb->opts);
	}
	puts("\nOptions of every verb:");
	print_opts(stdout, global_opts);
}

static bool begins_with_word(const char *name, const char *word)
{
	size_t len = word ? strlen(word) : 0;

	return !word || (!strncmp(name, word, len) && (!name[len] || name[len] == ' '));
}

void print_overview(FILE *to, const char *prefix)
{
	fprintf(to, "usage: vexctl [-jpq] %s%s... [options]\n", prefix ? prefix : "VERB",
		prefix ? " VERB " : " ");
	for (const struct verb_group *g = groups; g->title; g++) {
		bool titled = false;

		for (const struct verb *v = g->verbs; v->name; v++) {
			char head[120];

			if (!begins_with_word(v->name, prefix))
				continue;
			if (!titled)
				fprintf(to, "\n%s:\n", g->title);
			titled = true;
			snprintf(head, sizeof(head), "%s %s", v->name, v->args);
			fprintf(to, "  %-24s %s\n", head, v->brief);
		}
	}
	fprintf(to, "\nOptions of every verb:\n");
	print_opts(to, global_opts);
	fprintf(to, "\nExit status: 0 done, 1 refused, 2 wrong command line, 3 vexfs is not loaded.\n"
		"'vexctl VERB --help' explains a verb; see also vexctl(8).\n");
}

/* ---- man page ---- */

/* Text in mdoc: a line must not begin with a control character, '\' is special. */
static void mdoc_text(const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (text[0] == '\n' && text[1] == '\n') {
			puts("\n.Pp");
			text++;
			line_start = true;
			continue;
		}
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-' && text[1] == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
		line_start = *text == '\n';
		if (*text == '.' && text[1] == ' ' && text[2]) {
			putchar('\n');
			text++;
			line_start = true;
		}
	}
	putchar('\n');
}

static void mdoc_opts(const struct opt *opts)
{
	puts(".Bl -tag -width Ds");
	for (; opts->name; opts++) {
		fputs(".It", stdout);
		if (opts->letter)
			printf(" Fl %c", opts->letter);
		if (opts->letter && opts->name[1])
			fputs(" ,", stdout);
		if (opts->name[1] || !opts->letter)
			printf(" Fl \\-%s", opts->name);
		if (opts->arg)
			printf(" Ar %s", opts->arg);
		putchar('\n');
		printf("%s%s.\n", opts->help, opts->required ? "; required" : "");
	}
	puts(".El");
}

void print_mdoc(void)
{
	for (const struct verb_group *g = groups; g->title; g++) {
		printf(".Ss %s\n", g->title);
		for (const struct verb *v = g->verbs; v->name; v++) {
			const char *s = v->args;

			printf("%s.Nm vexctl Cm %s", v == g->verbs ? "" : ".Pp\n", v->name);
			while (*s) {
				size_t len = strcspn(s, " ");

				printf(" Ar %.*s", (int)len, s);
				s += len + (s[len] == ' ');
			}
			fputs("\n.Pp\n", stdout);
			printf("%c%s.\n", v->brief[0] - 'a' + 'A', v->brief + 1);
			if (v->detail)
				mdoc_text(v->detail);
			if (v->opts)
				mdoc_opts(v->opts);
		}
	}
}

/* ---- completion ---- */

/* What may follow the words in @prefix: next words of verbs, then options. */
void print_words(const char *prefix)
{
	size_t len = strlen(prefix);
	const struct verb *best = NULL;

	for (const struct verb_group *g = groups; g->title; g++)
		for (const struct verb *v = g->verbs; v->name; v++) {
			const char *s = v->name;

			if (strncmp(s, prefix, len) || (len && s[len] && s[len] != ' ')) {
				size_t whole = strlen(s);

				/* The prefix may go on after the verb, with arguments. */
				if (!strncmp(prefix, s, whole) && prefix[whole] == ' ' &&
				    (!best || strlen(best->name) < whole))
					best = v;
				continue;
			}
			if (!s[len]) {
				best = v;
				continue;
			}
			s += len + (len > 0);
			printf("%.*s\n", (int)strcspn(s, " "), s);
		}
	for (const struct opt *o = best ? best->opts : NULL; o && o->name; o++)
		printf("--%s\n", o->name);
	for (const struct opt *o = global_opts; o->name; o++)
		printf("--%s\n", o->name);
}

static const struct opt help_opts[] = {
	{ "mdoc", 0, OPT_FLAG, NULL, "print the verbs as source of a man page" },
	{ "words", 0, OPT_STRING, "TEXT", "print what may follow these words, for completion" },
	{ 0 },
};

static int run_help(struct ctl *c)
{
	if (opt_given(c, "mdoc"))
		print_mdoc();
	else if (opt_given(c, "words"))
		print_words(opt_string(c, "words", ""));
	else
		print_overview(stdout, c->argc ? c->argv[0] : NULL);
	return EXIT_OK;
}

const struct verb help_verbs[] = {
	{ "help", "[WORD]", 0, 1, "list the verbs", NULL, help_opts, run_help },
	{ 0 },
};
