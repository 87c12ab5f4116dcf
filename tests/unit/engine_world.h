/*
 * A fixture with an engine: a real loop and workers, with the in-memory seams of fake_services.h.
 * Each test file has one world, which setup and teardown recreate for each case.
 */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "fake_services.h"

enum { WATCHDOG_MS = 60000, PIPELINES_MAX = 4 };

struct world {
    uv_loop_t loop;
    uv_timer_t watchdog;
    uint64_t due_ms;
    struct fake_queues queues;
    struct fake_store store;
    struct pipeline *pipelines[PIPELINES_MAX];
    size_t pipeline_count;
    struct engine *engine;
    struct error ready_error;
    bool ready, drained, closed, late;
    unsigned acks, retries, rejects;
    char last_reason[64], last_key[128];
};

extern struct world w;

int setup(void **state);
int teardown(void **state);

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Runs the loop until the condition is met; fails if that takes too long. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        wait_begin();                                                                              \
        while (!(condition) && !w.late)                                                            \
            uv_run(&w.loop, UV_RUN_ONCE);                                                          \
        assert_true(condition);                                                                    \
        wait_end();                                                                                \
    } while (0)

/* Private to UNTIL. */
void wait_begin(void);
void wait_end(void);

/* ---- the engine ---- */

void add_pipeline(const char *name, const char *queue);

/* Two workers, and all pipelines that were added. */
struct engine_options options(void);

void start(const struct engine_options *with);
void start_unawaited(const struct engine_options *with); /* does not wait until it is ready */
void start_default(void);                                /* and without an error */
void start_leasing(void); /* with leases that are short enough to see them extended or lost */

struct engine_stats stats(void);

/* Callbacks that record in `w`, and one that sets the bool it is given. */
void on_record(const struct engine_record *record, void *user);
void on_ready(const struct error *error, void *user);
void set_true(void *user);

/* ---- photos, events and messages ---- */

void photo(const char *name, const char *text);
void announce(const char *queue, const char *name);

/* So many photos, 0.jpg and so on, each with its event. */
void announce_photos(const char *queue, int count, const char *text);

/* Another consumer receives the queue's first message, so its lease is lost. */
struct fake_message *receive_elsewhere(const char *queue);

void assert_stored(const char *key, const char *text);
size_t depth(const char *queue);

#endif
