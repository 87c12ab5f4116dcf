/*
 * What a terminal can show: its width, whether it takes colours, how many columns a text fills.
 *
 * Texts are UTF-8. Names of files come from anywhere, so whatever is shown to a person goes through
 * text_display. Column counts need a UTF-8 LC_CTYPE (terminal_setup).
 */
#ifndef THUMBWHEEL_TERMINAL_H
#define THUMBWHEEL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Once, at start. */
void terminal_setup(void);

bool terminal_is(int fd);
/* 0 when it is not a terminal or does not say. */
size_t terminal_columns(int fd);
/* A terminal on which a line can be drawn anew: TERM is not "dumb". */
bool terminal_redraws(int fd);
/* The same, and NO_COLOR is unset (no-color.org). */
bool terminal_colour(int fd);

/* A copy for free() that is safe to show: control characters and bytes that are not UTF-8 become
 * '?'. NULL: no memory. */
char *text_display(const char *text);
/* Columns that a displayable text fills. */
size_t text_columns(const char *text);

enum text_cut { CUT_END, CUT_MIDDLE };
/* A copy for free() that fills at most `columns`, with "…" where something was left out. NULL: no
 * memory. */
char *text_fit(const char *text, size_t columns, enum text_cut cut);

#endif
