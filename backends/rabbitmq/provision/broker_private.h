/*
 * Shared by the runner and the kinds of resources. A kind reads its resource with one or more GET
 * requests, and writes it with one request. A reply goes to the function in run->reply, which either
 * sends another request (BROKER_WAITS), or ends the phase (0), or fails (a negative code, with the
 * text in *error).
 */
#ifndef THUMBWHEEL_BROKER_PRIVATE_H
#define THUMBWHEEL_BROKER_PRIVATE_H

#include "broker_provision.h"
#include "management_client.h"
#include "secret_file.h"

enum { BROKER_WAITS = 1 };

typedef int broker_start(struct broker_run *run); /* 0: a request was sent */
typedef int broker_reply(struct broker_run *run, const struct management_reply *reply,
                         struct error *error);

struct broker_run {
    uv_loop_t *loop;
    const struct provision_run *run;
    broker_provisioned *done;
    void *user;
    struct http_client *http;
    char *api, *login, *vhost;   /* login: the user's name */
    struct secret_read *reading; /* the password; NULL: not under way */
    struct management_client client;
    struct management_request *request; /* NULL: none is pending */
    broker_reply *reply;
    size_t index;
    bool begun, writing; /* the resources; the phase of the current one */

    /* Of the current resource. */
    struct provision_finding finding;
    struct provision_change change;
};

/* A request for the current resource. body is taken; NULL: none. */
int broker_send(struct broker_run *run, const char *method, struct buffer *path, json_t *body,
                broker_reply *reply);
/* "/exchanges/VHOST" and the like; the caller adds the names and frees the buffer. */
void broker_path_begin(struct broker_run *run, const char *collection, struct buffer *path);

/* By enum provision_kind; NULL: not a broker's. */
broker_start *broker_reader(enum provision_kind kind);
broker_start *broker_writer(enum provision_kind kind);

#endif
