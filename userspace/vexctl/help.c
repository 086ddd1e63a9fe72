// SPDX-License-Identifier: GPL-2.0
/* All output that is generated from the table of verbs: --help, man pages and completion. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "term.h"
#include "vexctl.h"

/* Text is as wide as the terminal, and as a page otherwise. */
#define PAGE_WIDTH	79
#define WIDTH_MAX	100
#define NARROW		60

static int width_of(FILE *to)
{
	int width = term_width(to);

	if (!width)
		return PAGE_WIDTH;
	return width < WIDTH_MAX ? width : WIDTH_MAX;
}

static void wrap(FILE *to, const char *text, int indent)
{
	wrap_text(to, text, -1, indent, width_of(to));
}

/* A heading with its explanation beside it, or below if there is no space. */
static void item(FILE *to, const char *head, const char *text)
{
	int width = width_of(to);

	if (width >= NARROW) {
		wrap_text(to, text, fprintf(to, "  %-24s ", head), 27, width);
		return;
	}
	wrap_text(to, head, fprintf(to, "  "), 4, width);
	wrap_text(to, text, -1, 6, width);
}

static void option_head(char *buf, size_t size, const struct opt *o)
{
	/* An option whose name is its letter has no long form. */
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
		char head[80], text[300];

		option_head(head, sizeof(head), opts);
		snprintf(text, sizeof(text), "%s%s", opts->help, opts->required ? " (required)" : "");
		item(to, head, text);
	}
}

static void opts_json(struct json *j, const struct opt *opts)
{
	json_key(j, "options");
	json_array_begin(j);
	for (; opts && opts->name; opts++) {
		char letter[2] = { opts->letter };

		json_object_begin(j);
		json_kv_string(j, "name", opts->name);
		if (opts->letter)
			json_kv_string(j, "letter", letter);
		if (opts->arg)
			json_kv_string(j, "value", opts->arg);
		json_kv_bool(j, "required", opts->required);
		json_kv_string(j, "help", opts->help);
		json_object_end(j);
	}
	json_array_end(j);
}

static void verb_json(struct json *j, const struct verb *v)
{
	json_object_begin(j);
	json_kv_string(j, "verb", v->name);
	json_kv_string(j, "arguments", v->args);
	json_kv_string(j, "brief", v->brief);
	if (v->detail)
		json_kv_string(j, "detail", v->detail);
	opts_json(j, v->opts);
	json_object_end(j);
}

static const struct verb_group *group_of(const struct verb *verb)
{
	const struct verb_group *g = groups;

	for (; g->title; g++)
		for (const struct verb *v = g->verbs; v->name; v++)
			if (v == verb)
				return g;
	return NULL;
}

static const char *page_of(const struct verb_group *g)
{
	return g && g->page ? g->page : "vexctl";
}

void print_help(struct ctl *c, const struct verb *verb)
{
	char usage[300];

	if (c->json) {
		verb_json(&c->out, verb);
		json_finish(&c->out);
		return;
	}
	snprintf(usage, sizeof(usage), "usage: vexctl %s%s%s%s", verb->name,
		 verb->opts ? " [options]" : "", *verb->args ? " " : "", verb->args);
	wrap_text(stdout, usage, 0, 8, width_of(stdout));
	putchar('\n');
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
	printf("\nThe manual page is %s(8).\n", page_of(group_of(verb)));
}

static bool begins_with_word(const char *name, const char *word)
{
	size_t len = word ? strlen(word) : 0;

	return !word || (!strncmp(name, word, len) && (!name[len] || name[len] == ' '));
}

static void overview_json(struct ctl *c, const char *prefix)
{
	struct json *j = &c->out;

	json_object_begin(j);
	json_key(j, "verbs");
	json_array_begin(j);
	for (const struct verb_group *g = groups; g->title; g++)
		for (const struct verb *v = g->verbs; v->name; v++)
			if (begins_with_word(v->name, prefix))
				verb_json(j, v);
	json_array_end(j);
	opts_json(j, global_opts);
	json_object_end(j);
	json_finish(j);
}

static void print_group(FILE *to, const struct verb_group *g, const char *prefix)
{
	bool titled = false;

	for (const struct verb *v = g->verbs; v->name; v++) {
		char head[120], title[120];

		if (!begins_with_word(v->name, prefix))
			continue;
		if (!titled) {
			snprintf(title, sizeof(title), g->page ? "%s, see %s(8):" : "%s:", g->title,
				 g->page);
			fputc('\n', to);
			wrap_text(to, title, 0, 2, width_of(to));
		}
		titled = true;
		snprintf(head, sizeof(head), "%s %s", v->name, v->args);
		item(to, head, v->brief);
	}
}

void print_overview(struct ctl *c, FILE *to, const char *prefix)
{
	char usage[200];

	if (c->json) {
		overview_json(c, prefix);
		return;
	}
	snprintf(usage, sizeof(usage), "usage: vexctl [-jpq] %s%s... [options]",
		 prefix ? prefix : "VERB", prefix ? " VERB " : " ");
	wrap_text(to, usage, 0, 8, width_of(to));
	for (const struct verb_group *g = groups; g->title; g++)
		print_group(to, g, prefix);
	fprintf(to, "\nOptions of every verb:\n");
	print_opts(to, global_opts);
	fputc('\n', to);
	wrap(to, "Exit status: 0 done or well, 1 refused or a finding, 2 wrong command line, 3 vexfs is not "
	     "loaded, 4 not allowed, 5 no debugfs, 6 cannot tell.", 0);
	wrap(to, "'vexctl VERB --help' explains a verb; see also vexctl(8).", 0);
}

