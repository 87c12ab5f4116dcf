/* Several queue backends as one: every call reaches the backend that has opened the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "container_of.h"
#include "queue_router.h"

struct half { /* a backend that records what it is asked */
    struct queue_backend backend;
    struct queue_facts facts;
    const char *opened;    /* the name */
    queue_opened *pending; /* an open that has not been answered */
    void *user;
    const void *closed, *cancelled; /* queue, request or user */
    size_t calls;
};

static struct half letters, numbers;
static struct queue *got;
static struct error got_error;

/* An open queue of a backend is the backend itself. */
static struct half *half_of(struct queue *queue)
{
    assert_true((void *)queue == (void *)&letters || (void *)queue == (void *)&numbers);
    return (struct half *)(void *)queue;
}

static int half_open(struct queue_backend *backend, const char *name, queue_opened *done,
                     void *user)
{
    struct half *half = container_of(backend, struct half, backend);
    half->opened = name;
    half->pending = done;
    half->user = user;
    return name[1] == '!' ? ERR_INVALID : 0;
}

static void half_open_cancel(struct queue_backend *backend, void *user)
{
    container_of(backend, struct half, backend)->cancelled = user;
}

static char *half_service(const struct queue_backend *backend, const char *name)
{
    (void)name;
    return strdup(backend == &letters.backend ? "letters" : "numbers");
}

static void half_close(struct queue *queue)
{
    half_of(queue)->closed = queue;
}

static const struct queue_facts *half_facts(const struct queue *queue)
{
    return &((const struct half *)(const void *)queue)->facts;
}

static bool half_same(const struct queue *queue, const struct queue *other)
{
    return queue == other;
}

static int half_receive(struct queue *queue, const struct queue_receive *what, queue_received *done,
                        void *user, struct queue_request **out)
{
    (void)what;
    (void)done;
    (void)user;
    *out = (struct queue_request *)(void *)half_of(queue);
    half_of(queue)->calls++;
    return 0;
}

static void half_receive_cancel(struct queue *queue, struct queue_request *request)
{
    half_of(queue)->cancelled = request;
}

static int half_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                      queue_batch_done *done, void *user)
{
    (void)entries;
    (void)count;
    (void)done;
    (void)user;
    half_of(queue)->calls++;
    return 0;
}

static int half_send(struct queue *queue, const struct queue_send *message, queue_sent *done,
                     void *user)
{
    (void)message;
    (void)done;
    (void)user;
    half_of(queue)->calls++;
    return 0;
}

static int half_send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                           queue_batch_sent *done, void *user)
{
    (void)messages;
    (void)count;
    (void)done;
    (void)user;
    half_of(queue)->calls++;
    return 0;
}

static int half_depth(struct queue *queue, queue_depth_known *done, void *user)
{
    (void)done;
    (void)user;
    half_of(queue)->calls++;
    return 0;
}

static int half_purge(struct queue *queue, queue_purged *done, void *user)
{
    (void)done;
    (void)user;
    half_of(queue)->calls++;
    return 0;
}

static int half_move(struct queue *queue, const struct queue *to, queue_move_started *done,
                     void *user)
{
    (void)done;
    (void)user;
    assert_ptr_equal(queue, to);
    half_of(queue)->calls++;
    return 0;
}

static const struct queue_backend_ops half_ops = {
    .open = half_open,
    .service = half_service,
    .open_cancel = half_open_cancel,
    .close = half_close,
    .facts = half_facts,
    .same = half_same,
    .receive = half_receive,
    .receive_cancel = half_receive_cancel,
    .delete_batch = half_batch,
    .extend_batch = half_batch,
    .send = half_send,
    .send_batch = half_send_batch,
    .depth = half_depth,
};
static const struct queue_admin_ops half_admin = {.purge = half_purge, .move_start = half_move};

static bool is_number(const char *name)
{
    return name[0] >= '0' && name[0] <= '9';
}

static enum queue_relation compare(const char *name, const char *other)
{
    return strcmp(name, other) == 0 ? QUEUES_ARE_ONE : QUEUES_DIFFER;
}

static struct queue_router *router;

static int begin(void **state)
{
    (void)state;
    letters = (struct half){.backend = {.ops = &half_ops}, .facts = {.name = "a"}};
    numbers =
        (struct half){.backend = {.ops = &half_ops, .admin = &half_admin}, .facts = {.name = "1"}};
    const struct queue_route routes[] = {{&numbers.backend, is_number}, {&letters.backend, NULL}};
    got = NULL;
    router = queue_router_create(routes, 2, compare);
    return router ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    queue_router_destroy(router);
    return 0;
}

