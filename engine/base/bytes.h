/*
 * Memory with explicit ownership.
 *
 * struct slice    borrowed: a view of bytes that are owned elsewhere
 * struct bytes    owned: it has one owner at any time; bytes_take moves it, bytes_free frees it.
 *                 Its release function allows passing on another library's buffer without a copy.
 * struct buffer   growable, with a maximum size set at creation, so that no peer can make it grow
 *                 without bound
 *
 * Any thread, but one at a time.
 */
#ifndef THUMBWHEEL_BYTES_H
#define THUMBWHEEL_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *data; /* not NUL-terminated */
    size_t size;
};

#define SLICE_LITERAL(s) ((struct slice){(s), sizeof(s) - 1})

struct slice slice_of(const char *text); /* text may be NULL: an empty slice */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_text(struct slice a, const char *text);
bool slice_starts_with(struct slice s, const char *prefix);
bool slice_ends_with(struct slice s, const char *suffix);

/* A NUL-terminated copy for free(), or NULL when memory is short. */
char *slice_dup(struct slice s);

/* Copies as much as fits into `room` bytes, of which the last is the NUL. */
void slice_copy(struct slice s, char *out, size_t room);

struct bytes {
    void *data;
    size_t size;
    void (*release)(void *data); /* NULL: nothing to release */
};

/* Takes a malloc'd block. */
struct bytes bytes_give(void *data, size_t size);
/* Views memory that outlives the bytes (literals, maps): nothing is released. */
struct bytes bytes_borrow(const void *data, size_t size);
/* Moves: *from is empty afterwards. */
struct bytes bytes_take(struct bytes *from);
/* Releases the memory and empties *b; does nothing if it is empty. */
void bytes_free(struct bytes *b);

struct buffer {
    char *data;  /* NUL-terminated whenever it is not NULL */
    size_t size; /* without the NUL */
    size_t capacity;
    size_t max; /* size never grows beyond this */
    int error;  /* the first error: ERR_MEMORY or ERR_LIMIT; later appends do nothing */
};

void buffer_init(struct buffer *b, size_t max);
/* Each append returns b->error, so that a series of appends needs one check at its end. */
int buffer_append(struct buffer *b, const void *data, size_t size);
int buffer_text(struct buffer *b, const char *text);
int buffer_byte(struct buffer *b, char c);
int buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buffer_vformat(struct buffer *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Room for size more bytes without another allocation; the caller writes at data + size and adds to
 * size. */
int buffer_reserve(struct buffer *b, size_t size);
void buffer_clear(struct buffer *b); /* empties, keeps the memory and clears the error */
void buffer_free(struct buffer *b);
struct slice buffer_slice(const struct buffer *b);
/* Moves the content out and empties the buffer. Check b->error first. */
struct bytes buffer_take(struct buffer *b);
/* The content as a NUL-terminated string for free(), or NULL if an append failed; empties the
 * buffer. */
char *buffer_take_text(struct buffer *b);

#endif
