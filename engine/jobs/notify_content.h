/*
 * The content of a notification: its identifier, its JSON document for programs, and the subject
 * and text for people. docs/notifications.md documents them. Loop thread.
 */
#ifndef THUMBWHEEL_NOTIFY_CONTENT_H
#define THUMBWHEEL_NOTIFY_CONTENT_H

#include <stdint.h>

#include "envelope.h"
#include "notifier.h"
#include "object_store.h"
#include "pipeline.h"

struct notify_facts { /* borrowed */
    const struct pipeline_notify *notify;
    const char *pipeline; /* its name */
    const struct envelope_record *record;
    const char *etag; /* of the source; NULL: unknown */
    /* With the stored outputs; the bodies may be freed, body.size remains. */
    const struct render_item *item;
    struct object_store *store;  /* for the links */
    const char *reason, *detail; /* of a rejection; NULL: it is done */
    int64_t now_s;
};

enum { NOTIFY_ID_SIZE = 4 + 64 + 1, NOTIFY_GROUP_SIZE = 64 + 1 };

struct notify_content {
    struct notify_message parts; /* the pointers refer to the members below and to the facts */
    char id[NOTIFY_ID_SIZE];
    char group[NOTIFY_GROUP_SIZE];
    char *subject, *text;
    char *document;
};

/* Clear the content in any case. ERR_MEMORY; ERR_LIMIT: too long for every target; the codes of
 * presign. */
int notify_content_write(const struct notify_facts *facts, struct notify_content *out,
                         struct error *error);
void notify_content_clear(struct notify_content *content);

#endif
