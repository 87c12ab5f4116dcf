/* The members of the gate, which the files of this folder share. Loop thread. */
#ifndef THUMBWHEEL_GATE_PRIVATE_H
#define THUMBWHEEL_GATE_PRIVATE_H

#include <jansson.h>

#include "gate.h"
#include "gate_key.h"
#include "gate_token.h"
#include "gate_token_file.h"
#include "http_server.h"
#include "list.h"
#include "log.h"

enum { GATE_HEADERS_MAX = 10, GATE_BODY_MAX = 4096 };

enum gate_result { /* of a request, for the metrics */
                   GATE_RESULT_UPLOAD,
                   GATE_RESULT_DOWNLOAD,
                   GATE_RESULT_UNAUTHORIZED,
                   GATE_RESULT_FORBIDDEN,
                   GATE_RESULT_NOT_FOUND,
                   GATE_RESULT_LIMITED,
                   GATE_RESULT_INVALID,
                   GATE_RESULT_UNAVAILABLE,
                   GATE_RESULTS
};

struct gate {
    uv_loop_t *loop;
    struct gate_options options;
    struct http_server *server;
    struct gate_token_file file;
    uv_timer_t grace;  /* while it drains */
    struct list calls; /* struct gate_call */
    bool uploads_located, downloads_located[GATE_PLACES_MAX];
    bool draining, shut;
    unsigned parts; /* that are open: server, token file, timer */
    void (*closed)(void *user);
    void *closed_user;
    uint64_t results[GATE_RESULTS];
    struct log_gate failures; /* limits the lines about the store */
    /* Of gate_locate. */
    struct object_request *locating;
    size_t next_place;
    object_done *located;
    void *located_user;
};

struct gate_call { /* one request */
    struct list link;
    struct gate *gate;
    struct http_call *http;
    const struct gate_place *place; /* where the object is */
    bool *located;                  /* the place's */
    bool asked;                     /* the place was located for this request */
    struct object_request *locating;
    int (*grant)(struct gate_call *call,
                 struct error *error); /* presigns, and responds on success */
    char token[GATE_NAME_MAX +
               1]; /* its name, for the log: the tokens may be read again meanwhile */
    char key[GATE_KEY_SIZE];
    char type[GATE_TYPE_MAX + 1]; /* of an upload */
    uint64_t size;                /* of an upload: exactly, or of a form at most */
    uint64_t max_size;            /* the token's */
    bool form;                    /* the upload is a form */
};

/* Responds with a JSON document, which is taken; NULL: out of memory. extra may be NULL. */
void gate_respond(struct gate_call *call, int status, json_t *body, const struct http_header *extra,
                  size_t extra_count);
/* Responds with an error: {"error": {"code": …, "message": …}}. */
void gate_refuse(struct gate_call *call, enum gate_result result, int status, const char *code,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with a Retry-After. */
void gate_refuse_for(struct gate_call *call, enum gate_result result, int status, const char *code,
                     unsigned retry_s, const char *message);

/* Adds the headers that allow the page of an allowed origin to read the response. *echo holds the
 * origin until the response was sent; to be freed by the caller. */
size_t gate_cors_headers(const struct gate_call *call, struct http_header *out, char **echo);
/* Whether the request comes from a page of an allowed origin. */
bool gate_cors_allows(const struct gate_call *call);

/* Checks token, scope and rate; NULL: it has responded. */
struct gate_token *gate_admit(struct gate_call *call, enum gate_scope scope);
/* Calls call->grant, after locating the place if that is still to be done or there are no
 * credentials. Responds in any case. */
void gate_grant(struct gate_call *call);

void gate_upload(struct gate_call *call);
void gate_download(struct gate_call *call);

/* The time when a URL ends, whatever ends it. */
int64_t gate_end_of(const struct object_validity *valid);

#endif
