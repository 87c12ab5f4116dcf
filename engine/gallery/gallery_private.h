/*
 * The members of the gallery, which the files of this folder share. Loop thread.
 *
 *     gallery.c           opening, requests, closing
 *     gallery_routes.c    the table of requests: method, path, handler
 *     gallery_guard.c     Host, Origin, session: what each request passes
 *     gallery_request.c   path, query and body of a request
 *     gallery_response.c  responses, their headers, errors
 *     gallery_parts.c     opening and closing the parts below
 *     gallery_page.c      the page's files
 *     gallery_login.c     logging in and out, links
 *     gallery_accounts.c  users, and which sessions hold; gallery_password.c: checking passwords
 *     gallery_uploads.c   uploads; gallery_multipart.c: in parts
 *     gallery_pipelines.c pipeline files; gallery_trial.c: trying one; gallery_draft.c: its text
 *     gallery_work.c      work on pool threads
 *     gallery_places.c    where photos are, and what may be signed
 *     gallery_events.c    what pages follow: a stream of events, or polling
 *     gallery_photos.c    the photos: see gallery_photos.h
 *     gallery_system.c    queues, the engine, its last work, dead letters
 *
 * A part is a file gallery_<part>.c with its state behind a member of struct gallery and a row in
 * gallery_parts.c. A handler is a function (struct gallery_call *) with a row in gallery_routes.c.
 */
#ifndef THUMBWHEEL_GALLERY_PRIVATE_H
#define THUMBWHEEL_GALLERY_PRIVATE_H

#include <jansson.h>

#include "gallery.h"
#include "gallery_links.h"
#include "gallery_session.h"
#include "http_server.h"
#include "list.h"
#include "text_list.h"

enum {
    GALLERY_BODY_MAX = 1024 * 1024,  /* bytes of a request */
    GALLERY_RESPONSE_MAX = 64 << 20, /* bytes of JSON */
    GALLERY_SEGMENTS_MAX = 4,        /* parameters in a path */
    GALLERY_QUERY_MAX = 32,          /* parameters in a query */
    GALLERY_EXTRA_HEADERS_MAX = 5,   /* of a response */
    GALLERY_COOKIE_NAME_SIZE = 32,
    GALLERY_STATUS_CLASSES = 6,
};

/* Who logs in with the link that the program prints. */
#define GALLERY_OWNER "owner"

struct gallery {
    uv_loop_t *loop;
    struct gallery_options options;
    struct http_server *server;
    uv_timer_t grace;  /* while it drains */
    struct list calls; /* struct gallery_call */
    bool draining, shut;
    unsigned open; /* what is open: server, timer, the parts of gallery_parts.c */
    bool parts_open;
    void (*all_closed)(struct gallery *gallery); /* when nothing is open */
    void (*closed)(void *user);
    void *closed_user;

    struct pipeline **pipelines; /* a reference to each */
    size_t pipeline_count;
    uint64_t responses[GALLERY_STATUS_CLASSES]; /* by status / 100, for the metrics */

    bool can_save;                                   /* a pipeline file is writable */
    struct gallery_place places[GALLERY_PLACES_MAX]; /* borrowed from options or pipelines */
    size_t place_count;

    /* gallery_cookie.c, gallery_login.c */
    char cookie_name[GALLERY_COOKIE_NAME_SIZE];
    uint8_t session_key[SESSION_KEY_SIZE];
    struct gallery_links links;
    char *policy; /* Content-Security-Policy */

    /* The states of parts; NULL: not open. */
    struct gallery_events *events;
    struct gallery_photos *photos;
    struct gallery_system *system;
    struct gallery_accounts *accounts;
    struct gallery_passwords *passwords;
    struct gallery_workers *workers;
    struct gallery_trials *trials;
};

struct gallery_route;

struct gallery_call { /* one request */
    struct list link;
    struct gallery *gallery;
    struct http_call *http;
    const struct gallery_route *route;
    struct gallery_session session;       /* of who has logged in */
    char *segments[GALLERY_SEGMENTS_MAX]; /* the decoded parameters of the path */
    size_t segment_count;
    struct text_list query; /* decoded: name, value, name, value, … */
    json_t *body;           /* an object; NULL: the request has none */
    char *cookie;           /* Set-Cookie of the response; NULL: none */
    /* The handler's: called once when the request has ended, in any case. */
    void (*ended)(struct gallery_call *call, bool completed);
    void *state;
};

typedef void gallery_handler(struct gallery_call *call);

/* ---- the request (gallery_request.c) ---- */

/* A parameter of the path: decoded UTF-8 without NUL and control characters. */
const char *gallery_segment(const struct gallery_call *call, size_t index);
/* The first value of a parameter of the query; NULL: absent. */
const char *gallery_query(const struct gallery_call *call, const char *name);
/* One value after another: *at begins as 0. NULL: no further one. */
const char *gallery_query_next(const struct gallery_call *call, const char *name, size_t *at);
/* A whole number in [min, max]; `absent` if there is no such parameter. False: it has refused the
 * request. */
