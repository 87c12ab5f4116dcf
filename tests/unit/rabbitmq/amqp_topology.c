/* The queues of a work queue in RabbitMQ: names and arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "amqp_topology.h"

static const struct amqp_argument *find(const struct amqp_queue_plan *queue, const char *name)
{
    for (size_t i = 0; i < queue->argument_count; i++)
        if (strcmp(queue->arguments[i].name, name) == 0)
            return &queue->arguments[i];
    return NULL;
}

static void assert_text(const struct amqp_queue_plan *queue, const char *name, const char *text)
{
    const struct amqp_argument *argument = find(queue, name);
    assert_non_null(argument);
    assert_non_null(argument->text);
    assert_string_equal(argument->text, text);
}

static int64_t number(const struct amqp_queue_plan *queue, const char *name)
{
    const struct amqp_argument *argument = find(queue, name);
    assert_non_null(argument);
    assert_null(argument->text);
    return argument->number;
}

/* What at-least-once dead lettering needs (RabbitMQ's guide to quorum queues): the strategy, the
 * overflow reject-publish, and an exchange. */
static void assert_moves_to(const struct amqp_queue_plan *queue, const char *name)
{
    assert_text(queue, "x-queue-type", "quorum");
    assert_text(queue, "x-dead-letter-exchange", "");
    assert_text(queue, "x-dead-letter-routing-key", name);
    assert_text(queue, "x-dead-letter-strategy", "at-least-once");
    assert_text(queue, "x-overflow", "reject-publish");
}

static void a_work_queue_has_a_dead_letter_queue(void **state)
{
    (void)state;
    struct amqp_topology topology;
    assert_int_equal(amqp_topology_make("web", 6, &topology, NULL), 0);
    const struct amqp_queue_plan *work = &topology.queues[AMQP_WORK];
    assert_string_equal(work->name, "web");
    assert_moves_to(work, "web.dead");
    assert_int_equal(number(work, "x-delivery-limit"), 5); /* 6 deliveries */
    const struct amqp_queue_plan *dead = &topology.queues[AMQP_DEAD];
    assert_string_equal(dead->name, "web.dead");
    assert_text(dead, "x-queue-type", "quorum");
    assert_true(number(dead, "x-delivery-limit") > 1000000); /* RabbitMQ 4 has 20 by default */
    assert_null(find(dead, "x-dead-letter-exchange"));
}

static void each_retry_queue_returns_messages_after_its_delay(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t ttl;
    } expected[AMQP_RETRY_STEPS] = {{"web.retry.1s", 1000},
                                    {"web.retry.10s", 10000},
                                    {"web.retry.1m", 60000},
                                    {"web.retry.10m", 600000}};
    struct amqp_topology topology;
    assert_int_equal(amqp_topology_make("web", 5, &topology, NULL), 0);
    for (size_t i = 0; i < AMQP_RETRY_STEPS; i++) {
        const struct amqp_queue_plan *retry = &topology.queues[AMQP_RETRY + i];
        assert_string_equal(retry->name, expected[i].name);
        assert_int_equal(number(retry, "x-message-ttl"), expected[i].ttl);
        assert_moves_to(retry, "web");
        assert_null(find(retry, "x-delivery-limit"));
    }
}

static void a_delay_takes_the_nearest_retry_queue(void **state)
{
    (void)state;
    static const struct {
        uint64_t delay_ms;
        size_t step;
    } rows[] = {{0, 0},      {1000, 0},     {3000, 0},      {4000, 1},   {10000, 1},
                {24000, 1},  {25000, 2},    {60000, 2},     {180000, 2}, {200000, 3},
                {900000, 3}, {43200000, 3}, {UINT64_MAX, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(amqp_retry_step(rows[i].delay_ms), rows[i].step);
}

static void a_dead_letter_queue_is_told_by_its_name(void **state)
{
    (void)state;
    size_t size = 0;
    assert_true(amqp_is_dead_name("web.dead", &size));
    assert_int_equal(size, 3);
    assert_true(amqp_is_dead_name("a.dead.dead", NULL));
    assert_false(amqp_is_dead_name(".dead", NULL));
    assert_false(amqp_is_dead_name("dead", NULL));
    assert_false(amqp_is_dead_name("web.dead.letters", NULL));
}

static void a_name_that_the_broker_refuses_is_refused(void **state)
{
    (void)state;
    struct amqp_topology topology;
    struct error error;
    char name[AMQP_NAME_SIZE];
    memset(name, 'q', sizeof name);
    name[AMQP_WORK_NAME_MAX] = '\0';
    assert_int_equal(amqp_topology_make(name, 5, &topology, &error), 0);
    assert_true(strlen(topology.queues[AMQP_QUEUES - 1].name) < AMQP_NAME_SIZE);
    assert_string_equal(strrchr(topology.queues[AMQP_QUEUES - 1].name, '.'), ".10m");
    name[AMQP_WORK_NAME_MAX] = 'q';
    name[AMQP_WORK_NAME_MAX + 1] = '\0';
    const char *const refused[] = {"", "amq.web", "a\nb", "a\x7f", "\xff", name};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(amqp_topology_make(refused[i], 5, &topology, &error), ERR_INVALID);
    assert_int_equal(amqp_topology_make("web", 0, &topology, &error), ERR_INVALID);
    assert_int_equal(amqp_topology_make("web", 1001, &topology, &error), ERR_INVALID);
    assert_int_equal(amqp_topology_make("web", 1, &topology, &error), 0);
    assert_int_equal(number(&topology.queues[AMQP_WORK], "x-delivery-limit"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_work_queue_has_a_dead_letter_queue),
        cmocka_unit_test(each_retry_queue_returns_messages_after_its_delay),
        cmocka_unit_test(a_delay_takes_the_nearest_retry_queue),
        cmocka_unit_test(a_dead_letter_queue_is_told_by_its_name),
        cmocka_unit_test(a_name_that_the_broker_refuses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
