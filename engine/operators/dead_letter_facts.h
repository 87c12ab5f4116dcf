/* What a message of a dead-letter queue says about itself, and filters over that. Pure. */
#ifndef THUMBWHEEL_DEAD_LETTER_FACTS_H
#define THUMBWHEEL_DEAD_LETTER_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"
#include "queue_backend.h"
#include "text_list.h"

/* The reason of a message that the redrive policy moved. */
#define DEAD_LETTER_RECEIVES "receive count exceeded"

/* A pipeline, so that messages are attributed to the one whose queue they came from. */
struct dead_letter_origin {
    const char *pipeline;
    const char *queue; /* name, URL or ARN */
};

struct dead_letter_origins {
    const struct dead_letter_origin *items;
    size_t count;
    /* queue_backend_ops.compare */
    enum queue_relation (*compare)(const char *name, const char *other);
};

/* Strings are borrowed from the message and the origins, or static; NULL: unknown. */
struct dead_letter_facts {
    const char *reason;
    const char *detail, *records, *original_id; /* only if the engine sent it */
    const char *pipeline;
    const char *bucket, *key; /* of the first record; owned by the envelope */
    size_t record_count;
    bool pointer; /* bucket and key name the payload of an extended client, not a photo */
    struct envelope envelope;
};

void dead_letter_facts_read(const struct queue_message *message,
                            const struct dead_letter_origins *origins,
                            struct dead_letter_facts *out);
void dead_letter_facts_clear(struct dead_letter_facts *facts);

struct dead_letter_filter { /* NULL and 0: everything */
    const char *reason;     /* a name, or a pattern with * ? [ */
    const char *key;        /* a prefix, or a pattern with * ? [, of any of the records' keys */
    const char *pipeline;
    uint64_t older_ms;
    const struct text_list *ids; /* of the message, or of the one that was rejected */
    size_t first_id;             /* of the list: those before it are not ids */
};

/* Whether it lets every message pass. */
bool dead_letter_filter_is_open(const struct dead_letter_filter *filter);
bool dead_letter_filter_passes(const struct dead_letter_filter *filter,
                               const struct queue_message *message,
                               const struct dead_letter_facts *facts, int64_t now_ms);

#endif
