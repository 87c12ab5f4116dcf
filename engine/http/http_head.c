/*
 * Parses a request head into a call.
 *
 * The end of a head is searched line by line as bytes arrive. The head is then checked and parsed
 * in one piece, so that every name and value is a view of one copy that the call owns. llhttp is
 * compiled in strict mode. The checks here reject what it still accepts or RFC 9112 leaves to the
 * server: a request that two parsers could read differently gets a 400.
 */
#include "http_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spare_blocks.h"

enum { EXTENSION_PIECE = 256 };

enum head_progress head_scan(struct head_scan *scan, struct slice in, size_t *used)
{
    size_t at = 0;
    scan->started = true;
    while (at < in.size) {
        const char *start = in.data + at;
        const char *feed = memchr(start, '\n', in.size - at);
        size_t size = feed ? (size_t)(feed - start) : in.size - at;
        if (size)
            scan->last = start[size - 1];
        scan->line += size;
        if (!feed)
            break;
        if (scan->last != '\r')
            return HEAD_BAD;
        bool empty = scan->line == 1;
        scan->line = 0;
        scan->last = 0;
        at += size + 1;
        *used = at;
        if (empty && scan->lines)
            return HEAD_DONE;
        scan->lines += !empty; /* empty lines before a request are skipped (RFC 9112, 2.2) */
    }
    *used = in.size;
    return HEAD_MORE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A name without white space around it: a line that begins with white space continues the previous
 * one (RFC 9112, 5.2). */
static bool check_field(struct slice line)
{
    const char *colon = memchr(line.data, ':', line.size);
    return colon && colon > line.data && !is_blank(*line.data) && !is_blank(colon[-1]);
}

/* The head begins with the request line and ends with an empty line; every line ends with CRLF. */
static bool check_lines(struct slice head)
{
    const char *end = head.data + head.size - 2;
    if (memchr(head.data, '\0', head.size))
        return false;
    for (const char *line = head.data; line < end;) {
        const char *stop = memchr(line, '\r', (size_t)(end + 1 - line));
        if (!stop || stop[1] != '\n')
            return false;
        if (line > head.data && !check_field((struct slice){line, (size_t)(stop - line)}))
            return false;
        line = stop + 2;
    }
    return true;
}

static struct slice skip_blank_lines(struct slice head)
{
    while (head.size && (*head.data == '\r' || *head.data == '\n')) {
        head.data++;
        head.size--;
    }
    return head;
}

static struct slice trim(struct slice s)
{
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

static int on_url(llhttp_t *parser, const char *at, size_t size)
{
    struct http_connection *c = parser->data;
    c->call->target = (struct slice){at, size};
    return 0;
}

/* Trailers also arrive here, after the head; they are dropped. */
static int on_field(llhttp_t *parser, const char *at, size_t size)
{
    struct http_connection *c = parser->data;
    if (c->head_done)
        return 0;
    if (c->call->field_count >= c->scan.lines) /* there is room for one header per line */
        return HPE_USER;
    c->call->fields[c->call->field_count++] = (struct http_field){{at, size}, SLICE_LITERAL("")};
    c->call->names |= name_bit(at, size);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t size)
{
    struct http_connection *c = parser->data;
    if (!c->head_done && c->call->field_count)
        c->call->fields[c->call->field_count - 1].value = trim((struct slice){at, size});
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_connection *c = parser->data;
    parser->upgrade = 0; /* an offered upgrade is ignored */
    c->head_done = true;
    c->keep_alive = parser->http_minor == 1 && llhttp_should_keep_alive(parser);
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct http_connection *c = parser->data;
    if (!size) /* a check for the end in the middle of a body */
        return 0;
    c->piece = (struct slice){at, size};
    return HPE_PAUSED; /* the handler is called outside of the parser */
}

static int on_extension_name(llhttp_t *parser)
{
    struct http_connection *c = parser->data;
    c->extension = EXTENSION_VALUE;
    return HPE_PAUSED; /* extension_parse follows */
}

static int on_complete(llhttp_t *parser)
{
    struct http_connection *c = parser->data;
    c->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name_complete = on_extension_name,
    .on_message_complete = on_complete,
};

static int run_parser(struct http_connection *c, struct slice head)
{
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    c->extension = EXTENSION_NONE;
    enum llhttp_errno result = llhttp_execute(&c->parser, head.data, head.size);
    if (result == HPE_PAUSED)
        llhttp_resume(&c->parser);
    else if (result == HPE_INVALID_METHOD)
        return 501;
    else if (result == HPE_INVALID_VERSION)
        return 505;
    else if (result != HPE_OK)
        return 400;
    return c->head_done ? 0 : 400;
}

static bool is(struct slice s, const char *lower)
{
    size_t size = strlen(lower);
    return s.size == size && strncasecmp(s.data, lower, size) == 0;
}

struct framing_facts {
    unsigned hosts, lengths, codings, expectations;
    struct slice length, coding, expectation;
};

static void note_field(struct framing_facts *facts, const struct http_field *field)
{
    if (is(field->name, "host")) {
        facts->hosts++;
    } else if (is(field->name, "content-length")) {
        facts->lengths++;
        facts->length = field->value;
    } else if (is(field->name, "transfer-encoding")) {
        facts->codings++;
        facts->coding = field->value;
    } else if (is(field->name, "expect")) {
        facts->expectations++;
        facts->expectation = field->value;
    }
}

static int read_length(struct slice text, int64_t *out)
{
    int64_t value = 0;
    if (!text.size)
        return 400;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 400;
        if (value > (INT64_MAX - 9) / 10)
            return 413;
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return 0;
}

static int judge_framing(struct http_call *call, const struct framing_facts *facts)
{
    if (facts->hosts > 1 || (call->version_minor == 1 && facts->hosts == 0))
        return 400;
    if (facts->lengths > 1 || facts->codings > 1 || (facts->lengths && facts->codings))
        return 400;
    if (facts->lengths)
        return read_length(facts->length, &call->content_length);
    if (!facts->codings)
        return 0;
    call->content_length = -1;
    if (call->version_minor == 0)
        return 400;
    return is(facts->coding, "chunked") ? 0 : 501;
}

static int judge_expectation(struct http_call *call, const struct framing_facts *facts)
{
    if (!facts->expectations || call->version_minor == 0)
        return 0;
    if (facts->expectations > 1 || !is(facts->expectation, "100-continue"))
        return 417;
    call->expects_continue = true;
    return 0;
}

static int judge(struct http_connection *c, struct http_call *call)
{
    struct framing_facts facts = {0};
    if (c->parser.http_major != 1 || c->parser.http_minor > 1)
        return 505;
    call->version_minor = c->parser.http_minor;
    if (c->parser.method == HTTP_CONNECT)
        return 501;
    for (size_t i = 0; i < call->field_count; i++)
        note_field(&facts, &call->fields[i]);
    int status = judge_framing(call, &facts);
    if (status)
        return status;
    status = judge_expectation(call, &facts);
    if (status)
        return status;
    if (call->content_length > 0 && (uint64_t)call->content_length > c->server->options.body_max)
        return 413;
    return 0;
}

/* A target in absolute form is valid (RFC 9112, 3.2.2): its path begins after the authority. */
static void split_target(struct http_call *call)
{
    struct slice rest = call->target;
    const char *authority = NULL;
    if (rest.size && *rest.data != '/')
        authority = memmem(rest.data, rest.size, "://", 3);
    if (authority) {
        authority += 3;
        size_t size = (size_t)(rest.data + rest.size - authority);
        const char *slash = memchr(authority, '/', size);
        rest = slash ? (struct slice){slash, (size_t)(rest.data + rest.size - slash)}
                     : SLICE_LITERAL("/");
    }
    const char *mark = rest.size ? memchr(rest.data, '?', rest.size) : NULL;
    call->path = rest;
    call->query = SLICE_LITERAL("");
    if (mark) {
        call->path.size = (size_t)(mark - rest.data);
        call->query = (struct slice){mark + 1, rest.size - call->path.size - 1};
    }
}

static struct http_call *call_create(struct http_connection *c, struct slice head, char **text)
{
    size_t fields = c->scan.lines * sizeof(struct http_field);
    struct http_call *call = block_new(sizeof *call + fields + head.size);
    if (!call)
        return NULL;
    *call = (struct http_call){.connection = c};
    *text = (char *)call + sizeof *call + fields;
    memcpy(*text, head.data, head.size);
    return call;
}

static void set_method(struct http_call *call, struct slice head)
{
    const char *space = memchr(head.data, ' ', head.size);
    call->method = (struct slice){head.data, space ? (size_t)(space - head.data) : 0};
}

int head_parse(struct http_connection *connection, struct slice head)
{
    char *text;
    head = skip_blank_lines(head);
    struct http_call *call = call_create(connection, head, &text);
    if (!call)
        return 503;
    head.data = text;
    connection->call = call;
    int status = check_lines(head) ? run_parser(connection, head) : 400;
    if (!status)
        status = judge(connection, call);
    if (status) {
        connection->call = NULL;
        block_free(call);
        return status;
    }
    set_method(call, head);
    split_target(call);
    return 0;
}

/* llhttp reports the end of a body of known length one step after its last byte, without more
 * input. */
static void look_for_end(struct http_connection *c, const char *at)
{
    if (llhttp_execute(&c->parser, at, 0) == HPE_PAUSED)
        llhttp_resume(&c->parser);
}

/* Takes one byte behind the name of a chunk extension; false: it is not part of the extensions, or it
 * is not allowed. */
static bool extension_take(struct http_connection *c, char byte)
{
    bool is_text = (unsigned char)byte >= 0x20 ? byte != 0x7f : byte == '\t';
    if (!is_text)
        return false;
    if (c->extension == EXTENSION_ESCAPED)
        c->extension = EXTENSION_QUOTED;
    else if (c->extension == EXTENSION_QUOTED && byte == '\\')
        c->extension = EXTENSION_ESCAPED;
    else if (byte == '"')
        c->extension = c->extension == EXTENSION_QUOTED ? EXTENSION_VALUE : EXTENSION_QUOTED;
    return true;
}

/* llhttp 8.1 refuses a backslash in a quoted value, other than ASCII there, and an extension behind one
 * with a value, all of which RFC 9112, 7.1.1 allows. Nobody reads the extensions, so it gets other
 * bytes in their place up to the end of the line. Returns how many, or -1. */
static ssize_t extension_parse(struct http_connection *c, struct slice in)
{
    char text[EXTENSION_PIECE];
    size_t size = 0;
    while (size < in.size && size < sizeof text && extension_take(c, in.data[size]))
        size++;
    memset(text, '_', size);
    bool ended = size < in.size && size < sizeof text;
    if (ended && c->extension != EXTENSION_VALUE)
        return -1; /* the line ends in a quoted value */
    if (ended)
        c->extension = EXTENSION_NONE;
    return llhttp_execute(&c->parser, text, size) == HPE_OK ? (ssize_t)size : -1;
}

static ssize_t parse_step(struct http_connection *connection, struct slice in)
{
    connection->piece = (struct slice){0};
    if (in.size && connection->extension != EXTENSION_NONE) {
        ssize_t size = extension_parse(connection, in);
        if (size)
            return size;
    }
    enum llhttp_errno result = llhttp_execute(&connection->parser, in.data, in.size);
    if (result == HPE_OK)
        return (ssize_t)in.size;
    if (result != HPE_PAUSED)
        return -1;
    const char *stop = llhttp_get_error_pos(&connection->parser);
    llhttp_resume(&connection->parser);
    if (!connection->complete && connection->extension == EXTENSION_NONE)
        look_for_end(connection, stop);
    return stop - in.data;
}

/* llhttp pauses behind the name of a chunk extension, before the byte that ends it: a second step takes
 * that byte. */
ssize_t head_parse_body(struct http_connection *connection, struct slice in)
{
    ssize_t used = parse_step(connection, in);
    return used || !in.size || connection->complete ? used : parse_step(connection, in);
}
