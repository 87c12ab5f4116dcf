/* Shared by the parts of the builder of a plan. The first error stops all later steps. */
#ifndef THUMBWHEEL_PROVISION_BUILD_H
#define THUMBWHEEL_PROVISION_BUILD_H

#include "bytes.h"
#include "provision_document.h"

struct provision_build {
    struct provision_plan *plan;
    const struct pipeline_ops *ops;
    struct pipeline *const *pipelines;
    size_t pipeline_count;
    int code;
    struct error *error;
};

/* Keeps the first error, without a text of its own. */
void provision_fail(struct provision_build *build, int code);
/* Keeps a text in the plan; "" after an error. */
const char *provision_keep(struct provision_build *build, const char *text);
const char *provision_keep_format(struct provision_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void provision_note(struct provision_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void provision_refuse(struct provision_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a resource and returns its index. */
size_t provision_add(struct provision_build *build, struct provision_resource resource);
/* Adds a filter to the resource, which must be the one that got a filter last or none has. */
void provision_add_filter(struct provision_build *build, size_t resource,
                          struct provision_filter filter);

/* The prefixes of the keys that one pipeline takes, or all that have a queue here (pipeline NULL),
 * without those that another one covers. The caller clears the list. */
void provision_prefixes(struct provision_build *build, const struct pipeline *pipeline,
                        struct text_list *out);
/* Refuses pipelines whose prefixes overlap: S3 notifies one destination for each key. */
void provision_check_apart(struct provision_build *build);
/* Whether provision makes the pipeline's queue: the file gives its name, not its URL or ARN; or, with
 * PROVISION_RABBITMQ, its address in the broker. */
bool provision_makes_queue(const struct provision_build *build, size_t pipeline);

/* Whether the name is that of a FIFO queue or topic. */
bool provision_is_fifo(const char *name);

/* Whether outputs name an access point instead of a bucket: by its ARN, or by its alias. */
bool provision_is_access_point(const char *bucket);

/* The buckets of the outputs, and the lifecycles. */
void provision_build_outputs(struct provision_build *build);
/* The topics and queues that the pipelines notify; after all others. */
void provision_build_notify(struct provision_build *build);

/* Whether a queue is one of a message broker. */
bool provision_is_in_broker(const struct provision_build *build, const char *queue);
/* The resources in the broker. */
void provision_build_broker(struct provision_build *build);
/* Completes settings.events_to; after provision_build_broker. */
void provision_settle_events_to(struct provision_build *build);
/* How a store comes to publish events: a note, and MinIO's commands. */
void provision_note_publisher(struct provision_build *build);
void provision_build_minio(struct provision_build *build);

#endif
