/* Properties and headers of RabbitMQ's messages, as messages of the engine and as copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rabbit_private.h"

enum { ENCODED_SIZE = 8192, HEADERS_MAX = 32 };

static amqp_table_entry_t text_header(const char *name, const char *value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(name),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(value)}};
}

static amqp_table_entry_t number_header(const char *name, int64_t value)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(name),
                                .value = {.kind = AMQP_FIELD_KIND_I64, .value.i64 = value}};
}

/* A delivery that has arrived with these properties. */
static struct rabbit_delivery *arrive(amqp_basic_properties_t *properties,
                                      amqp_table_entry_t *headers, int count)
{
    char encoded[ENCODED_SIZE];
    if (count) {
        properties->_flags |= AMQP_BASIC_HEADERS_FLAG;
        properties->headers = (amqp_table_t){count, headers};
    }
    const int used = amqp_encode_properties(AMQP_BASIC_CLASS, properties,
                                            (amqp_bytes_t){sizeof encoded, encoded});
    assert_true(used >= 0);
    const amqp_frame_t frame = {.frame_type = AMQP_FRAME_HEADER,
                                .payload.properties = {.class_id = AMQP_BASIC_CLASS,
                                                       .body_size = 4,
                                                       .raw = {(size_t)used, encoded}}};
    struct rabbit_delivery *delivery = rabbit_delivery_new();
    assert_int_equal(rabbit_delivery_read(delivery, &frame), 0);
    memset(encoded, 'x', sizeof encoded); /* librabbitmq uses its memory again */
    memcpy(delivery->body, "body", 4);
    return delivery;
}

static const char *attribute(const struct queue_message *message, const char *name)
{
    for (size_t i = 0; i < message->attribute_count; i++)
        if (strcmp(message->attributes[i].name, name) == 0)
            return message->attributes[i].value;
    return NULL;
}

static void headers_are_the_attributes_of_a_message(void **state)
{
    amqp_table_entry_t headers[] = {
        text_header("tenant", "blue"),
        number_header("size", 1234567890123),
        text_header("x-first-death-queue", "web"),
        text_header("thumbwheel-message-id", "m-1"),
        number_header("thumbwheel-attempts", 4),
        number_header("x-delivery-count", 2),
        {.key = amqp_cstring_bytes("table"), .value = {.kind = AMQP_FIELD_KIND_TABLE}},
        {.key = amqp_cstring_bytes("flag"), .value = {.kind = AMQP_FIELD_KIND_BOOLEAN}},
    };
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_TIMESTAMP_FLAG,
                                          .timestamp = 1700000000};
    struct queue_message message;
    (void)state;
    struct rabbit_delivery *delivery =
        arrive(&properties, headers, sizeof headers / sizeof *headers);
    rabbit_delivery_name(delivery);
    assert_int_equal(rabbit_delivery_message(delivery, "17", &message), 0);
    assert_string_equal(message.id, "m-1");
    assert_string_equal(message.receipt, "17");
    assert_string_equal(message.body, "body");
    assert_int_equal(message.body_size, 4);
    assert_int_equal(message.receive_count, 7); /* 4 before this copy, 2 of it, and this one */
    assert_true(message.sent_ms == 1700000000000);
    assert_int_equal(message.attribute_count, 2);
    assert_string_equal(attribute(&message, "tenant"), "blue");
    assert_string_equal(attribute(&message, "size"), "1234567890123");
    queue_message_clear(&message);
    rabbit_delivery_free(delivery);
}

static void a_message_without_properties_gets_an_id_of_its_own(void **state)
{
    amqp_basic_properties_t properties = {0};
    (void)state;
    struct rabbit_delivery *one = arrive(&properties, NULL, 0),
                           *other = arrive(&properties, NULL, 0);
    other->redelivered = true;
    rabbit_delivery_name(one);
    rabbit_delivery_name(other);
    assert_int_equal(strlen(one->id), RABBIT_ID_SIZE - 1);
    assert_string_not_equal(one->id, other->id);
    assert_int_equal(one->receive_count, 1);
    assert_int_equal(other->receive_count, 2); /* a classic queue says no more */
    rabbit_delivery_free(one);
    rabbit_delivery_free(other);
}

/* An operator may send the same message again: it must not be taken for the first one. */
static void the_publishers_id_is_only_a_part_of_the_id(void **state)
{
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_MESSAGE_ID_FLAG,
                                          .message_id = amqp_cstring_bytes("event-1")};
    (void)state;
    struct rabbit_delivery *one = arrive(&properties, NULL, 0),
                           *other = arrive(&properties, NULL, 0);
    rabbit_delivery_name(one);
    rabbit_delivery_name(other);
    assert_memory_equal(one->id, "event-1-", 8);
    assert_string_not_equal(one->id, other->id);
    rabbit_delivery_free(one);
    rabbit_delivery_free(other);
}

static void counts_of_a_stranger_are_bounded(void **state)
{
    amqp_table_entry_t headers[] = {number_header("thumbwheel-attempts", INT64_MAX),
                                    number_header("x-delivery-count", -5)};
    amqp_basic_properties_t properties = {0};
    (void)state;
    struct rabbit_delivery *delivery = arrive(&properties, headers, 2);
    rabbit_delivery_name(delivery);
    assert_int_equal(delivery->receive_count, 1000001);
    rabbit_delivery_free(delivery);
}

static const amqp_table_entry_t *header(const amqp_basic_properties_t *properties, const char *name)
{
    for (int i = 0; i < properties->headers.num_entries; i++) {
        const amqp_bytes_t key = properties->headers.entries[i].key;
        if (key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0)
            return &properties->headers.entries[i];
    }
    return NULL;
}

