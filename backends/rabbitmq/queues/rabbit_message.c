/*
 * Properties and headers.
 *
 * A copy in a retry queue keeps what the publisher has said about the message, except what would
 * make the broker treat the copy differently: CC and BCC (it would go to other queues as well),
 * expiration (it would be dropped), user-id (it must be the user of the connection), and the
 * broker's own account of the original (x-death and the like), because a message that seems to have
 * passed a queue before may be dropped as a loop.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rabbit_private.h"
#include "trace_context.h"
#include "wall_clock.h"

enum {
    POOL_PAGE = 1024,
    NUMBER_SIZE = 24,
    ATTRIBUTES_MAX = 64,
    RECEIVES_MAX = 1000000,
    PERSISTENT = 2, /* delivery-mode */
};

static const char broker_count[] = "x-delivery-count"; /* "Quorum Queues", poison messages */
static const char text_type[] = "String", number_type[] = "Number";

struct rabbit_delivery *rabbit_delivery_new(void)
{
    struct rabbit_delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        return NULL;
    list_init(&delivery->link);
    init_amqp_pool(&delivery->pool, POOL_PAGE);
    return delivery;
}

void rabbit_delivery_free(struct rabbit_delivery *delivery)
{
    empty_amqp_pool(&delivery->pool);
    free(delivery->body);
    free(delivery);
}

/* What librabbitmq decodes refers to the encoded bytes, so these are copied and decoded again. */
int rabbit_delivery_read(struct rabbit_delivery *delivery, const amqp_frame_t *header)
{
    const uint64_t size = header->payload.properties.body_size;
    amqp_bytes_t encoded;
    void *decoded = NULL;
    delivery->size = (size_t)size;
    delivery->too_large = size > RABBIT_BODY_MAX;
    if (!delivery->too_large) {
        delivery->body = malloc(size + 1);
        if (!delivery->body)
            return ERR_MEMORY;
    }
    amqp_pool_alloc_bytes(&delivery->pool, header->payload.properties.raw.len, &encoded);
    if (!encoded.bytes)
        return ERR_MEMORY;
    memcpy(encoded.bytes, header->payload.properties.raw.bytes, encoded.len);
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &delivery->pool, encoded, &decoded))
        return ERR_MEMORY; /* it could be decoded before */
    delivery->properties = *(amqp_basic_properties_t *)decoded;
    return 0;
}

/* ---- headers ---- */

static bool bytes_are(amqp_bytes_t bytes, const char *text)
{
    return bytes.len == strlen(text) && strncasecmp(bytes.bytes, text, bytes.len) == 0;
}

static bool has_headers(const amqp_basic_properties_t *properties)
{
    return properties->_flags & AMQP_BASIC_HEADERS_FLAG;
}

static const amqp_field_value_t *header_of(const amqp_basic_properties_t *properties,
                                           const char *name)
{
    for (int i = 0; has_headers(properties) && i < properties->headers.num_entries; i++)
        if (bytes_are(properties->headers.entries[i].key, name))
            return &properties->headers.entries[i].value;
    return NULL;
}

static bool number_read(const amqp_field_value_t *value, int64_t *out)
{
    switch (value ? value->kind : 0) {
    case AMQP_FIELD_KIND_I8:
        *out = (int64_t)value->value.i8;
        return true;
    case AMQP_FIELD_KIND_U8:
        *out = value->value.u8;
        return true;
    case AMQP_FIELD_KIND_I16:
        *out = value->value.i16;
        return true;
    case AMQP_FIELD_KIND_U16:
        *out = value->value.u16;
        return true;
    case AMQP_FIELD_KIND_I32:
        *out = value->value.i32;
        return true;
    case AMQP_FIELD_KIND_U32:
        *out = value->value.u32;
        return true;
    case AMQP_FIELD_KIND_I64:
        *out = value->value.i64;
        return true;
    case AMQP_FIELD_KIND_U64:
        *out = value->value.u64 > INT64_MAX ? INT64_MAX : (int64_t)value->value.u64;
        return true;
    default:
        return false;
    }
}

