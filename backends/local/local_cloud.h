/*
 * The embedded cloud: S3, SQS, SNS, EventBridge, Rekognition and STS on one loopback port, with
 * durable state.
 *
 * It lives on the caller's loop (protocol and in-memory state) plus one storage thread. It is
 * reached over HTTP only: the engine in the same process talks to it exactly as it talks to AWS.
 */
#ifndef THUMBWHEEL_LOCAL_CLOUD_H
#define THUMBWHEEL_LOCAL_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <uv.h>

#include "error.h"

struct image_analyser;
struct local_cloud;

struct local_cloud_options {
    const char *host;       /* numeric; NULL: 127.0.0.1 */
    unsigned port;          /* 0: any free one */
    const char *data_dir;   /* made if absent */
    const char *region;     /* NULL: us-east-1 */
    const char *account;    /* twelve digits; NULL: 000000000000 */
    const char *access_key; /* NULL: "thumbwheel" */
    const char *secret_key; /* NULL: "thumbwheel-secret" */
    const char
        *keys; /* a file of access keys (access_keys.h), which then are the only ones; NULL: none */
    const char *tls_certificate, *tls_key; /* PEM files: the port speaks TLS; NULL: see tls */
    bool tls; /* with a certificate made into data_dir, unless it is there (tls_certificate.h) */
    bool relaxed;            /* durability without fsync */
    const char *request_log; /* a file that gets one JSON line a request (service, operation,
                                bucket, key, queue, status, microseconds); NULL: none */
    const char *smtp; /* URL of the server for SNS's mails; NULL: files in the data directory */
    /* Of DetectLabels, borrowed until it has stopped; NULL: that is refused. */
    const struct image_analyser *analyser;
    const char *faults; /* a file with a fault plan (faults.h); NULL: none */
};

/* Opens the state and listens. Blocking for as long as loading takes; before the loop runs. */
int local_cloud_start(uv_loop_t *loop, const struct local_cloud_options *options,
                      struct local_cloud **out, struct error *error);
/* A key that it takes: the one of the options, or the first of the file. */
void local_cloud_credentials(const struct local_cloud *cloud, const char **access_key,
                             const char **secret_key);
const char *local_cloud_endpoint(const struct local_cloud *cloud); /* http://127.0.0.1:PORT */
/* The file of the certificate that clients are to trust; NULL: plain HTTP. */
const char *local_cloud_certificate(const struct local_cloud *cloud);
/* Finishes what was accepted, flushes, closes. */
void local_cloud_stop(struct local_cloud *cloud, void (*stopped)(void *user), void *user);

/* The operations of each service as a Markdown table. ERR_MEMORY, ERR_IO. */
int local_cloud_print_operations(FILE *out);

#endif
