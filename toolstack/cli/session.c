/* SPDX-License-Identifier: MIT */
/* What commands share. */

#include "session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool session_begin(struct session *se, bool store)
{
	*se = (struct session){ .s = { .fd = -1 } };
	return pavise_open(&se->p, &se->f) && (!store || store_open(&se->s, NULL, &se->f));
}

bool session_begin_with(struct session *se, const char *domain, uint16_t *domid)
{
	return session_begin(se, true) && domain_find(&se->p, &se->s, domain, domid, &se->f);
}

int session_end(struct session *se)
{
	if (se->f.code && se->file && se->f.line)
		fprintf(stderr, "%s:%d: %s\n", se->file, se->f.line, se->f.text);
	else if (se->f.code)
		fprintf(stderr, "pavise: %s\n", se->f.text);
	store_close(&se->s);
	pavise_close(&se->p);
	return (int)se->f.code;
}

static void take_out(int *argc, char **argv, int at, int n)
{
	memmove(argv + at, argv + at + n, (size_t)(*argc - at - n + 1) * sizeof(*argv));
	*argc -= n;
}

bool take_flag(int *argc, char **argv, const char *flag)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], flag))
			continue;
		take_out(argc, argv, i, 1);
		return true;
	}
	return false;
}

const char *take_value(int *argc, char **argv, const char *flag)
{
	for (int i = 1; i + 1 < *argc; i++) {
		const char *value = argv[i + 1];

		if (strcmp(argv[i], flag))
			continue;
		take_out(argc, argv, i, 2);
		return value;
	}
	return NULL;
}

bool parse_count(const char *text, unsigned int *n, unsigned int min, unsigned int max,
		 const char *what)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*n = (unsigned int)value;
	if (isdigit((unsigned char)*text) && !*end && value >= min && value <= max)
		return true;
	fprintf(stderr, "pavise: '%s' is no %s; say a number from %u to %u\n", text, what, min,
		max);
	return false;
}

static void json_key(struct json *j, const char *key)
{
	if (j->comma)
		putchar(',');
	j->comma = true;
	if (key)
		printf("\"%s\":", key);
}

void json_open(struct json *j, const char *key, char bracket)
{
	json_key(j, key);
	putchar(bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	putchar(bracket);
	j->comma = true;
}

void json_text(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	if (!value) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	printf("%lu", value);
}

void json_hundredths(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	if (value == UINT64_MAX)
		fputs("null", stdout);
	else
		printf("%lu.%02lu", value / 100, value % 100);
}

void json_end(struct json *j)
{
	putchar('\n');
	j->comma = false;
}