/* ---- man pages ---- */

/* Text in mdoc: a line must not begin with a control character, and '\\' is special. */
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

static void mdoc_call(const struct verb *v)
{
	const char *s = v->args;

	printf(".Nm vexctl Cm %s", v->name);
	while (*s) {
		size_t len = strcspn(s, " ");

		printf(" Ar %.*s", (int)len, s);
		s += len + (s[len] == ' ');
	}
	putchar('\n');
}

static void mdoc_verbs(const struct verb_group *g)
{
	for (const struct verb *v = g->verbs; v->name; v++) {
		if (v != g->verbs)
			puts(".Pp");
		mdoc_call(v);
		puts(".Pp");
		printf("%c%s.\n", v->brief[0] - 'a' + 'A', v->brief + 1);
		if (v->detail)
			mdoc_text(v->detail);
		if (v->opts)
			mdoc_opts(v->opts);
	}
}

/* The list of verbs in vexctl(8): one line each, with a reference. */
static void mdoc_index(void)
{
	for (const struct verb_group *g = groups; g->title; g++) {
		printf(".Ss %s\n", g->title);
		if (!g->page) {
			mdoc_verbs(g);
			continue;
		}
		printf("Explained in\n.Xr %s 8 .\n.Bl -tag -width Ds\n", g->page);
		for (const struct verb *v = g->verbs; v->name; v++) {
			printf(".It Cm %s%s%s\n", v->name, *v->args ? " Ar " : "", v->args);
			printf("%c%s.\n", v->brief[0] - 'a' + 'A', v->brief + 1);
		}
		puts(".El");
	}
}

/* References in the order that mandoc wants: by section, then by name. */
static void mdoc_see(const char *see)
{
	puts(".Sh SEE ALSO");
	while (*see) {
		size_t len = strcspn(see, ",");

		printf(".Xr %.*s%s\n", (int)len, see, see[len] ? " ," : "");
		see += len + (see[len] == ',');
	}
}

static void mdoc_example(const char *text)
{
	puts(".Sh EXAMPLES\n.Bd -literal");
	for (; *text; text++) {
		if (*text == '-')
			putchar('\\');
		putchar(*text);
	}
	puts("\n.Ed");
}

static void mdoc_page(const struct verb_group *g)
{
	puts(".\\\" SPDX-License-Identifier: GPL-2.0");
	puts(".\\\" Made from the table of verbs: make man.");
	printf(".Dd @DATE@\n.Dt ");
	for (const char *p = g->page; *p; p++)
		putchar(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	printf(" 8\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n.Sh SYNOPSIS\n", g->page, g->brief);
	for (const struct verb *v = g->verbs; v->name; v++)
		mdoc_call(v);
	puts(".Sh DESCRIPTION");
	mdoc_text(g->about);
	puts("Options of every verb, JSON and exit codes are explained in\n.Xr vexctl 8 .");
	puts(".Sh VERBS");
	mdoc_verbs(g);
	mdoc_example(g->example);
	mdoc_see(g->see);
}

static int print_mdoc(struct ctl *c, const char *page)
{
	if (!strcmp(page, "vexctl")) {
		mdoc_index();
		return EXIT_OK;
	}
	for (const struct verb_group *g = groups; g->title; g++)
		if (g->page && !strcmp(g->page, page)) {
			mdoc_page(g);
			return EXIT_OK;
		}
	return ctl_usage(c, "there is no page '%s'", page);
}

static void print_pages(void)
{
	for (const struct verb_group *g = groups; g->title; g++)
		if (g->page)
			puts(g->page);
}

/* ---- completion ---- */

/* Completes the words in @prefix: next words of verbs, then options. */
static void print_words(const char *prefix)
{
	size_t len = strlen(prefix);
	const struct verb *best = NULL;

	for (const struct verb_group *g = groups; g->title; g++)
		for (const struct verb *v = g->verbs; v->name; v++) {
			const char *s = v->name;

			if (strncmp(s, prefix, len) || (len && s[len] && s[len] != ' ')) {
				size_t whole = strlen(s);

				/* The prefix may continue after the verb, with arguments. */
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
	{ "mdoc", 0, OPT_STRING, "PAGE", "print a man page, or the verbs for that of vexctl itself" },
	{ "pages", 0, OPT_FLAG, NULL, "print the names of the man pages of verbs" },
	{ "configuration", 0, OPT_FLAG, NULL, "print what programs read from vexfs.conf, as Markdown" },
	{ "configuration-example", 0, OPT_FLAG, NULL, "print these sections in the format of the file" },
	{ "words", 0, OPT_STRING, "TEXT", "print what may follow these words, for completion" },
	{ 0 },
};

static int run_help(struct ctl *c)
{
	if (opt_given(c, "mdoc"))
		return print_mdoc(c, opt_string(c, "mdoc", ""));
	if (opt_given(c, "configuration"))
		config_document(stdout);
	else if (opt_given(c, "configuration-example"))
		config_example(stdout);
	else if (opt_given(c, "pages"))
		print_pages();
	else if (opt_given(c, "words"))
		print_words(opt_string(c, "words", ""));
	else
		print_overview(c, stdout, c->argc ? c->argv[0] : NULL);
	return EXIT_OK;
}

const struct verb help_verbs[] = {
	{ "help", "[WORD]", 0, 1, "list the verbs",
	  "With -j: every verb with its arguments and options, for programs.", help_opts, run_help },
	{ 0 },
};
