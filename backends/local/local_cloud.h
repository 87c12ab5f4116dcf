/*
 * The embedded cloud: S3, SQS, SNS, EventBridge, Rekognition and STS on one loopback port, with
 * durable state.
 *
 * It runs on the caller's loop (protocol and in-memory state) and on a storage thread. It is
 * accessed only over HTTP: the engine in the same process talks to it exactly as it talks to AWS.
 */
#ifndef THUMBWHEEL_LOCAL_CLOUD_H
#define THUMBWHEEL_LOCAL_CLOUD_H

#include <stdio.h>
#include <uv.h>

#include "cloud_settings.h"
#include "error.h"

struct local_cloud;

/* Opens the state and listens. Blocks while loading; call it before the loop runs. */
int local_cloud_start(uv_loop_t *loop, const struct cloud_settings *options,
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
