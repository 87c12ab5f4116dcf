/* Uploads of payloads: in one piece or in parts, within a limit, and nothing stays of a failed one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "container_of.h"
#include "payload_upload.h"

struct object_request { /* the seam's opaque type: a reply that is due */
    uv_timer_t timer;
    void (*run)(struct object_request *request);
    object_done *done;
    object_upload_begun *begun;
    object_part_stored *part;
    void *user;
    char etag[16];
};

static struct world {
    uv_loop_t loop;
    struct object_store store;
    char log[256]; /* one letter per request, of parts with their MiB */
    unsigned failing_part;
    uint64_t stored;
    struct body_reader reader;
    char path[64];
    int wake;
    bool done, stopped;
    struct payload_facts facts;
    struct error error;
} w;

static void request_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct object_request, timer));
}

static void on_timer(uv_timer_t *timer)
{
    struct object_request *request = container_of(timer, struct object_request, timer);
    request->run(request);
    uv_close((uv_handle_t *)timer, request_free);
}

static struct object_request *request_start(void (*run)(struct object_request *), void *user,
                                            const char *format, ...)
{
    struct object_request *request = calloc(1, sizeof *request);
    va_list args;
    va_start(args, format);
    vsnprintf(w.log + strlen(w.log), sizeof w.log - strlen(w.log), format, args);
    va_end(args);
    request->run = run;
    request->user = user;
    uv_timer_init(&w.loop, &request->timer);
    uv_timer_start(&request->timer, on_timer, 1, 0);
    return request;
}

static void run_done(struct object_request *request)
{
    request->done(&(struct error){0}, request->user);
}

static void run_begun(struct object_request *request)
{
    request->begun("upload", &(struct error){0}, request->user);
}

static void run_part(struct object_request *request)
{
    struct error error = {0};
    if (!request->etag[0])
        error_set(&error, ERR_SERVER, "refused");
    request->part(error.code ? NULL : request->etag, &error, request->user);
}

static int put(struct object_store *store, const struct object_put *what, object_done *done,
               void *user, struct object_request **out)
{
    (void)store, (void)out;
    w.stored += what->body_size;
    request_start(run_done, user, "put ")->done = done;
    return 0;
}

static int begin(struct object_store *store, const struct object_upload *upload, const char *type,
                 object_upload_begun *done, void *user, struct object_request **out)
{
    (void)store, (void)out, (void)type;
    assert_string_equal(upload->bucket, "payloads");
    request_start(run_begun, user, "begin ")->begun = done;
    return 0;
}

static int part(struct object_store *store, const struct object_upload *upload, unsigned number,
                struct slice body, object_part_stored *done, void *user,
                struct object_request **out)
{
    (void)store, (void)out;
    assert_string_equal(upload->id, "upload");
    assert_in_range(body.size, 1, PAYLOAD_PART);
    struct object_request *request =
        request_start(run_part, user, "%u:%zu ", number, body.size >> 20);
    request->part = done;
    if (number != w.failing_part)
        snprintf(request->etag, sizeof request->etag, "etag-%u", number);
    w.stored += body.size;
    return 0;
}

static int complete(struct object_store *store, const struct object_upload *upload,
                    char *const *etags, size_t count, object_done *done, void *user,
                    struct object_request **out)
{
    (void)store, (void)out, (void)upload;
    for (size_t i = 0; i < count; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "etag-%zu", i + 1);
        assert_string_equal(etags[i], expected);
    }
    request_start(run_done, user, "complete ")->done = done;
    return 0;
}

static int abort_upload(struct object_store *store, const struct object_upload *upload,
                        object_done *done, void *user, struct object_request **out)
{
    (void)store, (void)out, (void)upload;
    request_start(run_done, user, "abort ")->done = done;
    return 0;
}

static const struct object_store_ops ops = {.put = put,
                                            .upload_begin = begin,
                                            .upload_part = part,
                                            .upload_complete = complete,
                                            .upload_abort = abort_upload};

