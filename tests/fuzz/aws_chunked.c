/* The aws-chunked encoding: in pieces, it decodes to the same as in one piece. */
#include "aws_chunked.h"

#include "error.h"
#include "fuzz.h"

struct decoded {
    int code;
    bool complete;
    struct buffer data;
    char checksum_text[64];
};

static int feed(struct aws_chunked *decoder, struct slice in, struct buffer *out)
{
    int code;
    struct slice data;
    const char *end = in.data + in.size;
    while ((code = aws_chunked_next(decoder, &in, &data)) == 1) {
        require(data.size && data.data + data.size <= end);
        require(!buffer_append(out, data.data, data.size));
    }
    require(code < 0 || !in.size);
    return code;
}

static void decode(struct slice in, size_t piece, bool is_signed, struct decoded *out)
{
    static const struct sigv4_scope scope = {"20150830T123600Z", "us-east-1", "s3"};
    struct chunk_signatures chain;
    struct aws_chunked decoder;
    chunk_signatures_start(&chain, "secret", &scope, "0123", true);
    aws_chunked_init(&decoder, is_signed ? &chain : NULL);
    *out = (struct decoded){0};
    buffer_init(&out->data, in.size + 1);
    while (!out->code && in.size) {
        size_t size = in.size < piece ? in.size : piece;
        out->code = feed(&decoder, (struct slice){in.data, size}, &out->data);
        in = (struct slice){in.data + size, in.size - size};
    }
    out->complete = aws_chunked_complete(&decoder);
    struct slice value = aws_chunked_trailer(&decoder, "x-amz-checksum-crc32");
    if (value.data)
        snprintf(out->checksum_text, sizeof out->checksum_text, "%.*s", (int)value.size,
                 value.data);
    aws_chunked_free(&decoder);
    chunk_signatures_end(&chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    unsigned choice = fuzz_choice(&in);
    size_t piece = choice % 32 + 1;
    bool is_signed = choice & 64;
    struct decoded whole, pieces;
    decode(in, SIZE_MAX, is_signed, &whole);
    decode(in, piece, is_signed, &pieces);
    require(whole.code == pieces.code);
    if (!whole.code)
        require(slice_equal(buffer_slice(&whole.data), buffer_slice(&pieces.data)) &&
                whole.complete == pieces.complete &&
                strcmp(whole.checksum_text, pieces.checksum_text) == 0);
    buffer_free(&whole.data);
    buffer_free(&pieces.data);
    return 0;
}
