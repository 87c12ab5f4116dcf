/* The keys of init files, as a table. Constant. */
#ifndef THUMBWHEEL_INIT_SCHEMA_H
#define THUMBWHEEL_INIT_SCHEMA_H

#include <stdbool.h>

enum init_type {
    INIT_TEXT,
    INIT_TEXTS,      /* a list of texts */
    INIT_SWITCH,     /* true or false */
    INIT_NUMBER,     /* a whole number of at most nine digits */
    INIT_DOCUMENT,   /* a map, or JSON in a text */
    INIT_TAGS,       /* a map of texts */
    INIT_ATTRIBUTES, /* a map of texts and documents */
    INIT_ITEM,       /* a map of the keys in `keys` */
    INIT_ITEMS,      /* a list of these */
};

struct init_key {
    const char *name; /* NULL: the end of the table */
    enum init_type type;
    bool required;
    const struct init_key *keys; /* of items; NULL: none */
    /* A key with which it forms a choice: exactly one of the keys with this name must be given, or
     * at most one if the name begins with a question mark. NULL: none. */
    const char *choice;
    const char *const *values; /* of texts; NULL: any */
};

extern const struct init_key init_keys[];

#endif
