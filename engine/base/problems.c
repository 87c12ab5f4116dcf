#include "problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

/* There is no capacity field: the array doubles whenever the count is a power of two. */
static int grow(struct problem_list *list)
{
    if (list->count & (list->count - 1))
        return 0;
    size_t capacity = list->count ? list->count * 2 : 1;
    struct problem *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return ERR_MEMORY;
    list->items = items;
    return 0;
}

static void problem_clear(struct problem *problem)
{
    free(problem->file);
    free(problem->key);
    free(problem->text);
}

static char *copy(const char *text)
{
    return text && *text ? strdup(text) : NULL;
}

/* Takes ownership of the text. */
static int keep(struct problem_list *list, const struct problem_place *place, int code, char *text)
{
    struct problem problem = {.code = code,
                              .file = copy(place->file),
                              .line = place->line,
                              .column = place->column,
                              .key = copy(place->key),
                              .text = text};
    bool whole = text && !problem.file == !(place->file && *place->file) &&
                 !problem.key == !(place->key && *place->key);
    if (whole && !grow(list)) {
        list->items[list->count++] = problem;
        return code;
    }
    problem_clear(&problem);
    list->out_of_memory = true;
    return ERR_MEMORY;
}

int problem_add(struct problem_list *list, const struct problem_place *place, int code,
                const char *format, ...)
{
    char *text = NULL;
    va_list args;
    list->errors += code != 0;
    list->warnings += code == 0;
    if (list->count == PROBLEMS_MAX)
        return code;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    for (char *p = text; p && *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    return keep(list, place, code, text);
}

static bool is_before(const struct problem *a, const struct problem *b)
{
    return a->line < b->line || (a->line == b->line && a->column < b->column);
}

/* Insertion sort, since it is stable and the input is nearly sorted. */
void problem_list_sort(struct problem_list *list, size_t first)
{
    for (size_t i = first; i < list->count; i++) {
        struct problem moving = list->items[i];
        size_t at = i;
        for (; at > first && is_before(&moving, &list->items[at - 1]); at--)
            list->items[at] = list->items[at - 1];
        list->items[at] = moving;
    }
}

char *problem_line(const struct problem *problem)
{
    struct buffer line;
    buffer_init(&line, LINE_MAX_BYTES);
    if (problem->file)
        buffer_text(&line, problem->file);
    if (problem->file && problem->line)
        buffer_format(&line, ":%d:%d", problem->line, problem->column);
    if (problem->file)
        buffer_text(&line, ": ");
    if (problem->key)
        buffer_format(&line, "%s: ", problem->key);
    buffer_text(&line, problem->text);
    char *text = line.error ? NULL : buffer_take_text(&line);
    buffer_free(&line);
    return text;
}

int problem_list_error(const struct problem_list *list, struct error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct problem *problem = &list->items[i];
        if (!problem->code)
            continue;
        char *line = problem_line(problem);
        int code = error_set(error, line ? problem->code : ERR_MEMORY, "%s",
                             line ? line : "out of memory");
        free(line);
        return code;
    }
    return list->out_of_memory ? error_set(error, ERR_MEMORY, "out of memory") : 0;
}

void problem_list_clear(struct problem_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        problem_clear(&list->items[i]);
    free(list->items);
    *list = (struct problem_list){.items = NULL};
}