static void a_copy_leaves_out_what_would_make_the_broker_treat_it_differently(void **state)
{
    amqp_table_entry_t headers[] = {text_header("tenant", "blue"),
                                    number_header("thumbwheel-attempts", 1),
                                    text_header("CC", "elsewhere"), text_header("x-death", "web"),
                                    number_header("x-delivery-count", 1)};
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG |
                  AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
        .expiration = amqp_cstring_bytes("1000"),
        .user_id = amqp_cstring_bytes("publisher"),
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = 1};
    amqp_basic_properties_t copy;
    amqp_pool_t pool;
    (void)state;
    struct rabbit_delivery *delivery =
        arrive(&properties, headers, sizeof headers / sizeof *headers);
    rabbit_delivery_name(delivery);
    init_amqp_pool(&pool, 1024);
    assert_int_equal(rabbit_copy_properties(delivery, NULL, &pool, &copy), 0);
    assert_false(copy._flags & (AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG));
    assert_true(copy._flags & AMQP_BASIC_CONTENT_TYPE_FLAG);
    assert_int_equal(copy.delivery_mode, 2);
    assert_int_equal(copy.headers.num_entries, 3);
    assert_non_null(header(&copy, "tenant"));
    assert_int_equal(header(&copy, "thumbwheel-attempts")->value.value.i64, 3);
    const amqp_bytes_t id = header(&copy, "thumbwheel-message-id")->value.value.bytes;
    assert_int_equal(id.len, strlen(delivery->id));
    assert_memory_equal(id.bytes, delivery->id, id.len);
    empty_amqp_pool(&pool);
    rabbit_delivery_free(delivery);
}

static amqp_table_entry_t death_header(amqp_field_value_t *newest, amqp_table_entry_t *entries,
                                       const char *reason)
{
    entries[0] = text_header("queue", "web");
    entries[1] = text_header("reason", reason);
    *newest = (amqp_field_value_t){.kind = AMQP_FIELD_KIND_TABLE, .value.table = {2, entries}};
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes("x-death"),
        .value = {.kind = AMQP_FIELD_KIND_ARRAY, .value.array = {1, newest}}};
}

static void assert_source(amqp_table_entry_t header, const char *queue)
{
    amqp_basic_properties_t properties = {0};
    struct rabbit_delivery *delivery = arrive(&properties, &header, 1);
    char *source = rabbit_delivery_source(delivery);
    if (queue)
        assert_string_equal(source, queue);
    else
        assert_null(source);
    free(source);
    rabbit_delivery_free(delivery);
}

/* A message that waited in a retry queue has an x-death, too. */
static void a_dead_letter_says_which_queue_it_had_its_receives_in(void **state)
{
    amqp_field_value_t newest;
    amqp_table_entry_t entries[2];
    (void)state;
    assert_source(death_header(&newest, entries, "delivery_limit"), "web");
    assert_source(death_header(&newest, entries, "expired"), NULL);
    assert_source(text_header("thumbwheel-source", "small"), "small");
    assert_source(text_header("thumbwheel-source", "a\nb"), NULL);
    assert_source(number_header("thumbwheel-source", 1), NULL);
    assert_source(text_header("x-death", "web"), NULL);
    newest = (amqp_field_value_t){.kind = AMQP_FIELD_KIND_BOOLEAN};
    assert_source(
        (amqp_table_entry_t){.key = amqp_cstring_bytes("x-death"),
                             .value = {.kind = AMQP_FIELD_KIND_ARRAY, .value.array = {1, &newest}}},
        NULL);
}

static void a_sent_message_carries_attributes_and_trace(void **state)
{
    struct queue_attribute attributes[] = {{(char *)(uintptr_t) "ThumbwheelReason",
                                            (char *)(uintptr_t) "String",
                                            (char *)(uintptr_t) "corrupt"}};
    const struct trace_context trace = {
        .trace = "0af7651916cd43dd8448eb211c80319c", .span = "b7ad6b7169203331", .sampled = true};
    const struct queue_send send = {.body = "x",
                                    .body_size = 1,
                                    .attributes = attributes,
                                    .attribute_count = 1,
                                    .trace = &trace};
    static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    amqp_basic_properties_t out;
    amqp_pool_t pool;
    (void)state;
    init_amqp_pool(&pool, 1024);
    assert_int_equal(rabbit_send_properties(&send, "id-1", &pool, &out), 0);
    assert_int_equal(out.delivery_mode, 2);
    assert_memory_equal(out.message_id.bytes, "id-1", 4);
    assert_int_equal(out.headers.num_entries, 2);
    assert_memory_equal(header(&out, "ThumbwheelReason")->value.value.bytes.bytes, "corrupt", 7);
    assert_memory_equal(header(&out, "traceparent")->value.value.bytes.bytes, parent,
                        sizeof parent - 1);
    empty_amqp_pool(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_the_attributes_of_a_message),
        cmocka_unit_test(a_message_without_properties_gets_an_id_of_its_own),
        cmocka_unit_test(the_publishers_id_is_only_a_part_of_the_id),
        cmocka_unit_test(counts_of_a_stranger_are_bounded),
        cmocka_unit_test(a_copy_leaves_out_what_would_make_the_broker_treat_it_differently),
        cmocka_unit_test(a_dead_letter_says_which_queue_it_had_its_receives_in),
        cmocka_unit_test(a_sent_message_carries_attributes_and_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
