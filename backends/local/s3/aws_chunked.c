#include "aws_chunked.h"

#include <string.h>
#include <strings.h>

#include "error.h"
#include "hex.h"

enum { SIZE_DIGITS_MAX = 15 };

void aws_chunked_init(struct aws_chunked *decoder, struct chunk_signatures *signatures)
{
    *decoder = (struct aws_chunked){.state = AWS_CHUNKED_SIZE, .signatures = signatures};
    buffer_init(&decoder->line, AWS_CHUNKED_LINE_MAX);
    buffer_init(&decoder->trailers, AWS_CHUNKED_TRAILERS_MAX);
    buffer_init(&decoder->trailer_signature, AWS_CHUNKED_LINE_MAX);
}

void aws_chunked_free(struct aws_chunked *decoder)
{
    buffer_free(&decoder->line);
    buffer_free(&decoder->trailers);
    buffer_free(&decoder->trailer_signature);
}

static void advance(struct slice *in, size_t size)
{
    in->data += size;
    in->size -= size;
}

/* Moves input up to and including a line feed to decoder->line. 1: the line is complete (without
 * its line break).
 */
static int take_line(struct aws_chunked *decoder, struct slice *in)
{
    const char *end = memchr(in->data, '\n', in->size);
    size_t size = end ? (size_t)(end - in->data) : in->size;
    int code = buffer_append(&decoder->line, in->data, size);
    advance(in, end ? size + 1 : size);
    if (code || !end)
        return code;
    if (!decoder->line.size || decoder->line.data[decoder->line.size - 1] != '\r')
        return ERR_PROTOCOL;
    decoder->line.data[--decoder->line.size] = '\0';
    return 1;
}

/* A chunk's signature follows its size; the last chunk has no data. */
static int begin_signed(struct aws_chunked *decoder, struct slice extension)
{
    static const char name[] = ";chunk-signature=";
    size_t size = sizeof name - 1;
    if (!decoder->signatures)
        return 0;
    if (!slice_starts_with(extension, name))
        return ERR_DENIED;
    extension = (struct slice){extension.data + size, extension.size - size};
    int code = chunk_signatures_begin(decoder->signatures, extension);
    return code || decoder->left ? code : chunk_signatures_check(decoder->signatures);
}

static int parse_size(struct aws_chunked *decoder)
{
    struct slice line = buffer_slice(&decoder->line);
    size_t digits = 0;
    decoder->left = 0;
    while (digits < line.size && hex_value(line.data[digits]) >= 0 && digits < SIZE_DIGITS_MAX)
        decoder->left = decoder->left * 16 + (uint64_t)hex_value(line.data[digits++]);
    if (!digits || (digits < line.size && line.data[digits] != ';'))
        return ERR_PROTOCOL;
    decoder->state = decoder->left ? AWS_CHUNKED_DATA : AWS_CHUNKED_TRAILER;
    return begin_signed(decoder, (struct slice){line.data + digits, line.size - digits});
}

static int end_trailers(struct aws_chunked *decoder)
{
    decoder->state = AWS_CHUNKED_DONE;
    if (!decoder->signatures || !decoder->signatures->trailer)
        return 0;
    return chunk_signatures_check_trailer(decoder->signatures, buffer_slice(&decoder->trailers),
                                          buffer_slice(&decoder->trailer_signature));
}

static int parse_trailer(struct aws_chunked *decoder)
{
    static const char signature[] = "x-amz-trailer-signature:";
    struct slice line = buffer_slice(&decoder->line);
    if (!line.size)
        return end_trailers(decoder);
    if (slice_starts_with(line, signature))
        return buffer_text(&decoder->trailer_signature, line.data + sizeof signature - 1);
    if (!memchr(line.data, ':', line.size))
        return ERR_PROTOCOL;
    buffer_append(&decoder->trailers, line.data, line.size);
    return buffer_byte(&decoder->trailers, '\n');
}

static int end_of_line(struct aws_chunked *decoder)
{
    int code = 0;
    if (decoder->state == AWS_CHUNKED_SIZE)
        code = parse_size(decoder);
    else if (decoder->state == AWS_CHUNKED_TRAILER)
        code = parse_trailer(decoder);
    else if (decoder->line.size)
        code = ERR_PROTOCOL; /* more data than the chunk's size */
    else
        decoder->state = AWS_CHUNKED_SIZE;
    buffer_clear(&decoder->line);
    return code;
}

/* Returns 1 or an error. */
static int take_data(struct aws_chunked *decoder, struct slice *in, struct slice *data)
{
    size_t size = decoder->left < in->size ? (size_t)decoder->left : in->size;
    *data = (struct slice){in->data, size};
    advance(in, size);
    decoder->left -= size;
    if (decoder->signatures)
        chunk_signatures_update(decoder->signatures, data->data, data->size);
    if (decoder->left)
        return 1;
    decoder->state = AWS_CHUNKED_DATA_END;
    int code = decoder->signatures ? chunk_signatures_check(decoder->signatures) : 0;
    return code ? code : 1;
}

int aws_chunked_next(struct aws_chunked *decoder, struct slice *in, struct slice *data)
{
    while (in->size) {
        if (decoder->state == AWS_CHUNKED_DATA)
            return take_data(decoder, in, data);
        if (decoder->state == AWS_CHUNKED_DONE) { /* S3 ignores what follows */
            advance(in, in->size);
            return 0;
        }
        int code = take_line(decoder, in);
        if (code == 1)
            code = end_of_line(decoder);
        if (code < 0)
            return code;
    }
    return 0;
}

/* Some clients omit the last empty line, which ends signed trailers. */
bool aws_chunked_complete(const struct aws_chunked *decoder)
{
    bool trailer_signed = decoder->signatures && decoder->signatures->trailer;
    return decoder->state == AWS_CHUNKED_DONE ||
           (decoder->state == AWS_CHUNKED_TRAILER && !decoder->line.size && !trailer_signed);
}

struct slice aws_chunked_trailer(const struct aws_chunked *decoder, const char *name)
{
    size_t size = strlen(name);
    struct slice found = {0};
    const char *line = decoder->trailers.data;
    for (const char *end; line && (end = strchr(line, '\n')); line = end + 1) {
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            continue;
        const char *value = line + size + 1;
        while (value < end && *value == ' ')
            value++;
        found = (struct slice){value, (size_t)(end - value)};
    }
    return found;
}

bool aws_chunked_has_other_trailers(const struct aws_chunked *decoder, const char *name)
{
    size_t size = strlen(name);
    const char *line = decoder->trailers.data;
    for (const char *end; line && (end = strchr(line, '\n')); line = end + 1) {
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            return true;
    }
    return false;
}
