/*
 * Web pages of other origins (Fetch Standard, "HTTP CORS protocol"). Tokens are sent by the page
 * itself, never by the browser, so that credentials (cookies) are not allowed and not needed.
 */
#include "gate_private.h"

#include <stdlib.h>

static bool is_any(const struct gate_options *options)
{
    for (size_t i = 0; i < options->origin_count; i++)
        if (slice_equal_text(SLICE_LITERAL("*"), options->origins[i]))
            return true;
    return false;
}

static bool is_allowed(const struct gate_options *options, struct slice origin)
{
    for (size_t i = 0; i < options->origin_count; i++)
        if (slice_equal_text(origin, options->origins[i]))
            return true;
    return origin.size > 0 && is_any(options);
}

bool gate_cors_allows(const struct gate_call *call)
{
    return is_allowed(&call->gate->options, http_call_header(call->http, "origin"));
}

size_t gate_cors_headers(const struct gate_call *call, struct http_header *out, char **echo)
{
    const struct gate_options *options = &call->gate->options;
    const struct slice origin = http_call_header(call->http, "origin");
    size_t count = 0;
    if (!options->origin_count)
        return 0;
    out[count++] = (struct http_header){"Vary", "Origin"};
    if (!is_allowed(options, origin))
        return count;
    *echo = is_any(options) ? NULL : slice_dup(origin);
    if (!*echo && !is_any(options))
        return count;
    out[count++] = (struct http_header){"Access-Control-Allow-Origin", *echo ? *echo : "*"};
    out[count++] = (struct http_header){"Access-Control-Expose-Headers", "Retry-After"};
    return count;
}
