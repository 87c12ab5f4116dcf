/*
 * A message move task of the service, from its start to its end. Loop thread.
 */
#ifndef THUMBWHEEL_MOVE_TASK_H
#define THUMBWHEEL_MOVE_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "queue_admin.h"
#include "queue_backend.h"

struct move_follower;

struct move_task_facts {
    bool started;   /* the service accepted it */
    bool cancelled; /* as asked for */
    uint64_t moved, to_move;
    struct error error; /* why it did not start, or failed */
};

/* Starts a task that moves everything to a queue, unless one is running. ERR_MEMORY. */
int move_task_start(uv_loop_t *loop, const struct queue_backend *backend,
                    struct queue *dead_letters, const struct queue *to, struct move_follower **out);
/* Cancels it in the service; it is done when the service says so. */
void move_task_stop(struct move_follower *task);
bool move_task_is_done(void *task);
const struct move_task_facts *move_task_facts(const struct move_follower *task);
/* Only when it is done; NULL does nothing. The loop must run once more. */
void move_task_free(struct move_follower *task);

#endif
