/*
 * A table of text for people: columns aligned by what the characters fill, shrunk to the terminal's
 * width where they may be cut, whole otherwise (a file or a pipe gets everything).
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

/* columns is borrowed. NULL: no memory. */
struct table *table_create(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* A row of `count` cells, copied and made displayable; NULL is an empty cell. A failure
 * (ERR_MEMORY) sticks until table_print. */
void table_row(struct table *table, enum table_style style, const char *const *cells);

/* width 0: as wide as it needs. ERR_MEMORY when rows are missing. */
int table_print(const struct table *table, FILE *out, size_t width, bool colour);

#endif
