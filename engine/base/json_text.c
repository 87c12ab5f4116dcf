/*
 * yajl calls back with each value of the text. The tree grows from its root: each container is
 * added to its parent before its own members are read.
 *
 * Memory: everything that yajl may allocate is bounded by the text's size and the depth, and comes
 * from one block that is allocated beforehand (yajl_memory.h). The tree is allocated by jansson,
 * which checks each allocation.
 *
 * This file rejects what yajl accepts although JSON does not allow it: invalid UTF-8 (yajl's check
 * accepts overlong forms and surrogates), unpaired surrogates (yajl replaces them by '?'), and
 * vertical tabs and form feeds between values.
 */
#include "json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "hex.h"
#include "utf8.h"
#include "yajl_memory.h"

enum {
    DEPTH_MAX = 512,
    NUMBER_MAX = 512, /* characters */
    /* A parser, and its stack of states, which grows by 128 bytes at a time: each growth is a new
     * block. The buffer of a string with escapes doubles, so its blocks take at most four times the
     * longest string together. */
    PARSER_SIZE = 16 * 1024,
    STRING_COPIES = 4,
    USUAL_TEXT = 2 * 1024,
};

struct json_reader {
    struct yajl_memory memory;
    yajl_handle parser;
    size_t flags;
    json_t *root;
    json_t *open[DEPTH_MAX]; /* the open containers, from the root; borrowed from the tree */
    size_t depth;
    struct buffer key; /* name of the next value in an object */
    bool short_of_memory;
    char problem[JSON_ERROR_TEXT_LENGTH];
};

/* Building the tree. Each callback returns 1 to continue or 0 to stop, as yajl requires. */

static int stop(struct json_reader *reader, const char *problem)
{
    snprintf(reader->problem, sizeof reader->problem, "%s", problem);
    return 0;
}

static int stop_short(struct json_reader *reader)
{
    reader->short_of_memory = true;
    return 0;
}

/* Takes ownership of the value. NULL: it could not be allocated. */
static int place(struct json_reader *reader, json_t *value)
{
    json_t *parent = reader->depth ? reader->open[reader->depth - 1] : NULL;
    int failed = 0;
    if (!value)
        return stop_short(reader);
    if (!parent)
        reader->root = value;
    else if (json_is_array(parent))
        failed = json_array_append_new(parent, value);
    else
        failed = json_object_setn_new_nocheck(parent, reader->key.data, reader->key.size, value);
    return failed ? stop_short(reader) : 1;
}

static int place_scalar(struct json_reader *reader, json_t *value)
{
    if (reader->depth || reader->flags & JSON_DECODE_ANY)
        return place(reader, value);
    json_decref(value);
    return stop(reader, "'[' or '{' expected");
}

static int open_container(struct json_reader *reader, json_t *container)
{
    if (reader->depth == DEPTH_MAX) {
        json_decref(container);
        return stop(reader, "maximum parsing depth reached");
    }
    int go_on = place(reader, container);
    if (go_on)
        reader->open[reader->depth++] = container;
    return go_on;
}

static int on_null(void *user)
{
    return place_scalar(user, json_null());
}

static int on_boolean(void *user, int value)
{
    return place_scalar(user, json_boolean(value));
}

static int on_integer(struct json_reader *reader, const char *text)
{
    errno = 0;
    json_int_t value = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return stop(reader, value < 0 ? "too big negative integer" : "too big integer");
    return place_scalar(reader, json_integer(value));
}

static int on_real(struct json_reader *reader, const char *text)
{
    errno = 0;
    double value = strtod(text, NULL); /* the process's locale is "C" */
    if (errno == ERANGE && (value > 1 || value < -1))
        return stop(reader, "real number overflow");
    return place_scalar(reader, json_real(value));
}

static int on_number(void *user, const char *data, size_t size)
{
    char text[NUMBER_MAX + 1];
    if (size > NUMBER_MAX)
        return stop(user, "a number is too long");
    memcpy(text, data, size);
    text[size] = '\0';
    return strpbrk(text, ".eE") ? on_real(user, text) : on_integer(user, text);
}

static int string_check(struct json_reader *reader, struct slice text, bool nul)
{
    if (!utf8_valid(text))
        return stop(reader, "a string is not valid UTF-8");
    if (!nul && memchr(text.data, '\0', text.size))
        return stop(reader, "\\u0000 is not allowed");
    return 1;
}

static int on_string(void *user, const unsigned char *data, size_t size)
{
    const struct json_reader *reader = user;
    struct slice text = {(const char *)data, size};
    if (!string_check(user, text, reader->flags & JSON_ALLOW_NUL))
        return 0;
    return place_scalar(user, json_stringn_nocheck(text.data, text.size));
}

static int on_key(void *user, const unsigned char *data, size_t size)
{
    struct json_reader *reader = user;
    struct slice key = {(const char *)data, size};
    if (!string_check(reader, key, false))
        return 0;
    if (reader->flags & JSON_REJECT_DUPLICATES &&
        json_object_getn(reader->open[reader->depth - 1], key.data, key.size))
        return stop(reader, "duplicate object key");
    buffer_clear(&reader->key); /* yajl may reuse this string's memory for the next one */
    return buffer_append(&reader->key, key.data, key.size) ? stop_short(reader) : 1;
}

static int on_object(void *user)
{
    return open_container(user, json_object());
}

static int on_array(void *user)
{
    return open_container(user, json_array());
}

static int on_close(void *user)
{
    ((struct json_reader *)user)->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close,
    .yajl_start_array = on_array,
    .yajl_end_array = on_close,
};

