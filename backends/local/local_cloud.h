/*
 * The embedded cloud: S3, SQS, SNS, EventBridge, Rekognition and STS on one loopback port, with
 * durable state.
 *
 * It runs on the caller's loop (protocol and in-memory state) and on a storage thread. It is
 * accessed only over HTTP: the engine in the same process talks to it exactly as it talks to AWS.
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
    const char *data_dir;   /* created if absent */
    const char *region;     /* NULL: us-east-1 */
    const char *account;    /* twelve digits; NULL: 000000000000 */
    const char *access_key; /* NULL: "thumbwheel" */
    const char *secret_key; /* NULL: "thumbwheel-secret" */
    const char
        /* a file with access keys (access_keys.h), which replace the key above; NULL: none */
        *keys;
    const char *tls_certificate, *tls_key; /* PEM files: serve TLS; NULL: see tls */
    bool tls;     /* with a certificate in data_dir, created if absent (tls_certificate.h) */
    bool relaxed; /* durability without fsync */
    /* a file for one JSON line per request (service, operation, bucket, key, queue, status,
     * microseconds); NULL: none */
    const char *request_log;
    /* URL of the mail server for SNS; NULL: mails become files in the data directory */
    const char *smtp;
    /* For DetectLabels; borrowed until the cloud has stopped; NULL: DetectLabels is refused. */
    const struct image_analyser *analyser;
    const char *faults; /* a file with a fault plan (faults.h); NULL: none */
};

/* Opens the state and listens. Blocks while loading; call it before the loop runs. */
int local_cloud_start(uv_loop_t *loop, const struct local_cloud_options *options,
                      struct local_cloud **out, struct error *error);
/* A valid key: the one in the options, or the first in the file. */
void local_cloud_credentials(const struct local_cloud *cloud, const char **access_key,
                             const char **secret_key);
const char *local_cloud_endpoint(const struct local_cloud *cloud); /* http://127.0.0.1:PORT */
/* The file of the certificate that clients must trust; NULL: plain HTTP. */
const char *local_cloud_certificate(const struct local_cloud *cloud);
/* Completes accepted requests, flushes and closes. */
void local_cloud_stop(struct local_cloud *cloud, void (*stopped)(void *user), void *user);

/* The operations of each service as a Markdown table. ERR_MEMORY, ERR_IO. */
int local_cloud_print_operations(FILE *out);

#endif
