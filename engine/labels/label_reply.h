/*
 * Checks the labels in a service's response, and bounds what is kept of them. Any thread.
 */
#ifndef THUMBWHEEL_LABEL_REPLY_H
#define THUMBWHEEL_LABEL_REPLY_H

#include <jansson.h>

#include "labeler.h"

enum {
    REPLY_LABELS_MAX = 1000,   /* the limit of DetectLabels */
    REPLY_NAMES_MAX = 32,      /* parents, aliases, categories of a label; the rest is left out */
    REPLY_NAME_MAX = 128,      /* bytes of each */
    REPLY_INSTANCES_MAX = 100, /* of a label; the rest is left out */
};

/* Names of members. */
struct label_members {
    const char *name, *confidence, *parents, *aliases, *categories, *instances;
    const char *box; /* of an instance: the object with its box; NULL: the instance itself */
    const char *left, *top, *width, *height;
};

struct label_reply {
    struct label_set labels; /* best first, as the settings ask */
    json_t *details;         /* see labeler.h; release it with json_decref */
};

/* labels: the array. Each label is an object with a name (1 to 63 bytes, no control characters), a
 * confidence (0 to 100), and optionally lists of names (strings, or objects with `members->name`)
 * and of instances (boxes in parts of the image's sides). 0, or ERR_MEMORY or ERR_PROTOCOL with what
 * is wrong in *flaw (static). */
int label_reply_read(const json_t *labels, const struct label_members *members,
                     const struct labeler_settings *settings, struct label_reply *out,
                     const char **flaw);

#endif
