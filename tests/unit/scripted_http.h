/*
 * An HTTP client with scripted responses, linked into the test instead of
 * engine/http/http_client.c, so that the code under test sends nothing. Requests are recorded in
 * order; the n-th gets the n-th response, from a fresh loop callback.
 */
#ifndef THUMBWHEEL_TEST_SCRIPTED_HTTP_H
#define THUMBWHEEL_TEST_SCRIPTED_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "aws.h"
#include "http_client.h"

enum { SCRIPT_MAX = 64, SCRIPT_HEADERS_MAX = 64 };

struct scripted_response {
    int error; /* a transport error; else the status counts */
    int status;
    const char *body;
    struct http_header headers[8];
    bool bare;  /* no ETag of its own: else S3's, where none is given */
    bool never; /* no response: only a cancel ends the exchange */
    unsigned delay_ms;
};

struct scripted_request {
    char *method, *url, *body;
    size_t body_size;
    struct http_header headers[SCRIPT_HEADERS_MAX];
    size_t header_count;
    size_t response_max;
    unsigned total_timeout_ms;
};

struct script {
    /* Set after script_begin: it responds instead of the script, and requests are not recorded. The
     * response and its texts must last until it is due. */
    const struct scripted_response *(*respond)(const struct http_request *request);
    const struct scripted_response *responses;
    size_t response_count;
    size_t sent; /* requests recorded */
    size_t cancelled;
    struct scripted_request requests[SCRIPT_MAX];
    uv_loop_t loop;
    struct aws *aws;
};
extern struct script script;

/* The options of a test's client: region eu-central-1, AKIDEXAMPLE; nothing from the environment.
 */
extern const struct backend_settings script_options;

/* Starts a script, and a client for it. */
void script_begin(const struct scripted_response *responses, size_t count,
                  const struct backend_settings *options);
#define SCRIPT(options, ...)                                                                       \
    script_begin((const struct scripted_response[]){__VA_ARGS__},                                  \
                 sizeof((const struct scripted_response[]){__VA_ARGS__}) /                         \
                     sizeof(struct scripted_response),                                             \
                 options)
/* Runs the loop until *done. */
void script_run(const bool *done);
/* Destroys the client, checks that every response was requested, and frees it. */
void script_end(void);

/* The result of a call; `done` is for script_run. */
struct script_outcome {
    bool done;
    struct error error;
};
/* A done callback, whose user is a struct script_outcome. */
void script_on_done(const struct error *error, void *outcome);

/* SNS Publish, as a request like any other; user outlives it. */
struct script_publish {
    void (*done)(const struct error *error, void *user);
    void *user;
};
int script_publish_start(struct script_publish *publish, const char *topic_arn, const char *subject,
                         const char *message);

/* A header of the n-th request, or NULL. */
const char *script_header(size_t request, const char *name);
/* Checks the n-th request's signature: it must cover every header sent. */
void script_assert_signed(size_t request, const char *service);
/* The same for another region than that of the test's client. */
void script_assert_signed_for(size_t request, const char *service, const char *region);

#endif
