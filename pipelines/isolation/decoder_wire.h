/*
 * The protocol between a worker thread and its decoder process.
 *
 * Small structs of fixed size are sent on a socket pair (SOCK_SEQPACKET); the data is in two memfds
 * that both ends keep open. Both ends are the same executable, so the layout of structs and the
 * byte order are the same.
 *
 *   parent → child   decoder_hello, once; then a decoder_command for each render. The input memfd
 *                    then has the image, followed by the request (decoder_request.c).
 *   child → parent   decoder_threads.c's message, once, with the sender's PID from the kernel;
 *                    decoder_welcome, once; then a decoder_response to each command. The output
 *                    memfd then has the reply (decoder_reply.c), followed by the renditions' bytes.
 *
 * After reading an image's header, the child sends a decoder_response with the memory that it
 * needs, and waits for the parent's decoder_verdict before decoding.
 *
 * A malicious image may have taken over the child, so the parent validates everything that it
 * sends.
 */
#ifndef THUMBWHEEL_DECODER_WIRE_H
#define THUMBWHEEL_DECODER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

/* The child's descriptors. */
enum { DECODER_SOCKET = 3, DECODER_INPUT, DECODER_OUTPUT, DECODER_DESCRIPTORS };

enum {
    DECODER_ITEMS_MAX = 64, /* of one render */
    DECODER_AUDIENCE_MAX = 192,
    /* Pipelines that a child caches: at least as many as a render may use. */
    DECODER_SLOTS = DECODER_ITEMS_MAX + DECODER_AUDIENCE_MAX,
    DECODER_REQUEST_MAX = 64 * 1024 * 1024, /* with the pictures of overlays */
    DECODER_META_MAX = 8 * 1024 * 1024,     /* a reply, without the images */
};

/* How a child terminates itself. Anything else is a crash. These two signals do not terminate the
 * first process of a PID namespace, so it must exit itself in all cases. */
enum {
    DECODER_EXIT_MEMORY = 71,
    DECODER_EXIT_ABORTED = 72, /* SIGABRT */
    DECODER_EXIT_TIME = 73,    /* SIGXCPU */
};

struct decoder_hello {
    uint64_t memory;  /* bytes that the child may allocate and write */
    unsigned modules; /* of libvips, to load before it is confined: a set of image_format.h */
};

struct decoder_welcome {
    int code; /* 0: ready */
    char text[ERROR_TEXT_MAX];
};

struct decoder_command {
    uint64_t sequence;
    uint64_t image_size;
    uint64_t request_size;
};

struct decoder_response {
    uint64_t sequence; /* the command's */
    uint64_t reply_size;
    uint64_t promise; /* bytes; not 0: this is a request for memory, not the final response */
};

struct decoder_verdict {
    uint64_t sequence; /* the command's */
    int code;          /* 0: continue */
};

/* A cursor over a message. It keeps the first error: all later reads return 0 or empty values, so
 * one check at the end is enough before the values are used. */
struct wire_reader {
    struct slice left;
    bool broken;
};

/* Appends an integer, a floating-point number or any other plain value in its memory
 * representation. */
#define WIRE_PUT(buffer, value)  buffer_append(buffer, &(value), sizeof(value))
#define WIRE_TAKE(reader, value) wire_take(reader, &(value), sizeof(value))

void wire_put_slice(struct buffer *out, struct slice text);
void wire_put_text(struct buffer *out, const char *text); /* NULL and "" differ */

void wire_take(struct wire_reader *r, void *out, size_t size);
uint32_t wire_take_u32(struct wire_reader *r, uint32_t most); /* more: broken */
/* A view into the message; .data is NULL if NULL was written. */
struct slice wire_take_slice(struct wire_reader *r, size_t most);

#endif
