/*
 * The files ~/.aws/config and ~/.aws/credentials: "Configuration and credential file settings" in
 * the AWS CLI User Guide.
 *
 * Sections in brackets, key = value, comments on lines of their own ('#', ';'). A key without a
 * value opens a nested block: the indented lines below it are stored as "parent.key". Keys are
 * case-insensitive; a later value replaces an earlier one. Values may be secrets, so everything is
 * wiped before it is freed. Any thread.
 */
#ifndef THUMBWHEEL_INI_H
#define THUMBWHEEL_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

struct ini_entry {
    char *section; /* "default", "profile dev", "services local" */
    char *key;     /* lower case; NULL for the entry that stands for the section itself */
    char *value;
    size_t line; /* in the text, from 1 */
};

struct ini {
    struct ini_entry *entries;
    size_t count, capacity;
};

/* Adds the text to *ini, which must start zeroed. ERR_INVALID: a line has none of these forms
 * (*bad_line, from 1). Whatever this returns, free *ini with ini_free. */
int ini_parse(struct ini *ini, struct slice text, size_t *bad_line);
const char *ini_get(const struct ini *ini, const char *section, const char *key); /* NULL: absent */
bool ini_has_section(const struct ini *ini, const char *section);
void ini_free(struct ini *ini);

#endif
