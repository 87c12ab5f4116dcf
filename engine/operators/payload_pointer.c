#include "payload_pointer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "bytes.h"
#include "json_write.h"

enum { POINTER_MAX = 16 * 1024 };

char *payload_pointer_make(const char *bucket, const char *key)
{
    struct buffer out;
    json_t *pointer =
        json_pack("[s, {s:s, s:s}]", PAYLOAD_POINTER_CLASS, "s3BucketName", bucket, "s3Key", key);
    buffer_init(&out, POINTER_MAX);
    if (pointer)
        json_write(pointer, &out);
    char *text = pointer ? buffer_take_text(&out) : NULL;
    json_decref(pointer);
    buffer_free(&out);
    return text;
}

int payload_key_make(char out[PAYLOAD_KEY_SIZE])
{
    uint8_t r[16];
    if (uv_random(NULL, NULL, r, sizeof r, 0, NULL))
        return ERR_IO;
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* version 4 (RFC 9562) */
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(out, PAYLOAD_KEY_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
             r[15]);
    return 0;
}
