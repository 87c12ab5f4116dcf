/*
 * What the engine has done last: the records of messages that it works on and the last ones that it
 * settled, each with the time at which every step began, and the pace that results. From the
 * engine's observer. Loop thread.
 *
 * Memory is bounded: a record beyond ACTIVITY_RUNNING_MAX at once is counted, but not shown.
 */
#ifndef THUMBWHEEL_ACTIVITY_H
#define THUMBWHEEL_ACTIVITY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "id_table.h"
#include "list.h"

enum {
    ACTIVITY_SHOWN = 100, /* settled records */
    ACTIVITY_RUNNING_MAX = 4096,
    ACTIVITY_STEPS_MAX = 24, /* of a record; further ones are not shown */
    ACTIVITY_TIMES = 512,    /* durations that the percentiles are of */
    ACTIVITY_PACE_S = 10,    /* seconds that the pace is an average of */
};

struct activity {
    struct list running, settled; /* struct activity_record; oldest first */
    struct id_table table;        /* of running */
    size_t running_count, settled_count;
    uint64_t serial;
    struct {
        double ms;
        uint64_t at_ms;
    } times[ACTIVITY_TIMES];
    size_t time_count; /* ever; the newest is before times[time_count % ACTIVITY_TIMES] */
    struct {
        uint64_t second, done;
    } seconds[ACTIVITY_PACE_S + 1];
};

struct activity_pace {
    double per_second;     /* messages' records that were done */
    double p50_ms, p95_ms; /* from the event to the end, of those done in the last five minutes; 0:
                            * none were */
};

/* ERR_MEMORY. */
int activity_init(struct activity *activity);
void activity_clear(struct activity *activity);

void activity_step(struct activity *activity, const struct engine_step *step);
/* now_ms: uv_now; wall_ms: Unix time. Returns the record as activity_json has it, for those who
 * watch; NULL: there is not enough memory. */
json_t *activity_settle(struct activity *activity, const struct engine_record *record,
                        uint64_t now_ns, int64_t wall_ms);

/* The newest first, those that the engine works on before them; NULL: out of memory. */
json_t *activity_json(const struct activity *activity, uint64_t now_ns, int64_t wall_ms);
struct activity_pace activity_pace(const struct activity *activity, uint64_t now_ns);

#endif
