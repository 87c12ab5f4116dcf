/* Private to the configuration: the table of settings. */
#ifndef THUMBWHEEL_CONFIG_TABLE_H
#define THUMBWHEEL_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

enum { CONFIG_VARIABLE_MAX = 64 };
#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum config_type {
    TYPE_SWITCH, /* bool; a flag without a value, and --no-NAME */
    TYPE_TEXT,   /* char * */
    TYPE_LIST,   /* struct text_list; repeatable, ':' between values in the environment */
    TYPE_NUMBER, /* all others are uint64_t */
    TYPE_COUNT,
    TYPE_BYTES,
    TYPE_TIME,
    TYPE_SECONDS, /* a time in whole seconds, as in SQS */
    TYPE_CHOICE,
};

struct setting {
    const char *name;
    enum config_type type;
    unsigned commands;    /* enum config_command, or-ed */
    const char *standard; /* the default, parsed like a flag's value; NULL: zero */
    const char *shown;    /* the default in words, if it differs from `standard` */
    uint64_t min, max;
    size_t offset;
    const char *value; /* the value's name in --help; for choices, all of them, separated by '|' */
    const char *help;
};

extern const struct setting config_table[];
/* The titles of the groups of --help, and the group of a setting; NULL at the end. */
extern const char *const config_groups[];
const char *config_group(const struct setting *s);
extern const size_t config_table_size; /* at most 64: config.given has a bit for each */

/* Switches that request an action have no environment variable. */
bool config_has_variable(const struct setting *s);
/* THUMBWHEEL_MAX_PIXELS for max-pixels. */
void config_variable_name(const struct setting *s, char out[CONFIG_VARIABLE_MAX]);
/* Removes the first command from a set of enum config_command and returns its name; "" if the set
 * is empty. */
const char *config_next_command(unsigned *commands);

#endif
