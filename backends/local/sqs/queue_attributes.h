/*
 * The settable attributes of a queue: one table of names, bounds and defaults, used to create, set,
 * compare and read them. Source: SetQueueAttributes in the Amazon SQS API Reference. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_ATTRIBUTES_H
#define THUMBWHEEL_QUEUE_ATTRIBUTES_H

#include <jansson.h>
#include <stdbool.h>

#include "policy.h"
#include "sqs_errors.h"

enum { SQS_MESSAGE_MAX = 1024 * 1024, SQS_VISIBILITY_MAX_S = 43200, SQS_WAIT_MAX_S = 20 };

struct queue_attributes {
    int visibility_s, delay_s, retention_s, message_max, wait_s;
    json_t *texts;         /* Policy, RedrivePolicy, RedriveAllowPolicy, … as sent; owned */
    char *dead_letter_arn; /* target of the RedrivePolicy, owned; NULL: none */
    int max_receives;
    bool fifo;             /* cannot be changed */
    bool content_dedup;    /* ContentBasedDeduplication */
    bool dedup_in_group;   /* DeduplicationScope is messageGroup */
    struct policy *policy; /* the parsed Policy; a reference; NULL: none */
};

/* The defaults for a queue with that name, which is a FIFO queue if it ends with ".fifo".
 * ERR_MEMORY. */
int queue_attributes_init(struct queue_attributes *attributes, const char *name);
bool queue_name_is_fifo(const char *name);
void queue_attributes_free(struct queue_attributes *attributes);

/* Creates *out from `from` with the changes of a JSON object of strings applied; an empty policy
 * removes it. On an error, *out need not be freed. */
int queue_attributes_change(const struct queue_attributes *from, json_t *changes,
                            struct queue_attributes *out, struct service_error *error);

/* The first name in `wanted` whose value differs, or NULL (the rule of CreateQueue for existing
 * queues). */
const char *queue_attributes_differ(const struct queue_attributes *attributes, json_t *wanted);

/* Adds the attributes that are set or have defaults to a JSON object as strings. ERR_MEMORY. */
int queue_attributes_add(const struct queue_attributes *attributes, json_t *object);

bool queue_attributes_known(const char *name); /* whether it can be set */

#endif
