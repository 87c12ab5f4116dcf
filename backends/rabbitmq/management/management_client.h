/*
 * Requests to RabbitMQ's management API ("Management HTTP API", RabbitMQ documentation): JSON over
 * HTTP with a user and a password. No request is retried: all are idempotent, and the caller repeats
 * what failed. Loop thread.
 */
#ifndef THUMBWHEEL_MANAGEMENT_CLIENT_H
#define THUMBWHEEL_MANAGEMENT_CLIENT_H

#include <jansson.h>

#include "bytes.h"
#include "http_client.h"

struct management_client {
    struct http_client *http; /* borrowed */
    char *base;               /* "http://127.0.0.1:15672" */
    char *authorization;      /* the header's value: a secret */
};

struct management_reply { /* borrowed */
    int status;           /* 0: no response */
    json_t *body;         /* of a 2xx response; NULL: none */
    struct error error;   /* code 0: 2xx. ERR_NOT_FOUND, ERR_DENIED, ERR_REFUSED (with the broker's
                           * reason), ERR_SERVER, or the transport's */
};

typedef void management_replied(const struct management_reply *reply, void *user);

/* base is copied. The password is copied into the header and not kept otherwise. ERR_MEMORY: nothing
 * to close. */
int management_client_open(struct management_client *client, struct http_client *http,
                           const char *base, const char *user, const char *password);
void management_client_close(struct management_client *client);

/* A pending request. */
struct management_request;

/* path: below /api, encoded, with '/' at its beginning. body: taken, also on failure; NULL: none.
 * After an error done is not called; otherwise once, from a fresh loop callback. */
int management_send(struct management_client *client, const char *method, const char *path,
                    json_t *body, management_replied *done, void *user,
                    struct management_request **out);
/* done will not be called. Not from done. */
void management_cancel(struct management_request *request);

/* Appends '/' and the encoded name. */
void management_path_add(struct buffer *path, const char *name);

#endif
