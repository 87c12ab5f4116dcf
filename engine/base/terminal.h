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
#include <stdint.h>
#include <stdio.h>

/* Once, at start. */
void terminal_setup(void);

bool terminal_is(int fd);
/* COLUMNS where it is set, else the terminal's; 0 when it is none or does not say. */
size_t terminal_columns(int fd);
/* The user's locale (LC_ALL, LC_CTYPE, LANG) has another character set than UTF-8. Without any of
 * them, as in most containers, it is UTF-8. */
bool terminal_ascii(void);
/* JSON is written in ASCII, its other characters escaped: for a terminal, which might obey what
 * JSON need not escape, and where the locale asks for it. */
bool terminal_needs_ascii(FILE *out);
/* Prints a text of our own, with line breaks: in ASCII where the locale asks for it, wrapped to
 * `columns` (0: not) with lines that begin at `indent`. The cursor is at `at`. */
void terminal_print(FILE *out, const char *text, size_t columns, size_t indent, size_t at);
/* A terminal on which a line can be drawn anew: TERM is not "dumb". */
bool terminal_redraws(int fd);
/* The same, and NO_COLOR is unset (no-color.org). */
bool terminal_colour(int fd);

/* A character that a terminal obeys instead of showing it: control characters, C1's among them, and
 * the bidirectional overrides, which let a name rearrange the line that it is part of. */
bool character_is_control(uint32_t c);
/* A copy for free() in which control characters and bytes that are not UTF-8 are '?'. It does not
 * depend on the locale. NULL: no memory. */
char *text_plain(const char *text);
/* The same as the user's terminal can show it: in ASCII (terminal_ascii), what has no counterpart
 * there is '?' too. NULL: no memory. */
char *text_display(const char *text);
/* Prints a formatted line as text_display shows it, and a line feed. */
void terminal_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints a text as one word of a shell command that the terminal can show. What it cannot show is
 * written as bash, zsh, ksh and POSIX.1-2024 read it, and as ls prints it: $'caf\303\251'. */
void terminal_shell_word(FILE *out, const char *text);
/* Columns that a displayable text fills. */
size_t text_columns(const char *text);

enum text_cut { CUT_END, CUT_MIDDLE };
/* A copy for free() that fills at most `columns`, with "…" (in ASCII "~") where something was left
 * out. NULL: no memory. */
char *text_fit(const char *text, size_t columns, enum text_cut cut);

#endif
