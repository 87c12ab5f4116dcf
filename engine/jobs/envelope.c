#include "envelope.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ceph_sequencer.h"
#include "hex.h"
#include "iso_time.h"
#include "json_text.h"
#include "object_store.h"
#include "seaweed_event.h"

/* The deepest nesting in practice is SNS around an extended client's pointer around an event.
 */
enum { NESTING_MAX = 4 };

static int parse_body(struct slice body, bool extended, int depth, struct envelope *out,
                      struct error *error);

static void record_clear(struct envelope_record *record)
{
    free(record->bucket);
    free(record->key);
    free(record->raw_key);
    free(record->version);
    free(record->etag);
    free(record->sequencer);
    free(record->event);
    *record = (struct envelope_record){0};
}

bool envelope_record_use_raw(struct envelope_record *record, bool raw)
{
    if (!record->raw_key || record->raw == raw)
        return false;
    char *other = record->key;
    record->key = record->raw_key;
    record->raw_key = other;
    record->raw = raw;
    return true;
}

void envelope_clear(struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->count; i++)
        record_clear(&envelope->records[i]);
    free(envelope->records);
    record_clear(&envelope->pointer);
    *envelope = (struct envelope){0};
}

/* Decodes in place: '+' is a space, %XX a byte. S3 form-encodes the keys in events. */
static int form_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        char c = *from;
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int value = hex_byte(from + 1);
            if (value <= 0)
                return ERR_INVALID;
            c = (char)value;
            from += 2;
        }
        *to++ = c;
    }
    *to = '\0';
    return 0;
}

/* Copies a string member; *out remains NULL if it is absent, empty or of another type. */
static int copy_member(json_t *object, const char *name, char **out)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || !*text)
        return 0;
    *out = strdup(text);
    return *out ? 0 : ERR_MEMORY;
}

/* 0: absent, or not a time. */
static int64_t time_member(json_t *object, const char *name)
{
    int64_t ms = 0;
    return iso_time_parse(json_string_value(json_object_get(object, name)), &ms) ? 0 : ms;
}

/* Some producers and old SDKs quote the ETag. */
static void unquote(char *text)
{
    size_t size = text ? strlen(text) : 0;
    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
        memmove(text, text + 1, size - 2);
        text[size - 2] = '\0';
    }
}

static int check_record(const struct envelope_record *record, struct error *error)
{
    if (!record->bucket || !record->key)
        return error_set(error, ERR_INVALID,
                         "the event names no %s; expected bucket.name and object.key",
                         record->bucket ? "key" : "bucket");
    if (strlen(record->key) > OBJECT_KEY_MAX)
        return error_set(error, ERR_LIMIT, "the key has %zu bytes; S3 keys have at most %d",
                         strlen(record->key), OBJECT_KEY_MAX);
    return 0;
}

/* A number, or a text with one. 0: absent, or neither. */
static uint64_t size_member(json_t *object)
{
    json_t *size = json_object_get(object, "size");
    const char *text = json_string_value(size);
    char *end;
    if (json_is_integer(size) && json_integer_value(size) > 0)
        return (uint64_t)json_integer_value(size);
    if (!text || *text < '0' || *text > '9')
        return 0;
    unsigned long long value = strtoull(text, &end, 10);
    return *end || value == ULLONG_MAX ? 0 : value;
}

/* The members that S3 events and EventBridge events share under different names. */
static int copy_object(json_t *bucket, json_t *object, const char *etag_name,
                       const char *version_name, struct envelope_record *record)
{
    record->size = size_member(object);
    if (copy_member(bucket, "name", &record->bucket) || copy_member(object, "key", &record->key) ||
        copy_member(object, etag_name, &record->etag) ||
        copy_member(object, version_name, &record->version) ||
        copy_member(object, "sequencer", &record->sequencer))
        return ERR_MEMORY;
    unquote(record->etag);
    if (record->version && strcmp(record->version, "null") == 0) { /* an unversioned object */
        free(record->version);
        record->version = NULL;
    }
    return 0;
}

static bool is_from(json_t *item, const char *name)
{
    const char *source = json_string_value(json_object_get(item, "eventSource"));
    return source && strcmp(source, name) == 0;
}

/* A key that cannot be decoded was not encoded, unless it comes from S3 itself. */
static int decode_key(json_t *item, struct envelope_record *record, struct error *error)
{
    bool foreign = !is_from(item, "aws:s3");
    char *raw = record->key ? strdup(record->key) : NULL;
    if (!record->key)
        return 0; /* check_record reports it */
    if (!raw)
        return error_set(error, ERR_MEMORY, "out of memory while reading an event");
    if (form_decode(record->key)) {
        if (!foreign)
            error_set(error, ERR_INVALID, "the key \"%s\" is not form-encoded", raw);
        free(foreign ? record->key : raw);
        record->key = foreign ? raw : record->key;
        return foreign ? 0 : ERR_INVALID;
    }
    if (foreign && strcmp(raw, record->key) != 0 && strlen(raw) <= OBJECT_KEY_MAX)
        record->raw_key = raw;
    else
        free(raw);
    return 0;
}