static struct queue_backend *backend(void)
{
    return queue_router_backend(router);
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    (void)user;
    got = queue;
    got_error = *error;
}

static struct queue *open_queue(struct half *half, const char *name)
{
    assert_int_equal(backend()->ops->open(backend(), name, on_opened, NULL), 0);
    half->pending((struct queue *)(void *)half, &(struct error){0}, half->user);
    assert_non_null(got);
    return got;
}

static void a_name_chooses_the_backend(void **state)
{
    (void)state;
    struct queue *one = open_queue(&numbers, "1"), *a = open_queue(&letters, "a");
    assert_string_equal(numbers.opened, "1");
    assert_string_equal(letters.opened, "a");
    assert_string_equal(backend()->ops->facts(one)->name, "1");
    assert_string_equal(backend()->ops->facts(a)->name, "a");
    char *service = backend()->ops->service(backend(), "1");
    assert_string_equal(service, "numbers");
    free(service);
    assert_true(backend()->ops->same(one, one));
    assert_false(backend()->ops->same(one, a));
    assert_int_equal(backend()->ops->compare("a", "a"), QUEUES_ARE_ONE);
    backend()->ops->close(one);
    backend()->ops->close(a);
    assert_ptr_equal(numbers.closed, &numbers);
    assert_ptr_equal(letters.closed, &letters);
}

static void every_call_reaches_the_backend_of_its_queue(void **state)
{
    const struct queue_backend_ops *ops = backend()->ops;
    struct queue_request *request;
    (void)state;
    struct queue *one = open_queue(&numbers, "1"), *a = open_queue(&letters, "a");
    assert_int_equal(ops->receive(one, NULL, NULL, NULL, &request), 0);
    ops->receive_cancel(one, request);
    assert_ptr_equal(numbers.cancelled, request);
    assert_int_equal(ops->delete_batch(one, NULL, 0, NULL, NULL), 0);
    assert_int_equal(ops->extend_batch(one, NULL, 0, NULL, NULL), 0);
    assert_int_equal(ops->send(one, NULL, NULL, NULL), 0);
    assert_int_equal(ops->send_batch(one, NULL, 0, NULL, NULL), 0);
    assert_int_equal(ops->depth(one, NULL, NULL), 0);
    assert_int_equal(backend()->admin->purge(one, NULL, NULL), 0);
    assert_int_equal(backend()->admin->move_start(one, one, NULL, NULL), 0);
    assert_int_equal(numbers.calls, 8);
    assert_int_equal(letters.calls, 0);
    ops->close(one);
    ops->close(a);
}

static void what_a_backend_does_not_offer_is_unsupported(void **state)
{
    (void)state;
    struct queue *one = open_queue(&numbers, "1"), *a = open_queue(&letters, "a");
    assert_int_equal(backend()->admin->purge(a, NULL, NULL), ERR_UNSUPPORTED);
    assert_int_equal(backend()->admin->sources(one, NULL, NULL), ERR_UNSUPPORTED);
    assert_int_equal(backend()->admin->move_look(a, NULL, NULL), ERR_UNSUPPORTED);
    assert_int_equal(backend()->admin->move_cancel(one, "x", NULL, NULL), ERR_UNSUPPORTED);
    assert_int_equal(backend()->admin->move_start(one, a, NULL, NULL), ERR_UNSUPPORTED);
    backend()->ops->close(one);
    backend()->ops->close(a);
}

static void a_failed_open_gives_no_queue(void **state)
{
    struct error error = {.code = ERR_NO_CONTAINER};
    (void)state;
    assert_int_equal(backend()->ops->open(backend(), "1!", on_opened, NULL), ERR_INVALID);
    assert_int_equal(backend()->ops->open(backend(), "a", on_opened, NULL), 0);
    letters.pending(NULL, &error, letters.user);
    assert_null(got);
    assert_int_equal(got_error.code, ERR_NO_CONTAINER);
}

static void an_open_is_cancelled_by_its_user(void **state)
{
    int mine, other;
    (void)state;
    assert_int_equal(backend()->ops->open(backend(), "a", on_opened, &mine), 0);
    assert_int_equal(backend()->ops->open(backend(), "1", on_opened, &other), 0);
    backend()->ops->open_cancel(backend(), &mine);
    assert_ptr_equal(letters.cancelled, letters.user);
    assert_null(numbers.cancelled);
    /* the other is cancelled with the router */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_chooses_the_backend),
        TEST(every_call_reaches_the_backend_of_its_queue),
        TEST(what_a_backend_does_not_offer_is_unsupported),
        TEST(a_failed_open_gives_no_queue),
        TEST(an_open_is_cancelled_by_its_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
