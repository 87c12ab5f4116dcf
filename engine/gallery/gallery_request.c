#include "gallery_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "uri.h"
#include "utf8.h"

enum { SEGMENT_MAX = 8 * 1024 }; /* bytes of a decoded parameter */

/* ---- decoding ---- */

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return utf8_valid(text);
}

/* For free(); NULL: not a percent-encoded text. */
static char *decode(struct slice text, bool form)
{
    struct buffer out;
    buffer_init(&out, SEGMENT_MAX);
    if (uri_decode(&out, text, form) || !is_plain(buffer_slice(&out))) {
        buffer_free(&out);
        return NULL;
    }
    return buffer_take_text(&out);
}

/* ---- the path ---- */

static struct slice segment_next(struct slice *path)
{
    const char *slash = memchr(path->data, '/', path->size);
    const struct slice segment = {path->data, slash ? (size_t)(slash - path->data) : path->size};
    const size_t used = segment.size + (slash != NULL);
    path->data += used;
    path->size -= used;
    return segment;
}

static bool segments_read(struct gallery_call *call, const char *pattern)
{
    struct slice path = http_call_path(call->http), rest = slice_of(pattern);
    while (rest.size) {
        const struct slice expected = segment_next(&rest), found = segment_next(&path);
        if (!slice_equal_text(expected, "*"))
            continue;
        char *text = call->segment_count < GALLERY_SEGMENTS_MAX ? decode(found, false) : NULL;
        if (!text)
            return false;
        call->segments[call->segment_count++] = text;
    }
    return true;
}

const char *gallery_segment(const struct gallery_call *call, size_t index)
{
    return index < call->segment_count ? call->segments[index] : "";
}

/* ---- the query ---- */

static bool pair_read(struct gallery_call *call, struct slice pair)
{
    const char *equals = memchr(pair.data, '=', pair.size);
    const struct slice name = {pair.data, equals ? (size_t)(equals - pair.data) : pair.size};
    const struct slice value = {equals ? equals + 1 : pair.data + pair.size,
                                equals ? pair.size - name.size - 1 : 0};
    char *first = decode(name, true), *second = decode(value, true);
    const int first_code = text_list_take(&call->query, first);
    const int second_code = text_list_take(&call->query, second);
    return !first_code && !second_code;
}

static bool query_read(struct gallery_call *call)
{
    struct slice query = http_call_query(call->http);
    while (query.size) {
        const char *end = memchr(query.data, '&', query.size);
        const struct slice pair = {query.data, end ? (size_t)(end - query.data) : query.size};
        if (pair.size && (call->query.count >= 2 * GALLERY_QUERY_MAX || !pair_read(call, pair)))
            return false;
        query.data += pair.size + (end != NULL);
        query.size -= pair.size + (end != NULL);
    }
    return true;
}

const char *gallery_query_next(const struct gallery_call *call, const char *name, size_t *at)
{
    while (*at + 1 < call->query.count) {
        const size_t i = *at;
        *at += 2;
        if (strcmp(call->query.items[i], name) == 0)
            return call->query.items[i + 1];
    }
    return NULL;
}

const char *gallery_query(const struct gallery_call *call, const char *name)
{
    size_t at = 0;
    return gallery_query_next(call, name, &at);
}

bool gallery_query_number(struct gallery_call *call, const char *name, int64_t min, int64_t max,
                          int64_t absent, int64_t *out)
{
    const char *text = gallery_query(call, name);
    char *end = NULL;
    *out = text ? strtoll(text, &end, 10) : absent;
    if (!text || (end != text && !*end && *out >= min && *out <= max))
        return true;
    gallery_refuse(call, 400, "invalid_parameter",
                   "%s must be a whole number from %" PRId64 " to %" PRId64, name, min, max);
    return false;
}

/* ---- the body ---- */

static bool is_json(struct gallery_call *call)
{
    static const char type[] = "application/json";
    const struct slice header = http_call_header(call->http, "content-type");
    const size_t size = sizeof type - 1;
    return header.size >= size && strncasecmp(header.data, type, size) == 0 &&
           (header.size == size || strchr("; \t", header.data[size]));
}

bool gallery_request_read_body(struct gallery_call *call, struct slice text)
{
    json_error_t why;
    if (!is_json(call)) {
        gallery_refuse(call, 415, "not_json",
                       "the body must be JSON, with the Content-Type application/json");
        return false;
    }
    if (!text.size)
        return true;
    call->body = json_text_read(text, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(call->body))
        return true;
    if (!call->body && json_text_short(&why))
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
    else
        gallery_refuse(call, 400, "not_json", "the body must be one JSON object");
    return false;
}

const char *gallery_body_text(struct gallery_call *call, const char *name, size_t max)
{
    const json_t *value = json_object_get(call->body, name);
    if (json_is_string(value) && json_string_length(value) <= max)
        return json_string_value(value);
    gallery_refuse(call, 400, "invalid_parameter", "\"%s\" must be a string of at most %zu bytes",
                   name, max);
    return NULL;
}

/* ---- all of it ---- */

bool gallery_request_read(struct gallery_call *call, const char *pattern)
{
    if (segments_read(call, pattern) && query_read(call))
        return true;
    gallery_refuse(call, 400, "invalid_address",
                   "the path or the query is not percent-encoded UTF-8, or has too many parts");
    return false;
}

void gallery_request_clear(struct gallery_call *call)
{
    for (size_t i = 0; i < call->segment_count; i++)
        free(call->segments[i]);
    text_list_clear(&call->query);
    json_decref(call->body);
    free(call->cookie);
}
