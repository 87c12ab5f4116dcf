/*
 * The pace of a pipeline's requests to its labeling service: at most so many at the same time, and
 * so many per second (a token bucket that holds a tenth of a second's tokens, at least one). A job
 * takes its turn before its request; waiting turns are granted in order. The job keeps its message
 * while it waits, because a lease lasts as long as its delivery has jobs. Loop thread.
 */
#ifndef THUMBWHEEL_LABEL_PACE_H
#define THUMBWHEEL_LABEL_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "labeler.h"
#include "list.h"

struct label_pace {
    uv_timer_t timer; /* the next turn */
    struct list waiting;
    unsigned active; /* turns that were granted and have not ended */
    double tokens;
    uint64_t filled_ms; /* uv_now at which the tokens were counted; 0: never */
};

enum label_turn_state { TURN_NONE, TURN_WAITING, TURN_GRANTED };

struct label_turn { /* embed it; zero-initialised, with granted */
    struct list link;
    struct label_pace *pace;
    const struct labeler_settings *settings; /* borrowed while it waits */
    enum label_turn_state state;
    /* Called from a new loop callback if the turn had to wait. */
    void (*granted)(struct label_turn *turn);
};

/* Cannot fail, because libuv's timers allocate nothing. */
void label_pace_init(struct label_pace *pace, uv_loop_t *loop);
/* All turns must have ended. */
void label_pace_close(struct label_pace *pace, uv_close_cb closed);

/* The state is then TURN_GRANTED, or TURN_WAITING and `granted` will be called. */
void label_turn_take(struct label_pace *pace, struct label_turn *turn,
                     const struct labeler_settings *settings);
/* Ends a turn, or the wait for it; may be called at any time. */
void label_turn_end(struct label_turn *turn);
bool label_turn_waits(const struct label_turn *turn);

#endif
