/*
 * A table of text. Columns are aligned by display width, and shrinkable ones are cut to fit the
 * terminal's width; a file or a pipe gets the full text.
 */
#ifndef THUMBWHEEL_TABLE_H
#define THUMBWHEEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_column {
    const char *title;
    enum { TABLE_LEFT, TABLE_RIGHT } align;
    enum { TABLE_WHOLE, TABLE_CUT_MIDDLE, TABLE_CUT_END } shrink;
};

enum table_style { TABLE_PLAIN, TABLE_FAILED };

struct table;

/* columns is borrowed. NULL: out of memory. */
struct table *table_create(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Adds a row of `count` cells, which are copied and made displayable; NULL is an empty cell.
 * table_print reports a failure (ERR_MEMORY). */
void table_row(struct table *table, enum table_style style, const char *const *cells);

/* width 0: unlimited. ERR_MEMORY: rows are missing. */
int table_print(const struct table *table, FILE *out, size_t width, bool colour);

#endif
