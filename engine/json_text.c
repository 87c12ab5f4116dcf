#include "json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { RESERVE_MIN = 16 * 1024, ALIGNMENT = 16 };

static json_malloc_t inner_malloc;
static json_free_t inner_free;

/* The thread's, while it reads. What is taken from it is given back as a whole. */
static _Thread_local struct {
    char *start; /* NULL: nothing is being read */
    size_t size, used;
    bool needed;
} reserve;

static void *reserve_take(size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    reserve.needed = true;
    if (size > reserve.size - reserve.used)
        return NULL;
    reserve.used += size;
    return reserve.start + reserve.used - size;
}

static void *watched_malloc(size_t size)
{
    void *memory = inner_malloc(size);
    return memory || !reserve.start ? memory : reserve_take(size);
}

static void watched_free(void *memory)
{
    char *place = memory;
    if (!reserve.start || place < reserve.start || place >= reserve.start + reserve.size)
        inner_free(memory);
}

void json_text_setup(void)
{
    json_malloc_t present_malloc;
    json_free_t present_free;
    json_get_alloc_funcs(&present_malloc, &present_free);
    if (present_malloc == watched_malloc)
        return;
    inner_malloc = present_malloc;
    inner_free = present_free;
    json_set_alloc_funcs(watched_malloc, watched_free);
}

/* Nothing more to read once memory was short. */
static size_t next_part(void *room, size_t size, void *user)
{
    struct slice *left = user;
    if (reserve.needed)
        return (size_t)-1;
    if (size > left->size)
        size = left->size;
    if (size)
        memcpy(room, left->data, size);
    left->data += size;
    left->size -= size;
    return size;
}

static void *say_short(json_error_t *why)
{
    snprintf(why->text, sizeof why->text, "out of memory");
    why->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory; /* where jansson keeps it */
    return NULL;
}

json_t *json_text_read(struct slice text, size_t flags, json_error_t *why)
{
    if (!inner_malloc)
        return json_loadb(text.data ? text.data : "", text.size, flags, why);
    /* Its lexer may want one token twice over, and a copy of it. */
    reserve.size = 3 * text.size + RESERVE_MIN;
    reserve.used = 0;
    reserve.needed = false;
    char *start = inner_malloc(reserve.size);
    if (!start)
        return say_short(why);
    reserve.start = start;
    json_t *root = json_load_callback(next_part, &text, flags, why);
    bool short_of_memory = reserve.needed;
    if (short_of_memory)
        json_decref(root);
    reserve.start = NULL;
    inner_free(start);
    return short_of_memory ? say_short(why) : root;
}

bool json_text_short(const json_error_t *why)
{
    return json_error_code(why) == json_error_out_of_memory;
}
