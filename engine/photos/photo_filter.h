/* What a search of photos asks for. */
#ifndef THUMBWHEEL_PHOTO_FILTER_H
#define THUMBWHEEL_PHOTO_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "photo_colour.h"

enum photo_sort { SORT_NEWEST, SORT_OLDEST, SORT_NAME };

enum { FILTER_WORDS_MAX = 16, FILTER_TAGS_MAX = 16, FILTER_TEXT_MAX = 1024 };

struct photo_filter { /* zeroed: all photos, the newest first */
    enum photo_sort sort;
    char *words;            /* a JSON array: parts of the name, in lower case; NULL: none */
    char *tags;             /* a JSON array of [name] and [name, value]; NULL: none */
    int64_t from_ms, to_ms; /* Unix time; from is included, to is not; 0: no limit */
    bool coloured;
    struct lab_colour colour;
    char state[16]; /* "": any */
};

/* Adds a condition by its name in the query of a request: q, tag (repeatable), from, to, colour,
 * state, sort. ERR_INVALID: the text says what is allowed; ERR_LIMIT, ERR_MEMORY. known: it is one of
 * these names. */
int photo_filter_add(struct photo_filter *filter, const char *name, const char *value, bool *known,
                     struct error *error);
void photo_filter_clear(struct photo_filter *filter);

#endif
