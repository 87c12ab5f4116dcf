/* Names of objects to be written, with placeholders: "web/WebImage-{name}". */
#ifndef THUMBWHEEL_KEY_TEMPLATE_H
#define THUMBWHEEL_KEY_TEMPLATE_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"

enum key_part {
    KEY_LITERAL,
    KEY_BUCKET, /* of the source */
    KEY_KEY,    /* the full key of the source */
    KEY_DIR,    /* the part before the last slash; empty at the top level */
    KEY_NAME,   /* the part after the last slash */
    KEY_STEM,   /* the name without the extension */
    KEY_IMAGE,  /* the name, and the extension of the output's format unless it has one of them */
    KEY_EXT,    /* of the output's format, without the dot */
    KEY_WIDTH,  /* of the rendition, in pixels */
    KEY_HEIGHT,
    KEY_PIPELINE, /* the pipeline's name */
    KEY_PART_COUNT
};

struct key_piece {
    enum key_part part;
    struct slice text; /* as written in the template */
};

/* Takes the next piece of a valid template from *cursor; false at its end. */
bool key_template_next(const char **cursor, struct key_piece *out);

/* Checks a template; for an unknown placeholder, the message lists the valid ones. ERR_INVALID. */
int key_template_check(const char *text, struct error *error);

struct key_values {
    const char *bucket;
    const char *key;
    const char *pipeline;
    const char *ext;
    unsigned width, height;
    const char *number; /* in place of both; NULL: none */
};

/* *out is for free(). ERR_LIMIT: longer than OBJECT_KEY_MAX bytes; ERR_INVALID: the result is
 * empty; ERR_MEMORY. */
int key_template_expand(const char *text, const struct key_values *values, char **out,
                        struct error *error);

#endif
