/* A growing list of owned strings. Any thread, but one at a time. */
#ifndef THUMBWHEEL_TEXT_LIST_H
#define THUMBWHEEL_TEXT_LIST_H

#include <stdarg.h>
#include <stddef.h>

struct text_list {
    char **items;
    size_t count;
};

int text_list_add(struct text_list *list, const char *text); /* copies; ERR_MEMORY */
int text_list_take(struct text_list *list, char *text);      /* takes ownership, even on failure */
/* Adds a formatted text, and returns it, borrowed; NULL: out of memory. */
const char *text_list_format(struct text_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *text_list_vformat(struct text_list *list, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void text_list_sort(struct text_list *list); /* sorts by bytes */
void text_list_clear(struct text_list *list);

#endif
