/*
 * What the commands need from the other modules. engine/cli/main.c is the only file that includes
 * all modules: it fills one struct of function pointers, so that the commands depend neither on AWS
 * nor on libvips nor on the embedded cloud.
 */
#ifndef THUMBWHEEL_ASSEMBLY_H
#define THUMBWHEEL_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include "backend_settings.h"
#include "bytes.h"
#include "cloud_settings.h"
#include "error.h"
#include "http_client.h"
#include "init_file.h"
#include "isolation_settings.h"
#include "notifier.h"
#include "object_store.h"
#include "pipeline.h"
#include "provision_broker.h"
#include "provision_change.h"
#include "queue_backend.h"
#include "topic_backend.h"

struct backend { /* an open backend */
    struct queue_backend *queues;
    struct object_store *store;
    struct notifier *topics, *event_buses;
    struct labeler *rekognition; /* NULL: none */
    struct topic_backend *topic_batches;
    void *handle;
};

struct backend_identity {
    const char *provider, *account, *arn, *user_id;
    int64_t expires_s; /* Unix time; 0: never */
};

/* NULL: *error says why. */
typedef void assembly_identified(const struct backend_identity *identity, const struct error *error,
                                 void *user);
typedef void assembly_done(const struct error *error, void *user);

struct assembly {
    const struct pipeline_ops *pipeline_ops;
    /* Starts and stops rendering in this process. Stopping is allowed if nothing was started. */
    int (*pipelines_start)(const char *program, struct error *error);
    void (*pipelines_stop)(void);
    /* Decoders in separate processes. While they run, use isolated_ops instead of pipeline_ops. */
    const struct pipeline_ops *isolated_ops;
    int (*isolation_start)(const struct isolation_settings *settings, struct error *error);
    /* Alternatively: the first image starts a decoder. */
    void (*isolation_allow)(const struct isolation_settings *settings);
    int (*isolation_ready)(struct error *error); /* waits for the first decoder */
    void (*isolation_stop)(void);
    void (*isolation_metrics)(struct buffer *out);
    /* The pipeline that an image analyser renders; the caller releases it. */
    int (*labels_pipeline_make)(struct pipeline **out, struct error *error);
    /* Sample photos. sample_make creates one unless it exists: blocking, on a pool thread. The
     * caller frees *path. */
    size_t (*samples_count)(void);
    size_t (*samples_missing)(const char *directory);
    int (*sample_make)(const char *directory, size_t index, char **path, struct error *error);
    int (*schema_print)(FILE *out);
    int (*operations_print)(FILE *out); /* of the embedded cloud */

    /* Whether a queue's name, URL or ARN is valid. NULL: all are. */
    int (*queue_check)(const char *name, struct error *error);
    enum queue_relation (*queue_compare)(const char *name, const char *other);

    int (*backend_open)(uv_loop_t *loop, struct http_client *http,
                        const struct backend_settings *settings, struct backend *out,
                        struct error *error);
    /* Cancels pending requests; the loop must run once more. */
    void (*backend_close)(struct backend *backend);
    /* Metrics of its requests and credentials, and whether the credentials are valid (if not, the
     * reason is appended). */
    void (*backend_metrics)(const struct backend *backend, struct buffer *out);
    bool (*backend_ready)(struct backend *backend, struct buffer *reasons);
    /* Asks whose credentials are used; one at a time. On error done is not called. */
    int (*backend_identify)(struct backend *backend, assembly_identified *done, void *user);
    const char *(*backend_region)(const struct backend *backend);
    /* Reads and writes the resources of a plan. The run is borrowed until the callback. */
    int (*backend_provision)(struct backend *backend, const struct provision_run *run,
                             assembly_done *done, void *user);

    /* What queues need in RabbitMQ, and its part of a run: that is borrowed until the callback or the
     * cancel. An error has a text. */
    const struct provision_broker *broker;
    int (*broker_provision)(uv_loop_t *loop, struct http_client *http,
                            const struct provision_broker_access *access,
                            const struct provision_run *run, assembly_done *done, void *user,
                            void **out, struct error *error);
    void (*broker_provision_cancel)(void *pending);

    /* Sends the requests of an init file, which is borrowed until the callback. */
    int (*backend_init)(struct backend *backend, const struct init_file *file, assembly_done *done,
                        void *user);

    int (*cloud_start)(uv_loop_t *loop, const struct cloud_settings *settings, void **out,
                       struct error *error);
    const char *(*cloud_endpoint)(const void *cloud);
    const char *(*cloud_certificate)(const void *cloud); /* PEM file to trust; NULL: plain HTTP */
    /* An access key that it accepts; borrowed. */
    void (*cloud_credentials)(const void *cloud, const char **access_key, const char **secret_key);
    void (*cloud_stop)(void *cloud, void (*stopped)(void *user), void *user);
};

#endif