/* Unpaired surrogates. */

/* The code unit of a \uXXXX escape, or 0 if there is none. */
static unsigned escaped(const char *at, const char *end)
{
    unsigned number = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return 0;
        number = number * 16 + (unsigned)digit;
    }
    return number;
}

/* Backslashes occur only in strings; yajl rejects any others. */
static bool surrogates_paired(struct slice text)
{
    const char *end = text.data + text.size, *at = text.data;
    while (at < end && (at = memchr(at, '\\', (size_t)(end - at)))) {
        unsigned first = escaped(at, end);
        bool pair = first >= 0xD800 && first < 0xDC00;
        if (first >= 0xDC00 && first < 0xE000)
            return false;
        at += pair ? 6 : 2;
        if (!pair)
            continue;
        unsigned second = escaped(at, end);
        if (second < 0xDC00 || second >= 0xE000)
            return false;
        at += 6;
    }
    return true;
}

/* The whole text. */

static void place_of(struct slice text, size_t position, json_error_t *why)
{
    why->line = 1;
    why->position = (int)position;
    for (size_t i = 0; i < position && i < text.size; i++) {
        why->column++;
        if (text.data[i] == '\n') {
            why->line++;
            why->column = 0;
        }
    }
}

static void say_short(json_error_t *why)
{
    snprintf(why->text, sizeof why->text, "out of memory");
    why->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory; /* in jansson's own field for
                                                                       * positions */
}

static void explain(struct json_reader *reader, struct slice text, json_error_t *why)
{
    if (!*reader->problem) {
        const unsigned char *said = yajl_get_error(reader->parser, 0, NULL, 0);
        int size = (int)strcspn((const char *)said, "\n");
        snprintf(reader->problem, sizeof reader->problem, "%.*s", size, (const char *)said);
    }
    snprintf(why->text, sizeof why->text, "%s", reader->problem);
    place_of(text, yajl_get_bytes_consumed(reader->parser), why);
}

/* After the value only white space may follow. yajl's own check misses the beginning of a string.
 */
static bool ends(struct json_reader *reader, struct slice text, size_t at)
{
    for (; at < text.size; at++) {
        if (!memchr(" \t\r\n", text.data[at], 4))
            return stop(reader, "something follows the end of the text");
    }
    return true;
}

static bool parse(struct json_reader *reader, struct slice text)
{
    if (memchr(text.data, '\v', text.size) || memchr(text.data, '\f', text.size))
        return stop(reader, "a vertical tab or form feed");
    if (!surrogates_paired(text))
        return stop(reader, "half of a surrogate pair");
    yajl_status status = yajl_parse(reader->parser, (const unsigned char *)text.data, text.size);
    size_t at = yajl_get_bytes_consumed(reader->parser);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(reader->parser); /* a number may end with the text */
    return status == yajl_status_ok && ends(reader, text, at);
}

static json_t *read_text(struct json_reader *reader, struct slice text, json_error_t *why)
{
    yajl_alloc_funcs memory = yajl_memory_functions(&reader->memory);
    reader->parser = yajl_alloc(&callbacks, &memory, reader);
    yajl_config(reader->parser, yajl_dont_validate_strings, 1);  /* checked by ends() */
    yajl_config(reader->parser, yajl_allow_trailing_garbage, 1); /* not checked by ends() */
    bool good = parse(reader, text);
    if (good)
        return reader->root;
    json_decref(reader->root);
    if (reader->short_of_memory)
        say_short(why);
    else
        explain(reader, text, why);
    return NULL;
}

static size_t memory_size(size_t text_size)
{
    return PARSER_SIZE + STRING_COPIES * text_size;
}

/* A thread reads one text at a time, and most texts are short, so each thread keeps one block for
 * them. */
static _Thread_local struct {
    struct json_reader reader;
    _Alignas(YAJL_MEMORY_ALIGNMENT) char memory[PARSER_SIZE + STRING_COPIES * USUAL_TEXT];
} usual;

/* NULL: out of memory. */
static struct json_reader *reader_new(size_t text_size)
{
    struct json_reader *reader = &usual.reader;
    char *memory = usual.memory;
    if (text_size > SIZE_MAX / STRING_COPIES / 2)
        return NULL;
    if (text_size > USUAL_TEXT) {
        reader = malloc(sizeof *reader + memory_size(text_size));
        memory = (char *)(reader + 1);
    }
    if (!reader)
        return NULL;
    reader->memory = (struct yajl_memory){memory, memory_size(text_size), 0};
    reader->root = NULL;
    reader->depth = 0;
    reader->short_of_memory = false;
    *reader->problem = '\0';
    buffer_init(&reader->key, text_size);
    return reader;
}

static void reader_free(struct json_reader *reader)
{
    buffer_free(&reader->key);
    if (reader != &usual.reader)
        free(reader);
}

json_t *json_text_read(struct slice text, size_t flags, json_error_t *why)
{
    json_error_t unused;
    why = why ? why : &unused;
    text.data = text.data ? text.data : "";
    *why = (json_error_t){.line = -1, .column = 0};
    struct json_reader *reader = reader_new(text.size);
    if (!reader) {
        say_short(why);
        return NULL;
    }
    reader->flags = flags;
    json_t *root = read_text(reader, text, why);
    reader_free(reader);
    return root;
}

bool json_text_short(const json_error_t *why)
{
    return json_error_code(why) == json_error_out_of_memory;
}

const char *json_text_in(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}
