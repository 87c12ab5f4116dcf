/* Overlays in buckets: one request for all that wait, the look after a minute, and failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "container_of.h"
#include "overlay_table.h"

enum { REQUESTS_MAX = 8, WAITS = 3 };

struct object_request {
    object_got *got; /* NULL: a head */
    object_head_done *seen;
    void *user;
    char bucket[32], key[32];
};

struct pipeline {
    struct pipeline_facts facts;
    unsigned users;
    char picture[32];
};

struct waiter {
    struct overlay_wait wait;
    unsigned woken;
};

static struct {
    uv_loop_t loop;
    struct memory_budget memory;
    struct overlay_table table;
    struct object_request requests[REQUESTS_MAX];
    size_t count; /* of requests so far */
    unsigned cancelled, made;
    struct pipeline pipeline;
    struct waiter waiters[WAITS];
    struct error error;
} w;

/* ---- the store ---- */

static struct object_request *request_new(const struct object_name *name, void *user)
{
    assert_true(w.count < REQUESTS_MAX);
    struct object_request *request = &w.requests[w.count++];
    *request = (struct object_request){.user = user};
    strcpy(request->bucket, name->bucket);
    strcpy(request->key, name->key);
    return request;
}

static int store_get(struct object_store *store, const struct object_name *name, size_t max_size,
                     object_got *done, void *user, struct object_request **out)
{
    (void)store;
    assert_int_equal(max_size, OVERLAY_OBJECT_MAX);
    *out = request_new(name, user);
    (*out)->got = done;
    return 0;
}

static int store_head(struct object_store *store, const struct object_name *name,
                      object_head_done *done, void *user, struct object_request **out)
{
    (void)store;
    *out = request_new(name, user);
    (*out)->seen = done;
    return 0;
}

static void store_cancel(struct object_request *request)
{
    (void)request;
    w.cancelled++;
}

static const struct object_store_ops store_ops = {
    .get = store_get, .head = store_head, .cancel = store_cancel};
static struct object_store store = {&store_ops};

/* Answers the last request. */
static void answer(const char *body, const char *etag, int code)
{
    struct object_request *request = &w.requests[w.count - 1];
    const struct object_facts facts = {.etag = etag};
    struct error error = {0};
    struct bytes bytes = {0};
    if (code)
        error_set(&error, code, "as the test wants it");
    if (body)
        bytes = bytes_give(strdup(body), strlen(body));
    if (request->got)
        request->got(&bytes, &facts, &error, request->user);
    else
        request->seen(&facts, &error, request->user);
    bytes_free(&bytes);
}

/* ---- the pipeline ---- */

static struct pipeline *retain(struct pipeline *pipeline)
{
    pipeline->users++;
    return pipeline;
}

static void release(struct pipeline *pipeline)
{
    if (pipeline && --pipeline->users == 0 && pipeline != &w.pipeline)
        free(pipeline);
}

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static int with_pictures(const struct pipeline *pipeline, const struct slice *pictures,
                         struct pipeline **out, struct error *error)
{
    struct pipeline *made = calloc(1, sizeof *made);
    (void)pipeline;
    (void)error;
    assert_non_null(made);
    made->users = 1;
    memcpy(made->picture, pictures[0].data, pictures[0].size);
    *out = made;
    w.made++;
    return 0;
}

static const struct pipeline_ops pipeline_ops = {
    .retain = retain, .release = release, .facts = facts_of, .with_pictures = with_pictures};

/* ---- the test ---- */

static void on_woken(struct overlay_wait *wait)
{
    container_of(wait, struct waiter, wait)->woken++;
}

static bool shed(void *user)
{
    (void)user;
    return false;
}

static void relaxed(void *user)
{
    (void)user;
}

static int setup(void **state)
{
    static const struct pipeline_overlay overlay = {"logos", "a.png"};
    const struct memory_budget_options memory = {
        .limit = 1 << 30, .shed = shed, .relaxed = relaxed};
    (void)state;
    memset(&w, 0, sizeof w);
    assert_int_equal(uv_loop_init(&w.loop), 0);
    assert_int_equal(memory_budget_init(&w.memory, &w.loop, &memory), 0);
    overlay_table_init(&w.table, &w.loop,
                       &(struct overlay_table_options){&store, &pipeline_ops, &w.memory});
    w.pipeline = (struct pipeline){.facts = {.overlays = &overlay, .overlay_count = 1}, .users = 1};
    for (size_t i = 0; i < WAITS; i++)
        overlay_wait_init(&w.waiters[i].wait, on_woken);
    return 0;
}