static int parse_s3_record(json_t *item, struct envelope_record *record, struct error *error)
{
    json_t *s3 = json_object_get(item, "s3");
    if (!json_is_object(s3))
        return error_set(error, ERR_INVALID, "a record of the event has no \"s3\" member");
    if (copy_object(json_object_get(s3, "bucket"), json_object_get(s3, "object"), "eTag",
                    "versionId", record) ||
        copy_member(item, "eventName", &record->event))
        return error_set(error, ERR_MEMORY, "out of memory while reading an event");
    record->event_ms = time_member(item, "eventTime");
    if (is_from(item, "ceph:s3"))
        ceph_sequencer_order(record->sequencer, record->event_ms);
    int code = decode_key(item, record, error);
    if (code)
        return code;
    struct slice name = slice_of(record->event ? record->event : "");
    if (slice_starts_with(name, "s3:")) /* some compatible services include the prefix */
        name = (struct slice){name.data + 3, name.size - 3};
    /* An object that was restored from an archive can be read like a new one. */
    record->created = slice_starts_with(name, "ObjectCreated:") ||
                      slice_equal_text(name, "ObjectRestore:Completed");
    record->removed = slice_starts_with(name, "ObjectRemoved:") ||
                      slice_starts_with(name, "LifecycleExpiration:");
    return check_record(record, error);
}

static int parse_s3_event(json_t *records, struct envelope *out, struct error *error)
{
    size_t count = json_array_size(records);
    if (count == 0) {
        out->kind = ENVELOPE_NOTHING;
        return 0;
    }
    if (count > ENVELOPE_RECORDS_MAX)
        return error_set(error, ERR_LIMIT, "the event has %zu records; at most %d are accepted",
                         count, ENVELOPE_RECORDS_MAX);
    out->records = calloc(count, sizeof *out->records);
    if (!out->records)
        return error_set(error, ERR_MEMORY, "out of memory while reading an event");
    out->kind = ENVELOPE_RECORDS;
    for (; out->count < count; out->count++) {
        int code =
            parse_s3_record(json_array_get(records, out->count), &out->records[out->count], error);
        if (code) {
            out->count++; /* so that copied strings are freed */
            return code;
        }
    }
    return 0;
}

static int single_record(struct envelope *out, struct error *error)
{
    out->records = calloc(1, sizeof *out->records);
    if (!out->records)
        return error_set(error, ERR_MEMORY, "out of memory while reading an event");
    out->kind = ENVELOPE_RECORDS;
    out->count = 1;
    return 0;
}

static int parse_eventbridge(json_t *root, struct envelope *out, struct error *error)
{
    json_t *detail = json_object_get(root, "detail");
    const char *type = json_string_value(json_object_get(root, "detail-type"));
    if (single_record(out, error))
        return ERR_MEMORY;
    struct envelope_record *record = &out->records[0];
    if (copy_object(json_object_get(detail, "bucket"), json_object_get(detail, "object"), "etag",
                    "version-id", record) ||
        copy_member(root, "detail-type", &record->event))
        return error_set(error, ERR_MEMORY, "out of memory while reading an event");
    record->event_ms = time_member(root, "time");
    record->created = type && strcmp(type, "Object Created") == 0;
    record->removed = type && strcmp(type, "Object Deleted") == 0;
    return check_record(record, error);
}

static int parse_plain(json_t *root, struct envelope *out, struct error *error)
{
    if (single_record(out, error))
        return ERR_MEMORY;
    struct envelope_record *record = &out->records[0];
    if (copy_member(root, "bucket", &record->bucket) || copy_member(root, "key", &record->key) ||
        copy_member(root, "version", &record->version) || copy_member(root, "etag", &record->etag))
        return error_set(error, ERR_MEMORY, "out of memory while reading a message");
    unquote(record->etag);
    record->created = true;
    return check_record(record, error);
}

static int parse_seaweed(const struct seaweed_event *event, struct envelope *out,
                         struct error *error)
{
    char md5[2 * 16 + 1] = "";
    if (!event->present) {
        out->kind = ENVELOPE_NOTHING;
        return 0;
    }
    if (single_record(out, error))
        return ERR_MEMORY;
    struct envelope_record *record = &out->records[0];
    hex_write((const uint8_t *)event->md5.data, event->md5.size, md5);
    record->bucket = slice_dup(event->bucket);
    record->key = seaweed_event_key(event);
    record->etag = *md5 ? strdup(md5) : NULL;
    if (!record->bucket || !record->key || (*md5 && !record->etag))
        return error_set(error, ERR_MEMORY, "out of memory while reading an event");
    record->size = event->size;
    record->created = event->created;
    return check_record(record, error);
}

