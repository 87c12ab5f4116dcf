/*
 * The aws-chunked body encoding ("Signature Calculations for the Authorization Header: Transferring
 * Payload in Multiple Chunks" and "Including trailing headers", S3 API Reference), as a push
 * decoder, which ignores what follows the end:
 *
 *     <hex size>[;chunk-signature=<hex>] CRLF <data> CRLF … 0[;…] CRLF [trailer: value CRLF]… CRLF
 *
 * Any thread, but only one at a time.
 */
#ifndef THUMBWHEEL_LOCAL_AWS_CHUNKED_H
#define THUMBWHEEL_LOCAL_AWS_CHUNKED_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "chunk_signatures.h"

enum { AWS_CHUNKED_TRAILERS_MAX = 4096, AWS_CHUNKED_LINE_MAX = 1024 };

enum aws_chunked_state {
    AWS_CHUNKED_SIZE,
    AWS_CHUNKED_DATA,
    AWS_CHUNKED_DATA_END,
    AWS_CHUNKED_TRAILER,
    AWS_CHUNKED_DONE,
};

struct aws_chunked {
    enum aws_chunked_state state;
    uint64_t left;                       /* of the chunk */
    struct buffer line;                  /* pending */
    struct buffer trailers;              /* "name:value\n" each */
    struct buffer trailer_signature;     /* hex */
    struct chunk_signatures *signatures; /* borrowed; NULL: the chunks are not signed */
};

/* signatures (NULL: none) are verified as the chunks arrive, and must outlive the decoder. */
void aws_chunked_init(struct aws_chunked *decoder, struct chunk_signatures *signatures);
void aws_chunked_free(struct aws_chunked *decoder);

/* Consumes input from *in. 1: *data is a piece of content (a view into in); 0: all of *in is
 * consumed; ERR_PROTOCOL, ERR_LIMIT, ERR_DENIED (a signature), ERR_MEMORY. */
int aws_chunked_next(struct aws_chunked *decoder, struct slice *in, struct slice *data);
/* The last chunk and the trailers are complete. */
bool aws_chunked_complete(const struct aws_chunked *decoder);
/* A trailer's value by its lower-case name, the last one of several; data NULL if absent. */
struct slice aws_chunked_trailer(const struct aws_chunked *decoder, const char *name);
bool aws_chunked_has_other_trailers(const struct aws_chunked *decoder, const char *name);

#endif
