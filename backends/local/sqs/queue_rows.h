/*
 * Rows of messages (message_rows.c) and queues (queue_rows.c). A task is created on the loop thread
 * with copies of mutable data, runs on the storage thread, and is freed on the loop thread after
 * `settled`.
 */
#ifndef THUMBWHEEL_QUEUE_ROWS_H
#define THUMBWHEEL_QUEUE_ROWS_H

#include "queues_internal.h"

struct message_row { /* a snapshot of a message */
    struct local_message
        /* pending: on the storage thread, only the insert reads it, and only its constant
         * members */
        *message;
    uint64_t id, queue;
    int64_t due_ms, first_ms, received_ms;
    uint32_t count, base;
    bool body_apart;
};

struct message_task {
    struct storage_task task;
    struct local_queue *queue; /* retained */
    /* Loop thread, after the commit; may be NULL. The task is freed afterwards. */
    void (*settled)(struct message_task *task, int code);
    queue_written *done; /* called then; may be NULL */
    void *user;
    /* of a send: the unstored originals of its duplicates; a reference each */
    struct dedup *awaits[QUEUE_BATCH];
    size_t await_count;
    bool broken; /* an original was not stored */
    size_t count;
    struct message_row rows[];
};

typedef int storage_run(struct storage_task *task, struct storage *storage);
storage_run message_rows_insert, message_rows_update, message_rows_delete;
int message_row_delete(struct storage_task *task, struct storage *storage, uint64_t id,
                       bool body_apart);
/* Deletes the history up to that message's entry; nobody waits for it. */
void dedup_rows_forget(struct queues *queues, uint64_t last);

/* With room for that many rows. NULL if memory is short. */
struct message_task *message_task_new(struct local_queue *queue, size_t rows, storage_run *run,
                                      void (*settled)(struct message_task *task, int code));
void message_task_add(struct message_task *task, struct local_message *message);
void message_task_submit(struct message_task *task);
void message_task_discard(struct message_task *task); /* never submitted */

/* Logs a failure of either kind of task. */
void queue_task_log(const struct storage_task *task, const struct local_queue *queue, int code);

struct queue_task {
    struct storage_task task;
    struct local_queue *queue; /* retained */
    void (*settled)(struct queue_task *task, int code);
    queue_written *done;
    void *user;
    char *name;              /* owned copies */
    char *attributes, *tags; /* JSON */
    int64_t modified_ms;
    uint64_t below_id;                /* of a purge */
    struct list change;               /* in the queue's changes or tag_changes */
    struct queue_attributes previous; /* of a change: the replaced value */
    json_t *previous_tags;
};

storage_run queue_row_insert, queue_row_update, queue_row_tags, queue_row_delete, queue_row_purge,
    queue_row_none;

struct queue_task *queue_task_new(struct local_queue *queue, storage_run *run,
                                  void (*settled)(struct queue_task *task, int code));
void queue_task_submit(struct queue_task *task);

#endif