static int teardown(void **state)
{
    struct memory_figures figures;
    (void)state;
    overlay_table_close(&w.table);
    memory_figures(&w.memory, &figures);
    assert_int_equal(figures.taken, 0);
    assert_int_equal(w.pipeline.users, 1);
    memory_budget_close(&w.memory, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    return 0;
}

static enum overlay_state ask(size_t waiter, const char *expected)
{
    struct pipeline *made = NULL;
    enum overlay_state state = overlay_table_get(&w.table, &w.pipeline, "photos",
                                                 &w.waiters[waiter].wait, &made, &w.error);
    if (state == OVERLAY_READY) {
        assert_string_equal(made->picture, expected);
        release(made);
    }
    return state;
}

static void on_time(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void pass(uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&w.loop, &timer);
    uv_timer_start(&timer, on_time, ms, 0);
    uv_unref((uv_handle_t *)&w.memory.async);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    uv_ref((uv_handle_t *)&w.memory.async);
}

static void fetch(const char *body, const char *etag)
{
    assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
    answer(body, etag, 0);
    assert_int_equal(ask(0, body), OVERLAY_READY);
}

static void all_that_wait_share_a_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAITS; i++)
        assert_int_equal(ask(i, NULL), OVERLAY_WAITS);
    assert_int_equal(w.count, 1);
    assert_string_equal(w.requests[0].bucket, "logos");
    overlay_wait_end(&w.waiters[1].wait);
    answer("red", "1", 0);
    assert_int_equal(w.waiters[0].woken, 1);
    assert_int_equal(w.waiters[1].woken, 0);
    assert_int_equal(w.waiters[2].woken, 1);
    for (size_t i = 0; i < WAITS; i++)
        assert_int_equal(ask(i, "red"), OVERLAY_READY);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.made, 1);
}

static void after_a_minute_it_is_compared(void **state)
{
    (void)state;
    fetch("red", "1");
    pass(OVERLAY_RECHECK_MS - 1000);
    assert_int_equal(ask(0, "red"), OVERLAY_READY);
    pass(2000);
    assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
    assert_non_null(w.requests[1].seen);
    answer(NULL, "1", 0);
    assert_int_equal(ask(0, "red"), OVERLAY_READY);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.made, 1);
}

static void what_has_changed_is_fetched_again(void **state)
{
    (void)state;
    fetch("red", "1");
    pass(OVERLAY_RECHECK_MS);
    assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
    answer(NULL, "2", 0);
    assert_non_null(w.requests[2].got);
    answer("blue", "2", 0);
    assert_int_equal(w.waiters[0].woken, 2);
    assert_int_equal(ask(0, "blue"), OVERLAY_READY);
    assert_int_equal(w.made, 2);
}

static void a_service_out_of_order_stops_nobody(void **state)
{
    (void)state;
    fetch("red", "1");
    pass(OVERLAY_RECHECK_MS);
    assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
    answer(NULL, NULL, ERR_SERVER);
    assert_int_equal(ask(0, "red"), OVERLAY_READY);
}

static void what_is_missing_or_denied_fails_until_it_is_there(void **state)
{
    (void)state;
    static const int codes[] = {ERR_NOT_FOUND, ERR_DENIED};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fetch("red", "1");
        pass(OVERLAY_RECHECK_MS);
        assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
        answer(NULL, NULL, codes[i]);
        assert_int_equal(ask(0, NULL), OVERLAY_FAILED);
        assert_int_equal(w.error.code, ERR_OVERLAY);
        assert_non_null(strstr(w.error.text, "s3://logos/a.png"));
    }
    fetch("blue", "3");
}

static void a_failed_fetch_is_for_those_that_wait(void **state)
{
    (void)state;
    assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
    answer(NULL, NULL, ERR_LIMIT);
    assert_int_equal(ask(0, NULL), OVERLAY_FAILED);
    assert_int_equal(ask(1, NULL), OVERLAY_WAITS);
    answer("red", "1", 0);
    assert_int_equal(ask(1, "red"), OVERLAY_READY);
}

static void an_end_cancels_what_is_pending(void **state)
{
    (void)state;
    assert_int_equal(ask(0, NULL), OVERLAY_WAITS);
    overlay_wait_end(&w.waiters[0].wait);
    overlay_table_close(&w.table);
    assert_int_equal(w.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_that_wait_share_a_request, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_minute_it_is_compared, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_changed_is_fetched_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_service_out_of_order_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_or_denied_fails_until_it_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failed_fetch_is_for_those_that_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_cancels_what_is_pending, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
