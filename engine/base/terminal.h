/*
 * The capabilities of a terminal: its width, whether it supports colours, how many columns a text
 * fills.
 *
 * Texts are UTF-8. File names are untrusted, so everything that is shown to a user goes through
 * text_display. Column counts need a UTF-8 LC_CTYPE (terminal_setup).
 */
#ifndef THUMBWHEEL_TERMINAL_H
#define THUMBWHEEL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Call it once, at start. */
void terminal_setup(void);

bool terminal_is(int fd);
/* COLUMNS if it is set, else the terminal's width; 0 if fd is not a terminal or its width is
 * unknown. */
size_t terminal_columns(int fd);
/* LINES if it is set, else the terminal's height; 0: the same. */
size_t terminal_rows(int fd);
/* Whether the user's locale (LC_ALL, LC_CTYPE, LANG) has a character set other than UTF-8. If none
 * of them is set, as in most containers, UTF-8 is assumed. */
bool terminal_ascii(void);
/* Whether to escape all non-ASCII characters in JSON: on a terminal, which could interpret
 * characters that JSON need not escape, and if the locale is not UTF-8. */
bool terminal_needs_ascii(FILE *out);
/* Prints a trusted text, with line breaks: in ASCII if the locale is not UTF-8, wrapped to
 * `columns` (0: not wrapped) with continuation lines indented by `indent`. The cursor is at column
 * `at`. */
void terminal_print(FILE *out, const char *text, size_t columns, size_t indent, size_t at);
/* Whether fd is a terminal on which a line can be redrawn: TERM is not "dumb". */
bool terminal_redraws(int fd);
/* The same, and NO_COLOR is unset (no-color.org). */
bool terminal_colour(int fd);

/* Whether a terminal interprets a character instead of showing it: control characters, including
 * C1, and bidirectional overrides, with which a name could reorder the rest of its line. */
bool character_is_control(uint32_t c);
/* A copy, to be freed by the caller, in which control characters and invalid UTF-8 are replaced by
 * '?', regardless of the locale. NULL: out of memory. */
char *text_plain(const char *text);
/* The same for the user's terminal: with terminal_ascii, characters without an ASCII replacement
 * also become '?'. NULL: out of memory. */
char *text_display(const char *text);
/* Prints a formatted line through text_display, and a line feed. */
void terminal_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints a text as one word of a shell command that the terminal can show. Other characters are
 * written as $'caf\303\251', which bash, zsh, ksh and POSIX.1-2024 shells read and ls prints. */
void terminal_shell_word(FILE *out, const char *text);
/* Columns that a displayable text fills. */
size_t text_columns(const char *text);

enum text_cut { CUT_END, CUT_MIDDLE };
/* A copy, to be freed by the caller, that fills at most `columns`, with "…" (in ASCII "~") in place
 * of the text that was cut. NULL: out of memory. */
char *text_fit(const char *text, size_t columns, enum text_cut cut);

#endif
