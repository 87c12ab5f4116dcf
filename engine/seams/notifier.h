/*
 * Seam: who is told that the outputs of a photo are stored, or that it was rejected. Owned by the
 * engine. engine/notify implements it for queues and URLs, backends/aws for topics and event buses.
 *
 * Loop thread only; the same rules as queue_backend.h: one callback, always from a fresh loop
 * callback, none after an error return or a cancel. An implementation limits the time that a
 * notification takes, and reports success only when the target has confirmed it.
 */
#ifndef THUMBWHEEL_NOTIFIER_H
#define THUMBWHEEL_NOTIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "trace_context.h"

enum notify_kind { NOTIFY_TOPIC, NOTIFY_QUEUE, NOTIFY_EVENT_BUS, NOTIFY_URL, NOTIFY_KINDS };

/* `notify` of a pipeline file; strings are owned by the pipeline. */
struct pipeline_notify {
    enum notify_kind kind;
    const char *target; /* a topic's ARN; a queue's name, URL or ARN; a bus's name or ARN; a URL */
    const char *secret; /* of a URL: "env:NAME" or "file:PATH"; else NULL */
    /* Of a topic: templates with the placeholders below; NULL: the default. */
    const char *subject, *message, *rejected_subject, *rejected_message;
    unsigned link_s;     /* how long presigned links are valid; 0: no links */
    bool done, rejected; /* what is announced */
};

/* The placeholders of subjects and messages. */
enum notify_part {
    NOTIFY_PART_BUCKET, /* of the source */
    NOTIFY_PART_KEY,
    NOTIFY_PART_DIR,
    NOTIFY_PART_NAME,
    NOTIFY_PART_STEM,
    NOTIFY_PART_PIPELINE,
    NOTIFY_PART_OUTCOME, /* "done" or "rejected" */
    NOTIFY_PART_IMAGE,   /* the last part of the first output's key */
    NOTIFY_PART_OUTPUT,  /* the first output: "s3://bucket/key" */
    NOTIFY_PART_OUTPUTS, /* one line for each, with its size */
    NOTIFY_PART_LINK,    /* to the first output */
    NOTIFY_PART_LINKS,   /* one line for each */
    NOTIFY_PART_EXPIRES, /* when the links expire */
    NOTIFY_PART_LABELS,
    NOTIFY_PART_REASON, /* of a rejection */
    NOTIFY_PART_DETAIL,
    NOTIFY_PART_COUNT
};
extern const char *const notify_part_names[NOTIFY_PART_COUNT];

enum {
    NOTIFY_SUBJECT_MAX = 99,           /* characters ("Publish", SNS API Reference: below 100) */
    NOTIFY_DOCUMENT_MAX = 256 * 1024,  /* bytes (SNS, EventBridge) */
    NOTIFY_LINK_MAX_S = 7 * 24 * 3600, /* seconds (presigned URLs of S3) */
};

struct notify_message { /* borrowed for the call */
    const char *target, *secret;
    const char *id;        /* the same whenever this outcome of this object version is announced */
    const char *group;     /* the same for all notifications of a key */
    const char *type;      /* "photo.done" or "photo.rejected" */
    const char *pipeline;  /* its name */
    const char *subject;   /* printable ASCII, at most NOTIFY_SUBJECT_MAX characters */
    const char *text;      /* for people */
    struct slice document; /* for programs: JSON */
    const struct trace_context *trace;
};

struct notifier;
typedef void notified(const struct error *error, void *user);

/* A pending notification, for cancelling it: the part of an implementation's own struct that all of
 * them need. */
struct notify_request {
    notified *done;
    void *user;
};

struct notifier_ops {
    int (*send)(struct notifier *notifier, const struct notify_message *what, notified *done,
                void *user, struct notify_request **out);
    /* The callback will not be called; whether the notification arrives is unknown. */
    void (*cancel)(struct notify_request *request);
};

struct notifier {
    const struct notifier_ops *ops;
};

#endif
