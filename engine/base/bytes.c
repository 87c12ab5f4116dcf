#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "spare_blocks.h"

struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool slice_equal_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

bool slice_starts_with(struct slice s, const char *prefix)
{
    size_t size = strlen(prefix);
    return s.size >= size && (size == 0 || memcmp(s.data, prefix, size) == 0);
}

bool slice_ends_with(struct slice s, const char *suffix)
{
    size_t size = strlen(suffix);
    return s.size >= size && (size == 0 || memcmp(s.data + s.size - size, suffix, size) == 0);
}

char *slice_dup(struct slice s)
{
    char *text = block_new(s.size + 1);
    if (!text)
        return NULL;
    if (s.size)
        memcpy(text, s.data, s.size);
    text[s.size] = '\0';
    return text;
}

void slice_copy(struct slice s, char *out, size_t room)
{
    size_t size = s.size < room ? s.size : room - 1;
    if (size)
        memcpy(out, s.data, size);
    out[size] = '\0';
}

struct bytes bytes_give(void *data, size_t size)
{
    return (struct bytes){data, size, block_free};
}

struct bytes bytes_borrow(const void *data, size_t size)
{
    /* The cast drops const only to fit the owner's type; borrowed bytes are never written or
     * released. */
    return (struct bytes){(void *)(uintptr_t)data, size, NULL};
}

struct bytes bytes_take(struct bytes *from)
{
    struct bytes taken = *from;
    *from = (struct bytes){0};
    return taken;
}

void bytes_free(struct bytes *b)
{
    if (b->release)
        b->release(b->data);
    *b = (struct bytes){0};
}

void buffer_init(struct buffer *b, size_t max)
{
    *b = (struct buffer){.max = max};
}

int buffer_reserve(struct buffer *b, size_t size)
{
    if (b->error)
        return b->error;
    if (size > b->max || b->size > b->max - size || size == SIZE_MAX - b->size)
        return b->error = ERR_LIMIT;
    size_t wanted = b->size + size + 1;
    if (wanted <= b->capacity)
        return 0;
    size_t capacity = b->capacity + b->capacity / 2 + 64;
    if (capacity < wanted) /* exact size: the caller knows how much it needs */
        capacity = wanted;
    char *data = block_grow(b->data, b->size, capacity);
    if (!data)
        return b->error = ERR_MEMORY;
    b->data = data;
    b->capacity = capacity;
    b->data[b->size] = '\0';
    return 0;
}

int buffer_append(struct buffer *b, const void *data, size_t size)
{
    if (buffer_reserve(b, size))
        return b->error;
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = '\0';
    return 0;
}

int buffer_text(struct buffer *b, const char *text)
{
    return buffer_append(b, text, strlen(text));
}

int buffer_byte(struct buffer *b, char c)
{
    if (b->error || b->capacity - b->size < 2 || b->size == b->max)
        return buffer_append(b, &c, 1);
    b->data[b->size++] = c;
    b->data[b->size] = '\0';
    return 0;
}

int buffer_vformat(struct buffer *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size >= 0 && !buffer_reserve(b, (size_t)size)) {
        vsnprintf(b->data + b->size, (size_t)size + 1, format, again);
        b->size += (size_t)size;
    }
    va_end(again);
    return b->error;
}

int buffer_format(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buffer_vformat(b, format, args);
    va_end(args);
    return b->error;
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->error = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buffer_free(struct buffer *b)
{
    block_free(b->data);
    *b = (struct buffer){.max = b->max};
}

struct slice buffer_slice(const struct buffer *b)
{
    return (struct slice){b->data, b->size};
}

struct bytes buffer_take(struct buffer *b)
{
    struct bytes taken = bytes_give(b->data, b->size);
    *b = (struct buffer){.max = b->max};
    return taken;
}

char *buffer_take_text(struct buffer *b)
{
    if (buffer_reserve(b, 0)) {
        buffer_free(b);
        return NULL;
    }
    return buffer_take(b).data;
}
