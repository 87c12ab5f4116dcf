/* The head of a response: status line, framing, and the headers of the handler. */
#include <string.h>
#include <strings.h>

#include "http_write.h"

enum { NAME_LOG_MAX = 64 }; /* of a header's name in the log */

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return ""; /* may be empty (RFC 9112, 4) */
}

void head_put_status(struct http_write *w, int status)
{
    write_put_text(w, "HTTP/1.1 ");
    write_put_number(w, (unsigned)status); /* three digits, as its caller has checked */
    write_put_text(w, " ");
    write_put_text(w, reason_phrase(status));
    write_put_text(w, "\r\nDate: ");
    write_put_text(w, server_date(w->connection->server));
    write_put_text(w, "\r\nServer: Thumbwheel\r\n");
}

void head_put_framing(struct http_write *w, enum response_framing framing, int64_t length)
{
    if (length >= 0) {
        write_put_text(w, "Content-Length: ");
        write_put_number(w, (uint64_t)length);
        write_put_text(w, "\r\n");
    } else if (framing == FRAMING_CHUNKED) {
        write_put_text(w, "Transfer-Encoding: chunked\r\n");
    }
    if (!w->connection->keep_alive)
        write_put_text(w, "Connection: close\r\n");
}

/* Letters and the hyphen first: they are nearly all that names have. */
static bool is_token_byte(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26 || c == '-' || (c >= '0' && c <= '9') ||
           strchr("!#$%&'*+.^_`|~", c);
}

/* RFC 9110, 5.6.2 */
static bool name_is_token(struct slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!is_token_byte(name.data[i]))
            return false;
    return name.size;
}

static bool is_control(unsigned char c)
{
    return c < ' ' || c == 0x7f;
}

/* Eight bytes at once: the top bit of a byte is set if it is below 0x20 or equal to 0x7f. */
static bool has_control(const char *eight)
{
    const uint64_t ones = UINT64_MAX / 0xff, tops = ones * 0x80;
    uint64_t bytes;
    memcpy(&bytes, eight, sizeof bytes);
    uint64_t deletes = bytes ^ ones * 0x7f;
    return (((bytes - ones * ' ') & ~bytes) | ((deletes - ones) & ~deletes)) & tops;
}

/* RFC 9110, 5.5: no control characters except the tab, so that a value cannot end its line. */
static bool value_is_legal(struct slice value)
{
    size_t i = 0;
    while (i + sizeof(uint64_t) <= value.size && !has_control(value.data + i))
        i += sizeof(uint64_t);
    for (; i < value.size; i++)
        if (is_control((unsigned char)value.data[i]) && value.data[i] != '\t')
            return false;
    return true;
}

static bool name_is_ours(struct slice name)
{
    static const struct slice ours[] = {
        SLICE_LITERAL("connection"), SLICE_LITERAL("content-length"),    SLICE_LITERAL("date"),
        SLICE_LITERAL("server"),     SLICE_LITERAL("transfer-encoding"),
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (name.size == ours[i].size && strncasecmp(name.data, ours[i].data, name.size) == 0)
            return true;
    return false;
}

static bool header_sendable(struct http_server *server, struct slice name, struct slice value)
{
    bool safe = name_is_token(name) && value_is_legal(value);
    if (safe && !name_is_ours(name))
        return true;
    if (!log_gate_open(&server->header_gate, uv_now(server->loop), HTTP_LOG_EVERY_MS))
        return false;
    char shown[NAME_LOG_MAX];
    slice_copy(name, shown, sizeof shown);
    log_warn("response header dropped", LOG_TEXT("header", shown),
             LOG_TEXT("reason", safe ? "the server sets it" : "not a legal name or value"),
             LOG_SUPPRESSED(&server->header_gate));
    return false;
}

size_t head_headers_size(const struct http_header *headers, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += strlen(headers[i].name) + strlen(headers[i].value) + 4;
    return size;
}

void head_put_headers(struct http_write *w, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_of(headers[i].name), value = slice_of(headers[i].value);
        if (!header_sendable(w->connection->server, name, value))
            continue;
        write_put(w, name.data, name.size);
        write_put_text(w, ": ");
        write_put(w, value.data, value.size);
        write_put_text(w, "\r\n");
    }
    write_put_text(w, "\r\n");
}
