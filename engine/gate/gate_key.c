#include "gate_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "hex.h"
#include "utf8.h"

enum { UUID_BYTES = 16, UUID_SIZE = 37 };

static const struct extension {
    const char *type, *extension;
} extensions[] = {
    {"image/jpeg", ".jpg"},      {"image/png", ".png"},   {"image/webp", ".webp"},
    {"image/gif", ".gif"},       {"image/avif", ".avif"}, {"image/heic", ".heic"},
    {"image/heif", ".heif"},     {"image/tiff", ".tif"},  {"image/bmp", ".bmp"},
    {"image/jxl", ".jxl"},       {"image/jp2", ".jp2"},   {"image/svg+xml", ".svg"},
    {"application/pdf", ".pdf"}, {"video/mp4", ".mp4"},   {"application/json", ".json"},
    {"application/zip", ".zip"}, {"text/csv", ".csv"},    {"text/plain", ".txt"},
    {"video/quicktime", ".mov"},
};

/* ---- the key of an upload ---- */

/* Version 4 (RFC 9562). */
static int uuid_make(char out[UUID_SIZE])
{
    static const unsigned groups[] = {4, 2, 2, 2, 6};
    uint8_t bytes[UUID_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    char *end = out;
    const uint8_t *next = bytes;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (i)
            *end++ = '-';
        hex_write(next, groups[i], end);
        end += 2 * groups[i];
        next += groups[i];
    }
    return 0;
}

int gate_key_make(const char *prefix, const char *content_type, int64_t unix_s,
                  char out[GATE_KEY_SIZE])
{
    char uuid[UUID_SIZE], day[16];
    struct tm utc;
    const time_t now = (time_t)unix_s;
    if (strlen(prefix) > GATE_PREFIX_MAX || !gmtime_r(&now, &utc) ||
        !strftime(day, sizeof day, "%Y/%m/%d", &utc))
        return ERR_INVALID;
    if (uuid_make(uuid))
        return ERR_IO;
    snprintf(out, GATE_KEY_SIZE, "%s%s/%s%s", prefix, day, uuid, gate_type_extension(content_type));
    return 0;
}

/* ---- the key of a download ---- */

static int decode(struct slice path, char out[GATE_KEY_SIZE], size_t *size)
{
    size_t used = 0;
    for (size_t i = 0; i < path.size; i++) {
        int c = (unsigned char)path.data[i];
        if (c == '%') {
            c = path.size - i >= 3 ? hex_byte(path.data + i + 1) : -1;
            i += 2;
        }
        if (c <= 0)
            return ERR_INVALID;
        if (used == OBJECT_KEY_MAX)
            return ERR_LIMIT;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    *size = used;
    return 0;
}

static bool segment_is_plain(const char *segment, size_t size)
{
    return size > 0 && !(size == 1 && segment[0] == '.') &&
           !(size == 2 && segment[0] == '.' && segment[1] == '.');
}

static bool segments_are_plain(const char *key)
{
    for (;;) {
        const size_t size = strcspn(key, "/");
        if (!segment_is_plain(key, size))
            return false;
        if (!key[size])
            return true;
        key += size + 1;
    }
}

static bool characters_are_plain(const char *key)
{
    for (; *key; key++)
        if ((unsigned char)*key < ' ' || *key == 0x7f || *key == '\\')
            return false;
    return true;
}

int gate_key_decode(struct slice path, char out[GATE_KEY_SIZE])
{
    size_t size = 0;
    const int code = decode(path, out, &size);
    if (code)
        return code;
    const bool is_plain = utf8_valid((struct slice){out, size}) && characters_are_plain(out) &&
                          segments_are_plain(out);
    return is_plain ? 0 : ERR_INVALID;
}

/* ---- content types ---- */

/* A token of RFC 9110, in lower case. */
static size_t name_size(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'+-.^_`|~");
}

bool gate_type_is_valid(const char *type)
{
    const size_t first = name_size(type);
    if (!first || type[first] != '/' || strlen(type) > GATE_TYPE_MAX)
        return false;
    const size_t second = name_size(type + first + 1);
    return second && !type[first + 1 + second];
}

bool gate_type_is_pattern(const char *pattern)
{
    const size_t first = name_size(pattern);
    return gate_type_is_valid(pattern) || (first && strcmp(pattern + first, "/*") == 0);
}

bool gate_type_matches(const char *type, const char *pattern)
{
    const size_t size = strlen(pattern);
    if (size && pattern[size - 1] == '*')
        return strncmp(type, pattern, size - 1) == 0;
    return strcmp(type, pattern) == 0;
}

const char *gate_type_extension(const char *type)
{
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strcmp(extensions[i].type, type) == 0)
            return extensions[i].extension;
    return "";
}
