#include "otlp_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "utf8.h"

enum { STATUS_ERROR = 2 }; /* StatusCode in trace.proto */

/* ---- writing ---- */

/* What is not UTF-8 becomes "?": a collector would refuse the whole batch. */
static void write_text(struct buffer *out, const char *text)
{
    uint32_t c;
    buffer_byte(out, '"');
    for (size_t used = 0, size; *text && used < OTLP_TEXT_MAX; used += size, text += size) {
        size_t valid = utf8_decode(text, &c);
        size = valid ? valid : 1;
        if (!valid)
            buffer_byte(out, '?');
        else if (c < ' ' || c == 0x7f)
            buffer_format(out, "\\u%04x", (unsigned)c);
        else if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", (char)c);
        else
            buffer_append(out, text, size);
    }
    buffer_byte(out, '"');
}

static void write_member(struct buffer *out, const char *name, const char *text)
{
    buffer_format(out, "\"%s\":", name);
    write_text(out, text);
}

static void write_attribute(struct buffer *out, const struct trace_attribute *attribute)
{
    buffer_byte(out, '{');
    write_member(out, "key", attribute->name);
    buffer_text(out, ",\"value\":{");
    if (attribute->text)
        write_member(out, "stringValue", attribute->text);
    else
        buffer_format(out, "\"intValue\":\"%llu\"", (unsigned long long)attribute->number);
    buffer_text(out, "}}");
}

static void write_attributes(struct buffer *out, const struct trace_attribute *attributes,
                             size_t count)
{
    const char *separator = "";
    buffer_text(out, ",\"attributes\":[");
    for (size_t i = 0; i < count; i++) {
        if (!attributes[i].text && !attributes[i].number)
            continue;
        buffer_text(out, separator);
        write_attribute(out, &attributes[i]);
        separator = ",";
    }
    buffer_byte(out, ']');
}

static void write_time(struct buffer *out, const char *name, uint64_t ns, int64_t offset_ns)
{
    const int64_t unix_ns = (int64_t)ns + offset_ns;
    buffer_format(out, ",\"%s\":\"%lld\"", name, (long long)unix_ns);
}

void otlp_json_span(struct buffer *out, const struct trace_span *span, int64_t offset_ns)
{
    const uint64_t ended_ns = span->ended_ns < span->began_ns ? span->began_ns : span->ended_ns;
    buffer_format(out, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", span->context.trace,
                  span->context.span);
    if (span->parent[0])
        buffer_format(out, ",\"parentSpanId\":\"%s\"", span->parent);
    buffer_byte(out, ',');
    write_member(out, "name", span->name);
    buffer_format(out, ",\"kind\":%d", (int)span->kind);
    write_time(out, "startTimeUnixNano", span->began_ns, offset_ns);
    write_time(out, "endTimeUnixNano", ended_ns, offset_ns);
    write_attributes(out, span->attributes, span->attribute_count);
    buffer_text(out, ",\"status\":{");
    if (span->error) {
        buffer_format(out, "\"code\":%d,", STATUS_ERROR);
        write_member(out, "message", span->error);
    }
    buffer_text(out, "}}");
}

void otlp_json_begin(struct buffer *out)
{
    static const struct trace_attribute resource[] = {{"service.name", "thumbwheel", 0},
                                                      {"service.version", THUMBWHEEL_VERSION, 0}};
    buffer_text(out, "{\"resourceSpans\":[{\"resource\":{\"droppedAttributesCount\":0");
    write_attributes(out, resource, sizeof resource / sizeof resource[0]);
    buffer_text(out, "},\"scopeSpans\":[{\"scope\":{\"name\":\"thumbwheel\"},\"spans\":[");
}

void otlp_json_next(struct buffer *out)
{
    buffer_byte(out, ',');
}

void otlp_json_end(struct buffer *out)
{
    buffer_text(out, "]}]}]}");
}

/* ---- reading ---- */

/* Protobuf's JSON has 64-bit integers as strings, and allows numbers. -1: neither. */
static int64_t integer_of(const json_t *value)
{
    char *end;
    if (!value)
        return 0;
    if (json_is_integer(value))
        return json_integer_value(value) < 0 ? -1 : (int64_t)json_integer_value(value);
    const char *text = json_string_value(value);
    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    long long number = strtoll(text, &end, 10);
    return *end ? -1 : number;
}

int64_t otlp_json_rejected(struct slice response)
{
    json_error_t where;
    if (response.size == 0)
        return 0;
    json_t *root = json_text_read(response, JSON_REJECT_DUPLICATES, &where);
    const json_t *partial = json_object_get(root, "partialSuccess");
    int64_t rejected = -1;
    if (json_is_object(root) && (!partial || json_is_object(partial)))
        rejected = integer_of(json_object_get(partial, "rejectedSpans"));
    json_decref(root);
    return rejected;
}