static void on_uploaded(const struct payload_facts *facts, const struct error *error, void *user)
{
    assert_ptr_equal(user, &w);
    assert_false(w.done);
    w.done = true;
    w.facts = *facts;
    w.error = *error;
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.store = {.ops = &ops}, .wake = eventfd(0, EFD_CLOEXEC)};
    assert_int_equal(uv_loop_init(&w.loop), 0);
    snprintf(w.path, sizeof w.path, "/tmp/payload-upload-XXXXXX");
    close(mkstemp(w.path));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(w.path);
    body_reader_close(&w.reader);
    close(w.wake);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    return 0;
}

/* A file of zeros after the first bytes, which were read before. */
static void upload(uint64_t size, uint64_t max)
{
    assert_int_equal(truncate(w.path, (off_t)size), 0);
    body_reader_init(&w.reader, w.path, w.wake);
    const struct payload_upload_options options = {.loop = &w.loop,
                                                   .store = &w.store,
                                                   .bucket = "payloads",
                                                   .key = "key",
                                                   .reader = &w.reader,
                                                   .first = slice_of("first"),
                                                   .max = max,
                                                   .stopped = &w.stopped};
    assert_int_equal(payload_upload_start(&options, on_uploaded, &w), 0);
    assert_false(w.done);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_true(w.done);
}

enum { MIB = 1 << 20 };

static void a_small_payload_is_one_request(void **state)
{
    (void)state;
    upload(7 * MIB, UINT64_MAX);
    assert_int_equal(w.error.code, 0);
    assert_string_equal(w.log, "put ");
    assert_int_equal(w.facts.size, 7 * MIB + 5);
    assert_int_equal(w.stored, w.facts.size);
}

static void a_large_one_is_sent_in_parts(void **state)
{
    (void)state;
    upload(20 * MIB, UINT64_MAX);
    assert_int_equal(w.error.code, 0);
    assert_string_equal(w.log, "begin 1:8 2:8 3:4 complete ");
    assert_int_equal(w.facts.size, 20 * MIB + 5);
    assert_int_equal(w.stored, w.facts.size);
}

static void the_last_part_may_be_full(void **state)
{
    (void)state;
    upload(16 * MIB - 5, UINT64_MAX);
    assert_string_equal(w.log, "begin 1:8 2:8 complete ");
    assert_int_equal(w.facts.size, 16 * MIB);
}

static void nothing_stays_of_a_failed_upload(void **state)
{
    (void)state;
    w.failing_part = 2;
    upload(20 * MIB, UINT64_MAX);
    assert_int_equal(w.error.code, ERR_SERVER);
    assert_string_equal(w.log, "begin 1:8 2:8 abort ");
}

static void a_payload_over_the_limit_is_given_up(void **state)
{
    (void)state;
    upload(20 * MIB, 16 * MIB);
    assert_int_equal(w.error.code, ERR_LIMIT);
    assert_string_equal(w.log, "begin 1:8 2:8 abort ");
}

static void an_interrupt_ends_it_after_a_part(void **state)
{
    (void)state;
    w.stopped = true;
    upload(20 * MIB, UINT64_MAX);
    assert_int_equal(w.error.code, ERR_CANCELLED);
    assert_string_equal(w.log, "begin 1:8 abort ");
}

static void a_file_that_is_gone_is_an_error(void **state)
{
    (void)state;
    body_reader_init(&w.reader, "/nonexistent/file", w.wake);
    const struct payload_upload_options options = {.loop = &w.loop,
                                                   .store = &w.store,
                                                   .bucket = "payloads",
                                                   .key = "key",
                                                   .reader = &w.reader,
                                                   .first = slice_of(""),
                                                   .max = UINT64_MAX};
    assert_int_equal(payload_upload_start(&options, on_uploaded, &w), 0);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.error.code, ERR_IO);
    assert_string_equal(w.log, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_small_payload_is_one_request),
        CASE(a_large_one_is_sent_in_parts),
        CASE(the_last_part_may_be_full),
        CASE(nothing_stays_of_a_failed_upload),
        CASE(a_payload_over_the_limit_is_given_up),
        CASE(an_interrupt_ends_it_after_a_part),
        CASE(a_file_that_is_gone_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
