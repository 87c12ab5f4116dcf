/*
 * Init files: the buckets, queues, topics, subscriptions, event buses and rules that the embedded
 * cloud has after its start. YAML, of which JSON is a part; docs/embedded-cloud.md documents it.
 *
 *   text ──► nodes (yaml_reader.h) ──► check by the table of keys ──► requests, in an order in which
 *            each finds what it refers to: all that has a name, then its settings, what connects
 *            them, and the buckets' notifications
 *
 * The requests are those of the services' APIs, and sending all of them again changes nothing: what
 * exists is kept, and its settings become those of the file. Nothing is deleted. A request knows the
 * place in the file that it is made of, for errors. No I/O except init_file_load; any thread.
 */
#ifndef THUMBWHEEL_INIT_FILE_H
#define THUMBWHEEL_INIT_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "problems.h"

enum { INIT_FILE_MAX = 1024 * 1024, INIT_KEY_MAX = 128 };

enum init_service { INIT_S3, INIT_SQS, INIT_SNS, INIT_EVENTS };

struct init_request {
    enum init_service service;
    const char *operation; /* static */
    char *resource;        /* its name, for messages; S3: the bucket */
    json_t *input;         /* SQS, SNS, EventBridge: the members; NULL: S3 */
    const char *query;     /* S3: the sub-resource, static; NULL: none */
    char *body;            /* S3: a document; NULL: none */
    const char *accepts;   /* static: an error code that means that it exists; NULL: none */
    /* SNS: the SubscriptionArn is that of the last Subscribe. */
    bool of_subscription;
    int line, column;
    char key[INIT_KEY_MAX]; /* "queues[0].attributes" */
};

struct init_home { /* where the resources will be; borrowed */
    const char *region, *account;
};

struct init_file {
    char *name; /* of the file */
    struct init_request *requests;
    size_t count, capacity;
};

/* The file of that name and text. ERR_INVALID: all problems are in the list; ERR_MEMORY. *out must
 * be cleared in any case. */
int init_file_read(struct slice text, const char *name, const struct init_home *home,
                   struct init_file *out, struct problem_list *problems);
/* The same from the disk; blocking. */
int init_file_load(const char *name, const struct init_home *home, struct init_file *out,
                   struct problem_list *problems);
void init_file_clear(struct init_file *file);

#endif
