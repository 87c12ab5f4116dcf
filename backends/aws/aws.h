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

#include "aws_options.h"
#include "error.h"
#include "http_client.h"
#include "object_store.h"
#include "queue_backend.h"

struct aws;

/* Reads the credentials and configuration files (blocking: at start). The HTTP client is borrowed
 * and outlives aws; it is told to trust the authorities that AWS_CA_BUNDLE, the profile's ca_bundle
 * or SSL_CERT_FILE name, in this order (ERR_INVALID: there are none in such a file or directory).
 */
int aws_create(uv_loop_t *loop, struct http_client *http, const struct aws_options *options,
               struct aws **out, struct error *error);
/* Cancels what is still under way; no callback comes any more. Before the HTTP client is closed;
 * the loop must run to its end afterwards: a retry may have been waiting, or files being read. NULL
 * does nothing. */
void aws_destroy(struct aws *aws);

struct queue_backend *aws_queue_backend(struct aws *aws); /* owned by aws */
struct object_store *aws_object_store(struct aws *aws);   /* owned by aws */

#endif
