/*
 * Clients for the AWS protocols: implementations of the seams in engine/, and provisioning.
 *
 * Loop thread only. One struct aws holds credentials, region, endpoints and the HTTP client.
 */
#ifndef THUMBWHEEL_AWS_H
#define THUMBWHEEL_AWS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "backend_settings.h"
#include "bytes.h"
#include "error.h"
#include "http_client.h"
#include "labeler.h"
#include "notifier.h"
#include "object_store.h"
#include "queue_backend.h"
#include "topic_backend.h"

struct aws;

/* Reads the credentials and configuration files (blocking: at start). The HTTP client is borrowed
 * and outlives aws; it is configured to trust the authorities in AWS_CA_BUNDLE, the profile's
 * ca_bundle or SSL_CERT_FILE, in this order (ERR_INVALID: the file or directory contains none).
 */
int aws_create(uv_loop_t *loop, struct http_client *http, const struct backend_settings *options,
               struct aws **out, struct error *error);
/* Cancels all pending requests, without calling their callbacks. Call it before closing the HTTP
 * client, and run the loop until it ends: a retry timer or a file read may still be pending. NULL
 * does nothing. */
void aws_destroy(struct aws *aws);

struct queue_backend *aws_queue_backend(struct aws *aws); /* owned by aws */
struct object_store *aws_object_store(struct aws *aws);   /* owned by aws */
struct labeler *aws_rekognition(struct aws *aws);         /* owned by aws */
/* Owned by aws. */
struct notifier *aws_topic_notifier(struct aws *aws);
struct notifier *aws_event_bus_notifier(struct aws *aws);

const char *aws_region(const struct aws *aws);            /* owned by aws */
struct topic_backend *aws_topic_backend(struct aws *aws); /* owned by aws */

/* Appends the metrics of the requests and the credentials, in Prometheus' text format. */
void aws_write_metrics(const struct aws *aws, struct buffer *out);
/* Whether the credentials are valid; starts a refresh if one is due. If not, one line with the
 * reason is appended; no secrets. */
bool aws_is_ready(struct aws *aws, struct buffer *reasons);

#endif
