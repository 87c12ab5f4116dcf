#include "trace_context.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"

enum { TRACE_DIGITS = TRACE_ID_SIZE - 1, SPAN_DIGITS = TRACE_SPAN_SIZE - 1, TIME_DIGITS = 8 };

/* Both formats have lower-case digits only. */
static bool is_hex(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    }
    return true;
}

/* Such identifiers are invalid. */
static bool is_zero(const char *digits)
{
    return digits[strspn(digits, "0")] == '\0';
}

bool trace_context_known(const struct trace_context *context)
{
    return context->trace[0] != '\0';
}

/* ---- traceparent ---- */

/* "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"; a later version may have more members
 * behind these. */
static bool has_traceparent_form(const char *text)
{
    const size_t size = strnlen(text, TRACE_PARENT_SIZE);
    if (size < TRACE_PARENT_SIZE - 1 || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (!is_hex(text, 2) || !is_hex(text + 3, TRACE_DIGITS) || !is_hex(text + 36, SPAN_DIGITS) ||
        !is_hex(text + 53, 2))
        return false;
    const bool is_longer = text[TRACE_PARENT_SIZE - 1] != '\0';
    if (memcmp(text, "00", 2) == 0)
        return !is_longer;
    return memcmp(text, "ff", 2) != 0 && (!is_longer || text[TRACE_PARENT_SIZE - 1] == '-');
}

bool trace_context_of_traceparent(const char *text, struct trace_context *out)
{
    *out = (struct trace_context){0};
    if (!text || !has_traceparent_form(text))
        return false;
    struct trace_context read = {.sampled = hex_value(text[54]) & 1};
    memcpy(read.trace, text + 3, TRACE_DIGITS);
    memcpy(read.span, text + 36, SPAN_DIGITS);
    if (is_zero(read.trace) || is_zero(read.span))
        return false;
    *out = read;
    return true;
}

void trace_context_traceparent(const struct trace_context *context, char out[TRACE_PARENT_SIZE])
{
    out[0] = '\0';
    if (context->trace[0] && context->span[0])
        snprintf(out, TRACE_PARENT_SIZE, "00-%.32s-%.16s-%s", context->trace, context->span,
                 context->sampled ? "01" : "00");
}

/* ---- X-Ray ---- */

/* "1-5759e988-bd862e3fe1be46a994272793": the version, the time in seconds, 96 random bits. */
static bool root_read(struct slice value, char out[TRACE_ID_SIZE])
{
    if (value.size != TRACE_DIGITS + 3 || memcmp(value.data, "1-", 2) != 0 ||
        value.data[2 + TIME_DIGITS] != '-' || !is_hex(value.data + 2, TIME_DIGITS) ||
        !is_hex(value.data + 3 + TIME_DIGITS, TRACE_DIGITS - TIME_DIGITS))
        return false;
    memcpy(out, value.data + 2, TIME_DIGITS);
    memcpy(out + TIME_DIGITS, value.data + 3 + TIME_DIGITS, TRACE_DIGITS - TIME_DIGITS);
    out[TRACE_DIGITS] = '\0';
    return !is_zero(out);
}

static bool parent_read(struct slice value, char out[TRACE_SPAN_SIZE])
{
    if (value.size != SPAN_DIGITS || !is_hex(value.data, SPAN_DIGITS))
        return false;
    memcpy(out, value.data, SPAN_DIGITS);
    out[SPAN_DIGITS] = '\0';
    return !is_zero(out);
}

/* "?" asks the receiver for a decision. */
static bool sampled_read(struct slice value, bool *out)
{
    *out = !slice_equal_text(value, "0");
    return slice_equal_text(value, "0") || slice_equal_text(value, "1") ||
           slice_equal_text(value, "?");
}

/* What an X-Ray header holds; each member at most once. */
struct xray {
    struct trace_context context;
    bool has_sampled;
};

static bool member_read(struct slice name, struct slice value, struct xray *xray)
{
    if (slice_equal_text(name, "Root"))
        return !xray->context.trace[0] && root_read(value, xray->context.trace);
    if (slice_equal_text(name, "Parent"))
        return !xray->context.span[0] && parent_read(value, xray->context.span);
    if (!slice_equal_text(name, "Sampled"))
        return true; /* Self, Lineage, and what a caller added */
    bool again = xray->has_sampled;
    xray->has_sampled = true;
    return !again && sampled_read(value, &xray->context.sampled);
}

bool trace_context_of_xray(const char *text, struct trace_context *out)
{
    struct xray xray = {.context.sampled = true};
    *out = (struct trace_context){0};
    if (!text || strnlen(text, TRACE_XRAY_TEXT_MAX + 1) > TRACE_XRAY_TEXT_MAX)
        return false;
    for (const char *at = text; *at;) {
        const size_t size = strcspn(at, ";"), name = strcspn(at, "=");
        if (name == 0 || name >= size ||
            !member_read((struct slice){at, name}, (struct slice){at + name + 1, size - name - 1},
                         &xray))
            return false;
        at += size;
        at += *at == ';';
        at += strspn(at, " ");
    }
    if (!xray.context.trace[0])
        return false;
    *out = xray.context;
    return true;
}

void trace_context_xray(const struct trace_context *context, char out[TRACE_XRAY_SIZE])
{
    out[0] = '\0';
    if (context->trace[0])
        snprintf(out, TRACE_XRAY_SIZE, "Root=1-%.8s-%.24s%s%.16s;Sampled=%c", context->trace,
                 context->trace + TIME_DIGITS, context->span[0] ? ";Parent=" : "", context->span,
                 context->sampled ? '1' : '0');
}
