/* The embedded cloud's state without HTTP: storage, queues and topics with their own loop and
 * directory. */
#ifndef CLOUD_WORLD_H
#define CLOUD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud.h"
#include "queues.h"
#include "sns_outbox.h"
#include "sns_signer.h"
#include "topics.h"

struct world {
    uv_loop_t loop;
    struct cloud cloud;
    char directory[64];
    uv_prepare_t prepare;
    uv_check_t check;
    const bool *awaited;
};

void world_run_until(struct world *w, const bool *flag);
struct arn_home world_home(const struct world *w); /* of its queues and topics */

/* Lets this much time pass. */
void world_pass(struct world *w, uint64_t ms);

void world_reopen(struct world *w);
int world_setup(void **state);
int world_teardown(void **state);

/* A change of state and its result. */
struct world_change {
    bool done;
    int code;
};

void world_written(int code, void *user);
int world_wait(struct world *w, struct world_change *change);

void world_settle(struct world *w);
struct local_queue *world_queue(struct world *w, const char *name, const char *attributes);

/* Takes the attributes. */
int world_set(struct world *w, struct local_queue *queue, json_t *changes);
void world_send(struct world *w, struct local_queue *queue, const char *body,
                char id[UUID_TEXT_SIZE]);

/* A receive and its messages. */
struct world_poll {
    struct queue_poll poll;
    bool done;
    int code;
    size_t count;
    struct receipt receipts[QUEUE_BATCH];
    char handles[QUEUE_BATCH][RECEIPT_TEXT_SIZE];
    char ids[QUEUE_BATCH][UUID_TEXT_SIZE];
    char bodies[QUEUE_BATCH][4096];
    char attributes[QUEUE_BATCH][512];
    int receive_counts[QUEUE_BATCH];
    char sources[QUEUE_BATCH][128];
    struct queues *queues;
};

void world_completed(struct queue_poll *poll, int code, const struct queue_delivery *deliveries,
                     size_t count);
void world_poll_start(struct world *w, struct local_queue *queue, struct world_poll *p,
                      unsigned max, int visibility_s, int wait_s);
size_t world_receive(struct world *w, struct local_queue *queue, struct world_poll *p, unsigned max,
                     int visibility_s, int wait_s);
int world_delete(struct world *w, struct local_queue *queue, const char *handle);
int world_change_visibility(struct world *w, struct local_queue *queue, const char *handle,
                            int visibility_s);

/* An Approximate… count of a queue. */
int world_count(struct local_queue *queue, const char *name);

#define VISIBLE   "ApproximateNumberOfMessages"
#define IN_FLIGHT "ApproximateNumberOfMessagesNotVisible"
#define DELAYED   "ApproximateNumberOfMessagesDelayed"

/* Runs SQL on the storage thread's connection, to make later tasks fail or succeed again. */
void world_sql(struct world *w, const char *sql);

/* A number from the database, as another process sees it. */
int world_rows(struct world *w, const char *sql);

#endif
