#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [-ERR_NONE] = "none",
    [-ERR_MEMORY] = "memory",
    [-ERR_INVALID] = "invalid",
    [-ERR_LIMIT] = "limit",
    [-ERR_TIMEOUT] = "timeout",
    [-ERR_NETWORK] = "network",
    [-ERR_THROTTLED] = "throttled",
    [-ERR_SERVER] = "server-error",
    [-ERR_DENIED] = "access-denied",
    [-ERR_EXPIRED] = "expired",
    [-ERR_NOT_FOUND] = "not-found",
    [-ERR_NO_CONTAINER] = "no-such-container",
    [-ERR_CONFLICT] = "conflict",
    [-ERR_PROTOCOL] = "protocol",
    [-ERR_CORRUPT] = "corrupt",
    [-ERR_UNSUPPORTED] = "unsupported",
    [-ERR_CANCELLED] = "cancelled",
    [-ERR_IO] = "io",
    [-ERR_BUSY] = "busy",
    [-ERR_LOOP] = "loop",
    [-ERR_DECODER_CRASHED] = "decoder-crashed",
    [-ERR_DECODER_TIMEOUT] = "decoder-timeout",
    [-ERR_DECODER_MEMORY] = "decoder-memory",
    [-ERR_CREDENTIALS] = "credentials",
    [-ERR_NAME_TOO_LONG] = "name-too-long",
    [-ERR_REFUSED] = "refused",
    [-ERR_RECEIPT] = "receipt-expired",
    [-ERR_UNACCEPTABLE] = "unacceptable",
    [-ERR_OVERLAY] = "overlay",
};

const char *error_name(int code)
{
    int count = sizeof names / sizeof names[0];
    return code <= 0 && code > -count ? names[-code] : "unknown";
}

/* The start of an incomplete UTF-8 character at the end of the text, or the end of the text. */
static size_t whole_characters(const char *text, size_t size)
{
    size_t start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return size;
    unsigned char lead = (unsigned char)text[--start];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return size - start < wanted ? start : size;
}

/* Makes a text safe for one log line: no control characters, no incomplete character at the end. */
static void text_clean(char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    }
    if (size + 1 == ERROR_TEXT_MAX)
        text[whole_characters(text, size)] = '\0';
}

int error_set(struct error *e, int code, const char *format, ...)
{
    if (!e)
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    e->code = code;
    text_clean(e->text);
    return code;
}

void error_prefix(struct error *e, const char *format, ...)
{
    if (!e)
        return;
    char prefix[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);

    char whole[2 * ERROR_TEXT_MAX + 2];
    snprintf(whole, sizeof whole, "%s: %s", prefix, e->text);
    memcpy(e->text, whole, sizeof e->text - 1);
    e->text[sizeof e->text - 1] = '\0';
    text_clean(e->text);
}
