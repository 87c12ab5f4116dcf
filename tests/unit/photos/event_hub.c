/* The events of the gallery: readers that come, go, resume and fall behind, compared with a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event_hub.h"

static struct event_hub *hub;

static int setup(void **state)
{
    (void)state;
    hub = malloc(sizeof *hub);
    event_hub_init(hub, 0xabcdef);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(hub->reader_count, 0);
    event_hub_clear(hub);
    free(hub);
    return 0;
}

static unsigned wakes;

static void on_wake(struct hub_reader *reader)
{
    (void)reader;
    wakes++;
}

static void publish(uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    struct bytes data = bytes_give(strdup(text), strlen(text));
    event_hub_publish(hub, "photo", &data);
}

static uint64_t value_of(const struct hub_event *event)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)event->data.size, event->data.data);
    return strtoull(text, NULL, 10);
}

static void a_reader_reads_what_follows(void **state)
{
    (void)state;
    struct hub_reader reader = {.wake = on_wake};
    struct hub_event event;
    publish(1);
    wakes = 0;
    event_hub_join(hub, &reader, NULL);
    assert_false(event_hub_has(hub, &reader));
    publish(2);
    assert_int_equal(wakes, 1);
    assert_true(event_hub_next(hub, &reader, &event));
    assert_int_equal(value_of(&event), 2);
    assert_string_equal(event.type, "photo");
    assert_false(event_hub_next(hub, &reader, &event));
    event_hub_leave(hub, &reader);
    event_hub_leave(hub, &reader);
}

static const char *first_after(const char *id, struct hub_event *event)
{
    struct hub_reader reader = {.wake = on_wake};
    event_hub_join(hub, &reader, id);
    const bool found = event_hub_next(hub, &reader, event);
    event_hub_leave(hub, &reader);
    return found ? event->type : "";
}

static void an_id_that_is_not_known_resets(void **state)
{
    (void)state;
    static const char *const ids[] = {"abcdee.1",
                                      "abcdef.4",
                                      "abcdef",
                                      "abcdef.",
                                      ".1",
                                      "abcdef.1x",
                                      "abcdef.-1",
                                      "x",
                                      "abcdef.99999999999999999999999",
                                      " ",
                                      "0000000000000000000000000000000000000000000000abcdef.1"};
    struct hub_event event;
    for (uint64_t i = 1; i <= 3; i++)
        publish(i);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_string_equal(first_after(ids[i], &event), "reset");
        assert_int_equal(event.number, 3);
    }
    assert_string_equal(first_after("abcdef.3", &event), "");
    assert_string_equal(first_after("", &event), "");
    assert_string_equal(first_after("abcdef.0", &event), "photo");
    assert_int_equal(event.number, 1);
}

static void a_reader_that_falls_behind_is_told(void **state)
{
    (void)state;
    struct hub_reader slow = {.wake = on_wake};
    struct hub_event event;
    publish(1);
    event_hub_join(hub, &slow, "abcdef.0");
    for (uint64_t i = 2; i <= EVENT_HUB_KEPT + 1; i++)
        publish(i);
    assert_true(event_hub_next(hub, &slow, &event));
    assert_string_equal(event.type, "reset");
    assert_int_equal(event.number, EVENT_HUB_KEPT + 1);
    assert_false(event_hub_next(hub, &slow, &event));
    publish(EVENT_HUB_KEPT + 2);
    assert_true(event_hub_next(hub, &slow, &event));
    assert_int_equal(value_of(&event), EVENT_HUB_KEPT + 2);
    event_hub_leave(hub, &slow);
}

static void what_is_kept_is_bounded_by_bytes(void **state)
{
    (void)state;
    const size_t size = EVENT_HUB_BYTES / 4;
    struct hub_event event;
    for (int i = 0; i < 10; i++) {
        struct bytes data = bytes_give(calloc(1, size), size);
        event_hub_publish(hub, "layout", &data);
        assert_true(hub->bytes <= EVENT_HUB_BYTES);
    }
    assert_string_equal(first_after("abcdef.5", &event), "reset");
    assert_string_equal(first_after("abcdef.6", &event), "layout");
    struct bytes large = bytes_give(calloc(1, EVENT_HUB_BYTES + 1), EVENT_HUB_BYTES + 1);
    event_hub_publish(hub, "layout", &large);
    assert_string_equal(first_after("abcdef.10", &event), "reset");
}

static void a_lost_event_resets_everybody(void **state)
{
    (void)state;
    struct hub_reader reader = {.wake = on_wake};
    struct hub_event event;
    struct bytes nothing = {0};
    publish(1);
    event_hub_join(hub, &reader, NULL);
    event_hub_publish(hub, "photo", &nothing);
    assert_true(event_hub_has(hub, &reader));
    assert_true(event_hub_next(hub, &reader, &event));
    assert_string_equal(event.type, "reset");
    assert_string_equal(first_after("abcdef.1", &event), "reset");
    event_hub_leave(hub, &reader);
}

static void events_are_written_as_server_sent_events(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1000);
    const struct hub_event event = {7, "photo", SLICE_LITERAL("{\"key\":\"a\"}")};
    assert_int_equal(event_hub_write(hub, &event, &out), 0);
    assert_string_equal(out.data, "id: abcdef.7\nevent: photo\ndata: {\"key\":\"a\"}\n\n");
    buffer_free(&out);
}

/* ---- against a model ---- */

enum { CLIENTS = 4, ROUNDS = 20000 };

struct client {
    struct hub_reader reader;
    bool joined;
    uint64_t seen; /* last value that it knows; all up to it have been seen or were reset */
    char id[EVENT_ID_SIZE];
};

static void client_read(struct client *client, unsigned count)
{
    struct hub_event event;
    while (client->joined && count-- && event_hub_next(hub, &client->reader, &event)) {
        if (strcmp(event.type, "reset") == 0) {
            assert_int_equal(event.number, hub->last);
            client->seen = hub->last;
        } else {
            assert_int_equal(value_of(&event), client->seen + 1); /* none lost, none repeated */
            client->seen++;
        }
        event_hub_id(hub, event.number, client->id);
    }
}

static void client_toggle(struct client *client)
{
    if (client->joined)
        event_hub_leave(hub, &client->reader);
    else
        event_hub_join(hub, &client->reader, client->id);
    client->joined = !client->joined;
}

static void resumed_readers_lose_and_repeat_nothing(void **state)
{
    (void)state;
    struct client clients[CLIENTS] = {0};
    srandom(7);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].reader.wake = on_wake;
        event_hub_id(hub, 0, clients[i].id);
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct client *client = &clients[random() % CLIENTS];
        const long what = random() % 100;
        if (what < 60)
            publish(hub->last + 1);
        else if (what < 90)
            client_read(client, (unsigned)random() % 20);
        else if (what < 99)
            client_toggle(client);
        else
            for (uint64_t n = (uint64_t)random() % (EVENT_HUB_KEPT * 2); n; n--)
                publish(hub->last + 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (!clients[i].joined)
            client_toggle(&clients[i]);
        client_read(&clients[i], UINT32_MAX);
        assert_int_equal(clients[i].seen, hub->last);
        client_toggle(&clients[i]);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_reader_reads_what_follows),
        CASE(an_id_that_is_not_known_resets),
        CASE(a_reader_that_falls_behind_is_told),
        CASE(what_is_kept_is_bounded_by_bytes),
        CASE(a_lost_event_resets_everybody),
        CASE(events_are_written_as_server_sent_events),
        CASE(resumed_readers_lose_and_repeat_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