bool gallery_query_number(struct gallery_call *call, const char *name, int64_t min, int64_t max,
                          int64_t absent, int64_t *out);
/* A member of the body that is a string of at most max bytes. NULL: it has refused the request. */
const char *gallery_body_text(struct gallery_call *call, const char *name, size_t max);

/* Of gallery.c. False: it has refused the request. */
bool gallery_request_read(struct gallery_call *call, const char *pattern);
bool gallery_request_read_body(struct gallery_call *call, struct slice text);
void gallery_request_clear(struct gallery_call *call);

/* ---- the response (gallery_response.c) ---- */

/* Takes body; NULL: out of memory. */
void gallery_respond_json(struct gallery_call *call, int status, json_t *body);
/* Without a body: 204. */
void gallery_respond_done(struct gallery_call *call);
/* Any content; takes body. */
void gallery_respond(struct gallery_call *call, int status, const struct http_header *extra,
                     size_t extra_count, struct bytes *body);
/* {"error": {"code": …, "message": …}}: the message says what the user can do. */
void gallery_refuse(struct gallery_call *call, int status, const char *code, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
/* The same with a Retry-After. */
void gallery_refuse_for(struct gallery_call *call, int status, const char *code, unsigned retry_s,
                        const char *message);
/* The same for an error of a seam (store, queues): the status follows from its code. */
void gallery_refuse_error(struct gallery_call *call, const struct error *error);
/* Begins a streamed response with the headers that all have; http_call_write and http_call_end
 * follow. */
void gallery_stream_begin(struct gallery_call *call, const char *content_type);

/* ---- places (gallery_places.c) ---- */

void gallery_places_make(struct gallery *gallery);
/* Whether some pipeline accepts it. */
bool gallery_is_accepted(const struct gallery *gallery, const char *bucket, const char *key);
/* Whether it is below a place and some pipeline accepts it. */
bool gallery_is_photo(const struct gallery *gallery, const char *bucket, const char *key);
/* Renews the list of the store's origins in the Content-Security-Policy. */
void gallery_policy_renew(struct gallery *gallery);
/* A presigned GET whose URL is the same for half an hour, and valid for at least 30 minutes more.
 * disposition may be NULL. The caller has checked that the object may be read: gallery_is_photo, or
 * an output of a photo. The URL is to be freed by the caller. */
int gallery_presign(const struct gallery *gallery, const char *bucket, const char *key,
                    const char *disposition, char **url, struct error *error);

/* ---- events (gallery_events.c) ---- */

/* Tells every page that follows. Takes data; NULL (there was not enough memory for it): the pages
 * start anew. type: static, without line breaks. */
void gallery_publish(struct gallery *gallery, const char *type, json_t *data);
/* Every page starts anew: it loads again what it shows. */
void gallery_events_reset(struct gallery *gallery);
/* The number of pages that follow. */
size_t gallery_watchers(const struct gallery *gallery);
/* How many pages have ever begun to follow. */
uint64_t gallery_followers(const struct gallery *gallery);

/* ---- parts (gallery_parts.c) ---- */

/* Opens all, in order; on error none remains open. */
int gallery_parts_open(struct gallery *gallery, struct error *error);
/* The gallery is about to close: streams end, waiting requests get their responses. */
void gallery_parts_drain(struct gallery *gallery);
/* Each part then calls gallery_part_closed once. */
void gallery_parts_close(struct gallery *gallery);
/* After the pipelines and places have changed. */
void gallery_parts_reload(struct gallery *gallery);
void gallery_part_closed(struct gallery *gallery);

/* ---- handlers ---- */

gallery_handler gallery_login, gallery_logout, gallery_link_make, gallery_session_show;
gallery_handler gallery_events_follow;
gallery_handler gallery_layout_show, gallery_photos_list, gallery_photo_show, gallery_photo_share;
gallery_handler gallery_tags_list, gallery_tags_write;
gallery_handler gallery_photos_delete, gallery_photos_undo, gallery_photos_retry;
gallery_handler gallery_system_show, gallery_activity_show;
gallery_handler gallery_letters_list, gallery_letters_redrive, gallery_letters_purge;
gallery_handler gallery_pipelines_list, gallery_pipeline_check, gallery_pipeline_save;
gallery_handler gallery_pipeline_try, gallery_trial_get;
gallery_handler gallery_upload, gallery_upload_parts, gallery_upload_complete, gallery_upload_abort;

/* A new file is written beside it, so both the file and its folder must be writable. Blocking. */
bool gallery_pipeline_is_writable(const char *file);

/* Responds with the file of the page that has the path. False: there is none. */
bool gallery_page_serve(struct gallery_call *call, struct slice path);

#endif
