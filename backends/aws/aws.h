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

#include "error.h"
#include "fanout.h"
#include "http_client.h"
#include "object_store.h"
#include "queue_backend.h"

struct aws;

/* What the user said; NULL members are looked up as every AWS client does: environment (AWS_REGION,
 * AWS_DEFAULT_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
 * AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3/_SQS/_SNS, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE),
 * then ~/.aws/config and credentials. */
struct aws_options {
    const char *region;
    const char *profile;
    const char *endpoint; /* for every service */
    const char *access_key, *secret_key, *session_token;
    bool path_style; /* S3: forced; else it is chosen by the endpoint (a custom endpoint: path, AWS:
                        virtual host) */
    bool unsigned_payload;   /* S3: over https and loopback, objects go without a hash of their
                                bytes in the signature; saves CPU */
    bool ignore_environment; /* the embedded cloud: nothing but what is given here */
};

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

/* Whether a queue can have this name, URL or ARN; what opening it refuses, without opening it.
 * ERR_INVALID. */
int aws_queue_check(const char *name, struct error *error);
enum queue_relation aws_queue_compare(const char *name, const char *other);

typedef void aws_done(const struct error *error, void *user);

/* Makes buckets, DLQs, queues, topic, policies, subscriptions and the bucket's notification. The
 * error names the step that failed. *fanout is borrowed until the callback. */
int aws_provision(struct aws *aws, const struct fanout *fanout, aws_done *done, void *user);

#endif
