#include "otlp_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"
#include "secret.h"

/* ---- URL ---- */

/* The part behind "http://" or "https://"; NULL: another scheme. */
static const char *after_scheme(const char *url)
{
    if (slice_starts_with(slice_of(url), "http://"))
        return url + strlen("http://");
    return slice_starts_with(slice_of(url), "https://") ? url + strlen("https://") : NULL;
}

static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text >= 0x7f || strchr("@?#\\\"<>", *text))
            return false;
    }
    return true;
}

static int url_read(const char *url, struct otlp_target *out, struct error *error)
{
    const char *rest = after_scheme(url);
    size_t size = strlen(url);
    if (!rest || !*rest || *rest == '/' || *rest == ':' || size > OTLP_URL_MAX || !is_plain(rest))
        return error_set(error, ERR_INVALID,
                         "--otlp: \"%.100s\" is not the URL of a collector; expected for example "
                         "http://127.0.0.1:4318",
                         after_scheme(url) && strchr(url, '@') ? "…" : url);
    while (url[size - 1] == '/')
        size--;
    if (asprintf(&out->url, "%.*s/v1/traces", (int)size, url) < 0) {
        out->url = NULL;
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    return 0;
}

/* ---- headers ---- */

/* A token (RFC 9110). */
static bool is_name(const char *text)
{
    return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789!#$%&'*+-.^_`|~")];
}

/* Decodes %XX in place; false: it is not a header's value then. */
static bool value_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int c = *from == '%' ? hex_byte(from + 1) : (unsigned char)*from;
        if (c < ' ' || c >= 0x7f)
            return false;
        from += *from == '%' ? 2 : 0;
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size && strchr(" \t", text[size - 1]))
        text[--size] = '\0';
    return text;
}

static bool header_read(char *member, struct otlp_target *out)
{
    char *equals = strchr(member, '=');
    if (!equals || out->header_count > OTLP_HEADERS_MAX)
        return false;
    *equals = '\0';
    char *name = trim(member), *value = trim(equals + 1);
    out->headers[out->header_count++] = (struct http_header){name, value};
    return is_name(name) && value_decode(value);
}

static int headers_read(const char *headers, struct otlp_target *out, struct error *error)
{
    char *rest = NULL;
    bool is_valid = strnlen(headers, OTLP_HEADERS_SIZE_MAX + 1) <= OTLP_HEADERS_SIZE_MAX;
    out->texts = is_valid ? strdup(headers) : NULL;
    if (is_valid && !out->texts)
        return error_set(error, ERR_MEMORY, "out of memory");
    for (char *member = is_valid ? strtok_r(out->texts, ",", &rest) : NULL; member && is_valid;
         member = strtok_r(NULL, ",", &rest))
        is_valid = header_read(member, out);
    return is_valid ? 0
                    : error_set(error, ERR_INVALID,
                                "OTEL_EXPORTER_OTLP_HEADERS is not a list of at most %d headers; "
                                "expected name=value,name=value with percent-encoded values",
                                OTLP_HEADERS_MAX);
}

int otlp_target_read(const char *url, const char *headers, struct otlp_target *out,
                     struct error *error)
{
    *out =
        (struct otlp_target){.headers = {{"content-type", "application/json"}}, .header_count = 1};
    int code = url_read(url, out, error);
    if (!code && headers)
        code = headers_read(headers, out, error);
    if (code)
        otlp_target_free(out);
    return code;
}

void otlp_target_free(struct otlp_target *target)
{
    free(target->url);
    if (target->texts)
        secret_wipe(target->texts, strlen(target->texts));
    free(target->texts);
    *target = (struct otlp_target){0};
}
