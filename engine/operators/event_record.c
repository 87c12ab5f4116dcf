#include "event_record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "iso_time.h"
#include "json_write.h"
#include "object_store.h"

enum {
    KEY_MAX = 3 * OBJECT_KEY_MAX + 1,
    EVENT_MAX = 64 * 1024,
    TIME_SIZE = ISO_TIME_SIZE + 4,
    NAME_SIZE = 128,
};

/* The characters that java.net.URLEncoder, which S3 uses, does not encode. */
static bool stays(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(".-*_/", c));
}

static int key_encode(const char *key, struct buffer *out)
{
    for (; *key; key++) {
        if (stays(*key))
            buffer_byte(out, *key);
        else if (*key == ' ')
            buffer_byte(out, '+');
        else
            buffer_format(out, "%%%02X", (unsigned)(unsigned char)*key);
    }
    return out->error;
}

static json_t *object_part(const struct event_object *object)
{
    struct buffer key;
    buffer_init(&key, KEY_MAX);
    json_t *part =
        key_encode(object->key, &key)
            ? NULL
            : json_pack("{s:s, s:I, s:s*, s:s*}", "key", key.data, "size", (json_int_t)object->size,
                        "eTag", object->etag, "versionId", object->version);
    buffer_free(&key);
    return part;
}

static json_t *s3_part(const struct event_object *object)
{
    char arn[NAME_SIZE];
    snprintf(arn, sizeof arn, "arn:aws:s3:::%s", object->bucket);
    return json_pack("{s:s, s:s, s:{s:s, s:{s:s}, s:s}, s:o}", "s3SchemaVersion", "1.0",
                     "configurationId", "thumbwheel", "bucket", "name", object->bucket,
                     "ownerIdentity", "principalId", "thumbwheel", "arn", arn, "object",
                     object_part(object));
}

/* "2026-11-29T12:00:00.123Z" */
static void time_format(int64_t now_ms, char out[TIME_SIZE])
{
    char seconds[ISO_TIME_SIZE];
    iso_time_format(now_ms / 1000, seconds);
    snprintf(out, TIME_SIZE, "%.19s.%03dZ", seconds, (int)(now_ms % 1000));
}

char *event_record_make(const struct event_object *object, const char *region, int64_t now_ms)
{
    char time[TIME_SIZE], request[32];
    struct buffer out;
    time_format(now_ms, time);
    snprintf(request, sizeof request, "%016" PRIX64, (uint64_t)now_ms);
    buffer_init(&out, EVENT_MAX);
    json_t *event = json_pack(
        "{s:[{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:o}]}", "Records",
        "eventVersion", "2.1", "eventSource", "aws:s3", "awsRegion", region, "eventTime", time,
        "eventName", "ObjectCreated:Put", "userIdentity", "principalId", "thumbwheel",
        "requestParameters", "sourceIPAddress", "127.0.0.1", "responseElements", "x-amz-request-id",
        request, "x-amz-id-2", request, "s3", s3_part(object));
    if (event)
        json_write(event, &out);
    char *text = event ? buffer_take_text(&out) : NULL;
    json_decref(event);
    buffer_free(&out);
    return text;
}

void event_deduplication(const struct event_object *object, char out[DEDUPLICATION_SIZE])
{
    static const char *const digits = "0123456789abcdef";
    const char *state = object->version && strcmp(object->version, "null") != 0 ? object->version
                        : object->etag                                          ? object->etag
                                                                                : "";
    const char *const parts[] = {object->bucket, object->key, state};
    uint8_t digest[SHA256_SIZE];
    struct hash hash;
    hash_start(&hash, HASH_SHA256);
    for (size_t i = 0; i < 3; i++)
        hash_update(&hash, parts[i], strlen(parts[i]) + 1);
    hash_finish(&hash, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * SHA256_SIZE] = '\0';
}