/* ["<class name>", {"s3BucketName": …, "s3Key": …}]; the class name differs between the library's
 * generations (com.amazon.sqs.javamessaging.MessageS3Pointer,
 * software.amazon.payloadoffloading.PayloadS3Pointer). */
static int parse_pointer(json_t *root, struct envelope *out, struct error *error)
{
    json_t *target = json_array_get(root, 1);
    out->kind = ENVELOPE_POINTER;
    if (copy_member(target, "s3BucketName", &out->pointer.bucket) ||
        copy_member(target, "s3Key", &out->pointer.key))
        return error_set(error, ERR_MEMORY, "out of memory while reading a pointer");
    return check_record(&out->pointer, error);
}

static bool is_pointer(json_t *root)
{
    const char *name = json_string_value(json_array_get(root, 0));
    return name && strstr(name, "S3Pointer") && json_is_object(json_array_get(root, 1));
}

/* "Amazon SNS message attributes", SNS Developer Guide: {"Type": "String", "Value": …}. The
 * outermost one that is valid counts. */
static void trace_read(json_t *root, struct envelope *out)
{
    json_t *attributes = json_object_get(root, "MessageAttributes");
    json_t *value = json_object_get(json_object_get(attributes, "traceparent"), "Value");
    if (!trace_context_known(&out->trace))
        trace_context_of_traceparent(json_string_value(value), &out->trace);
}

bool envelope_is_size_attribute(const char *name)
{
    return strcmp(name, "ExtendedPayloadSize") == 0 || strcmp(name, "SQSLargePayloadSize") == 0;
}

/* The extended client for SNS sets the attribute of the notification; without raw delivery it is in
 * the envelope. */
static bool is_extended(json_t *root)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(root, "MessageAttributes"), name, value)
    {
        if (envelope_is_size_attribute(name))
            return true;
    }
    return false;
}

static int parse_object(json_t *root, bool extended, int depth, struct envelope *out,
                        struct error *error)
{
    json_t *records = json_object_get(root, "Records");
    json_t *message = json_object_get(root, "Message");
    const char *event = json_string_value(json_object_get(root, "Event"));

    if (json_is_array(records))
        return parse_s3_event(records, out, error);
    if (event && strcmp(event, "s3:TestEvent") == 0) {
        out->kind = ENVELOPE_NOTHING;
        return 0;
    }
    if (json_object_get(root, "detail-type") && json_is_object(json_object_get(root, "detail")))
        return parse_eventbridge(root, out, error);
    if (json_is_string(message) && json_object_get(root, "TopicArn"))
        trace_read(root, out);
    if (json_is_string(message) && json_object_get(root, "TopicArn"))
        return parse_body((struct slice){json_string_value(message), json_string_length(message)},
                          extended || is_extended(root), depth + 1, out, error);
    if (json_object_get(root, "bucket") && json_object_get(root, "key"))
        return parse_plain(root, out, error);
    return error_set(
        error, ERR_INVALID,
        "the message is JSON but not a supported event; expected an S3 event, an "
        "EventBridge event, an SNS notification of one, or {\"bucket\": …, \"key\": …}");
}

static int parse_body(struct slice body, bool extended, int depth, struct envelope *out,
                      struct error *error)
{
    json_error_t where;
    struct seaweed_event event;
    if (depth > NESTING_MAX)
        return error_set(error, ERR_LIMIT, "the message nests more than %d envelopes", NESTING_MAX);
    json_t *root = json_text_read(body, JSON_REJECT_DUPLICATES, &where);
    if (!root && json_text_short(&where))
        return error_set(error, ERR_MEMORY, "out of memory while reading a message");
    if (!root && seaweed_event_read(body, &event))
        return parse_seaweed(&event, out, error);
    if (!root)
        return error_set(error, ERR_INVALID, "the message is not JSON (line %d, column %d: %s)",
                         where.line, where.column, where.text);
    int code;
    if (extended && is_pointer(root))
        code = parse_pointer(root, out, error);
    else if (json_is_object(root))
        code = parse_object(root, extended, depth, out, error);
    else
        code = error_set(error, ERR_INVALID, "the message is JSON but not an object");
    json_decref(root);
    return code;
}

int envelope_parse(struct slice body, bool extended, struct envelope *out, struct error *error)
{
    *out = (struct envelope){0};
    int code = parse_body(body, extended, 0, out, error);
    if (code)
        envelope_clear(out);
    return code;
}
