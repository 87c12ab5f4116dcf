/*
 * Private to the storage: what its two threads share, and which of them accesses what.
 *
 *     storage.c         the loop thread: opening, submitting, calling back, closing
 *     storage_thread.c  the storage thread: units, groups, commits
 *
 * Threads. `inbox` and `outbox` are the only data that both threads access; the mutex guards them.
 * Everything in the "storage thread" part of the struct belongs to the loop thread until
 * storage_loaded(), and to the storage thread alone from then on: it takes nothing from the inbox
 * before.
 */
#ifndef THUMBWHEEL_LOCAL_STORAGE_PRIVATE_H
#define THUMBWHEEL_LOCAL_STORAGE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "data_directory.h"
#include "database.h"
#include "storage.h"

enum {
    SYNC_DIRECTORIES = 4, /* distinct directories to sync per group */
};

struct task_list {
    /* linked by next; each is the head of a unit, linked by unit_next */
    struct storage_task *first, *last;
};

struct after_commit {
    storage_action *action;
    uint64_t id;
    void *user;
};

struct storage {
    /* constant once open */
    struct data_directory directory;
    enum storage_durability durability;
    uv_loop_t *loop;
    uv_thread_t thread;

    /* both threads, under the mutex */
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct task_list inbox, outbox;
    bool loaded; /* to the thread: the database is yours */
    bool stop;   /* to the thread: stop when the inbox is empty */
    bool ended;  /* from the thread: it no longer accesses anything */

    /* loop thread */
    uv_async_t completion;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    unsigned handles;       /* number of handles not yet closed */
    struct task_list fresh; /* submitted, not yet in the inbox */
    size_t fresh_count;
    size_t outstanding;             /* units submitted and not yet done */
    unsigned asides;                /* tasks aside that have a thread of the pool */
    struct task_list waiting_aside; /* those that do not yet */
    bool closing;
    void (*closed)(void *user);
    void *closed_user;

    /* storage thread */
    struct database database;
    const char *sync[SYNC_DIRECTORIES];
    size_t sync_count;
    struct after_commit *after;
    size_t after_count, after_capacity;
};

/* Any thread, on a list that it owns. */
void task_list_append(struct task_list *list, struct storage_task *head);
struct storage_task *task_list_shift(struct task_list *list); /* the first of a list that has one */
void task_list_move(struct task_list *to, struct task_list *from); /* to the end; empties *from */

/* Sets the result of all tasks of a unit; error may be NULL if code is 0. */
void unit_set(struct storage_task *head, int code, const struct error *error);
/* Runs the tasks of a unit until one fails; each then has that code. Storage thread, or a thread of
 * the pool for a task aside. */
int unit_run_tasks(struct storage *storage, struct storage_task *head);

/* The storage thread's main function; argument is the struct storage. */
void storage_thread_main(void *argument);

#endif