static unsigned count_of(const amqp_basic_properties_t *properties, const char *name)
{
    int64_t number;
    if (!number_read(header_of(properties, name), &number) || number < 0)
        return 0;
    return number > RECEIVES_MAX ? RECEIVES_MAX : (unsigned)number;
}

/* Whose headers are the broker's, or ours: they are not the message's own attributes. */
static bool is_account(amqp_bytes_t name)
{
    static const char *const names[] = {broker_count,
                                        "x-death",
                                        "x-first-death-queue",
                                        "x-first-death-reason",
                                        "x-first-death-exchange",
                                        "x-last-death-queue",
                                        "x-last-death-reason",
                                        "x-last-death-exchange",
                                        "CC",
                                        "BCC",
                                        RABBIT_ATTEMPTS,
                                        RABBIT_ID,
                                        RABBIT_SOURCE};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_are(name, names[i]))
            return true;
    return false;
}

/* ---- the id ---- */

void rabbit_random_id(char out[RABBIT_ID_SIZE])
{
    uint64_t random[2] = {0};
    uv_random(NULL, NULL, random, sizeof random, 0, NULL);
    snprintf(out, RABBIT_ID_SIZE, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

static bool is_text(amqp_bytes_t bytes, size_t most)
{
    if (bytes.len == 0 || bytes.len > most || memchr(bytes.bytes, 0, bytes.len))
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        if (((const unsigned char *)bytes.bytes)[i] < ' ')
            return false;
    return true;
}

/* The publisher's message-id does not name one copy: an operator may send the same message again.
 * So it gets a random part, which a copy for a retry keeps. */
void rabbit_delivery_name(struct rabbit_delivery *delivery)
{
    const amqp_basic_properties_t *properties = &delivery->properties;
    const amqp_field_value_t *kept = header_of(properties, RABBIT_ID);
    const amqp_bytes_t theirs =
        properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG ? properties->message_id : amqp_empty_bytes;
    char random[RABBIT_ID_SIZE];
    const unsigned before = count_of(properties, RABBIT_ATTEMPTS);
    const bool counted = header_of(properties, broker_count);
    const unsigned returned = counted                 ? count_of(properties, broker_count)
                              : delivery->redelivered ? 1
                                                      : 0;
    delivery->receive_count = before + returned + 1;
    rabbit_random_id(random);
    if (kept && kept->kind == AMQP_FIELD_KIND_UTF8 &&
        is_text(kept->value.bytes, sizeof delivery->id - 1))
        snprintf(delivery->id, sizeof delivery->id, "%.*s", (int)kept->value.bytes.len,
                 (const char *)kept->value.bytes.bytes);
    else if (is_text(theirs, AMQP_NAME_MAX))
        snprintf(delivery->id, sizeof delivery->id, "%.*s-%.8s", (int)theirs.len,
                 (const char *)theirs.bytes, random);
    else
        snprintf(delivery->id, sizeof delivery->id, "%s", random);
}

/* ---- where it was ---- */

static const amqp_field_value_t *table_find(const amqp_table_t *table, const char *name)
{
    for (int i = 0; i < table->num_entries; i++)
        if (bytes_are(table->entries[i].key, name))
            return &table->entries[i].value;
    return NULL;
}

static bool is_field_text(const amqp_field_value_t *value)
{
    return value && value->kind == AMQP_FIELD_KIND_UTF8 &&
           is_text(value->value.bytes, AMQP_NAME_MAX);
}

/* The queue of the newest entry of x-death, if the broker's limit of deliveries has moved it
 * ("Dead Letter Exchanges", Effects on Message Headers). A message that has only waited in a retry
 * queue has "expired" there. */
static const amqp_field_value_t *queue_of_death(const amqp_basic_properties_t *properties)
{
    const amqp_field_value_t *deaths = header_of(properties, "x-death");
    if (!deaths || deaths->kind != AMQP_FIELD_KIND_ARRAY || deaths->value.array.num_entries < 1 ||
        deaths->value.array.entries[0].kind != AMQP_FIELD_KIND_TABLE)
        return NULL;
    const amqp_table_t *newest = &deaths->value.array.entries[0].value.table;
    const amqp_field_value_t *reason = table_find(newest, "reason");
    return is_field_text(reason) && bytes_are(reason->value.bytes, "delivery_limit")
               ? table_find(newest, "queue")
               : NULL;
}

char *rabbit_delivery_source(const struct rabbit_delivery *delivery)
{
    const amqp_field_value_t *source = header_of(&delivery->properties, RABBIT_SOURCE);
    if (!source)
        source = queue_of_death(&delivery->properties);
    return is_field_text(source)
               ? slice_dup((struct slice){source->value.bytes.bytes, source->value.bytes.len})
               : NULL;
}

/* ---- for the engine ---- */

static char *text_dup(const char *text)
{
    return slice_dup(slice_of(text));
}

static int attribute_read(const amqp_table_entry_t *header, struct queue_attribute *out)
{
    char digits[NUMBER_SIZE];
    int64_t number;
    const bool is_number = number_read(&header->value, &number);
    if (is_number)
        snprintf(digits, sizeof digits, "%" PRId64, number);
    const amqp_bytes_t *text = &header->value.value.bytes;
    *out = (struct queue_attribute){
        .name = slice_dup((struct slice){header->key.bytes, header->key.len}),
        .type = text_dup(is_number ? number_type : text_type),
        .value = is_number ? text_dup(digits)
                           : slice_dup((struct slice){text->len ? text->bytes : "", text->len})};
    return out->name && out->type && out->value ? 0 : ERR_MEMORY;
}

/* Texts that are no texts, and tables, are left out. */
static bool is_attribute(const amqp_table_entry_t *header)
{
    int64_t number;
    if (is_account(header->key) || !is_text(header->key, AMQP_NAME_MAX))
        return false;
    if (number_read(&header->value, &number))
        return true;
    const amqp_bytes_t *text = &header->value.value.bytes;
    return header->value.kind == AMQP_FIELD_KIND_UTF8 &&
           !(text->len && memchr(text->bytes, 0, text->len));
}

static int attributes_read(const struct rabbit_delivery *delivery, struct queue_message *out)
{
    const amqp_basic_properties_t *properties = &delivery->properties;
    const int count = has_headers(properties) ? properties->headers.num_entries : 0;
    if (count <= 0)
        return 0;
    const size_t room = count < ATTRIBUTES_MAX ? (size_t)count : ATTRIBUTES_MAX;
    out->attributes = calloc(room, sizeof *out->attributes);
    if (!out->attributes)
        return ERR_MEMORY;
    for (int i = 0; i < count && out->attribute_count < room; i++) {
        const amqp_table_entry_t *header = &properties->headers.entries[i];
        if (!is_attribute(header))
            continue;
        int code = attribute_read(header, &out->attributes[out->attribute_count++]);
        if (code)
            return code;
    }
    return 0;
}

int rabbit_delivery_message(const struct rabbit_delivery *delivery, const char *receipt,
                            struct queue_message *out)
{
    const amqp_basic_properties_t *properties = &delivery->properties;
    *out = (struct queue_message){
        .id = text_dup(delivery->id),
        .receipt = text_dup(receipt),
        .body = slice_dup((struct slice){delivery->body, delivery->size}),
        .body_size = delivery->size,
        .receive_count = delivery->receive_count,
    };
    if (properties->_flags & AMQP_BASIC_TIMESTAMP_FLAG && properties->timestamp < INT64_MAX / 1000)
        out->sent_ms = (int64_t)properties->timestamp * 1000;
    int code = out->id && out->receipt && out->body ? attributes_read(delivery, out) : ERR_MEMORY;
    if (code)
        queue_message_clear(out);
    return code;
}

/* ---- for the broker ---- */

static void header_add(amqp_table_t *headers, const char *name, amqp_field_value_t value)
{
    headers->entries[headers->num_entries++] =
        (amqp_table_entry_t){.key = amqp_cstring_bytes(name), .value = value};
}

static amqp_field_value_t text_value(const char *text)
{
    return (amqp_field_value_t){.kind = AMQP_FIELD_KIND_UTF8,
                                .value.bytes = amqp_cstring_bytes(text)};
}

int rabbit_copy_properties(const struct rabbit_delivery *delivery, const char *source,
                           amqp_pool_t *pool, amqp_basic_properties_t *out)
{
    const amqp_basic_properties_t *from = &delivery->properties;
    const int count = has_headers(from) ? from->headers.num_entries : 0;
    *out = *from;
    out->_flags &= ~(amqp_flags_t)(AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG);
    out->_flags |= AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    out->delivery_mode = PERSISTENT;
    out->headers.num_entries = 0;
    out->headers.entries =
        amqp_pool_alloc(pool, ((size_t)count + 3) * sizeof *out->headers.entries);
    if (!out->headers.entries)
        return ERR_MEMORY;
    for (int i = 0; i < count; i++)
        if (!is_account(from->headers.entries[i].key))
            out->headers.entries[out->headers.num_entries++] = from->headers.entries[i];
    header_add(&out->headers, RABBIT_ATTEMPTS,
               (amqp_field_value_t){.kind = AMQP_FIELD_KIND_I64,
                                    .value.i64 = (int64_t)delivery->receive_count});
    header_add(&out->headers, RABBIT_ID, text_value(delivery->id));
    if (source)
        header_add(&out->headers, RABBIT_SOURCE, text_value(source));
    return 0;
}

static char *pool_text(amqp_pool_t *pool, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = amqp_pool_alloc(pool, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static int pool_header(amqp_pool_t *pool, amqp_table_t *headers, const char *name,
                       const char *value)
{
    const char *own_name = pool_text(pool, name), *own_value = pool_text(pool, value);
    if (!own_name || !own_value)
        return ERR_MEMORY;
    header_add(headers, own_name, text_value(own_value));
    return 0;
}

static int trace_add(const struct queue_send *message, amqp_pool_t *pool, amqp_table_t *headers)
{
    static const char name[] = "traceparent";
    char parent[TRACE_PARENT_SIZE] = "";
    for (size_t i = 0; i < message->attribute_count; i++)
        if (strcmp(message->attributes[i].name, name) == 0)
            return 0;
    if (message->trace)
        trace_context_traceparent(message->trace, parent);
    return parent[0] ? pool_header(pool, headers, name, parent) : 0;
}

int rabbit_send_properties(const struct queue_send *message, const char *id, amqp_pool_t *pool,
                           amqp_basic_properties_t *out)
{
    *out = (amqp_basic_properties_t){._flags =
                                         AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                                         AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
                                     .delivery_mode = PERSISTENT,
                                     .timestamp = (uint64_t)wall_clock_ms() / 1000};
    const char *own_id = pool_text(pool, id);
    out->headers.entries =
        amqp_pool_alloc(pool, (message->attribute_count + 1) * sizeof *out->headers.entries);
    if (!own_id || !out->headers.entries)
        return ERR_MEMORY;
    out->message_id = amqp_cstring_bytes(own_id);
    for (size_t i = 0; i < message->attribute_count; i++) {
        const struct queue_attribute *attribute = &message->attributes[i];
        int code = pool_header(pool, &out->headers, attribute->name, attribute->value);
        if (code)
            return code;
    }
    return trace_add(message, pool, &out->headers);
}
