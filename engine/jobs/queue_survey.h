/*
 * How many messages the queues hold: asked while somebody looks, at most every SURVEY_EVERY_MS, and
 * a few queues at a time, so that a thousand pipelines do not send two thousand requests at once.
 * The requests count as all others of the service do. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_SURVEY_H
#define THUMBWHEEL_QUEUE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consumer;
struct engine;

enum { SURVEY_EVERY_MS = 30000, SURVEY_AT_ONCE = 4 };

/* The last response of one queue. */
struct queue_depth {
    struct consumer *consumer;
    bool known, pending;
    uint64_t visible, in_flight, delayed; /* messages, approximately */
};

struct queue_survey {
    struct engine *engine;
    size_t next;       /* of the engine's consumers: this one is asked next */
    size_t pending;    /* requests */
    bool running, ran; /* ran: began_ms is valid */
    uint64_t began_ms;
};

void queue_survey_init(struct queue_survey *survey, struct engine *engine);
/* Somebody looks: begins a survey unless one is running or the last one is recent. */
void queue_survey_look(struct queue_survey *survey);
/* The consumer's queues are about to be closed: no response will come. */
void queue_survey_forget(struct queue_survey *survey, struct consumer *consumer);

#endif
