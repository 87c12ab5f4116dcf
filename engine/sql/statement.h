/*
 * SQL: prepares a statement, binds its values in order, reads the columns of its rows. No other
 * library calls SQLite.
 *
 *     struct statement insert = database_prepare(database, "INSERT INTO t (a, b) VALUES (?, ?)");
 *     bind_uint(&insert, id);
 *     bind_text(&insert, name);
 *     return statement_execute(&insert, error);
 *
 * On the thread that uses the database.
 */
#ifndef THUMBWHEEL_STATEMENT_H
#define THUMBWHEEL_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

struct database;
struct sqlite3_stmt;

struct statement {
    struct database *database;
    struct sqlite3_stmt *handle; /* NULL: it could not be prepared */
    int last;                    /* number of the value that was bound last */
};

/* The prepared statement is cached by the address of `sql` (a static literal), so only one of each
 * text may be in use. Where it cannot be prepared, binding does nothing, and statement_step and
 * statement_execute report why. */
struct statement database_prepare(struct database *database, const char *sql);

/* The next value. Texts and blobs are borrowed until the statement has run. */
void bind_int(struct statement *s, int64_t value);
void bind_uint(struct statement *s, uint64_t value);   /* an id or a size */
void bind_text(struct statement *s, const char *text); /* NULL binds NULL */
void bind_slice(struct statement *s, struct slice text);
void bind_blob(struct statement *s, const void *data, size_t size); /* empty, but never NULL */
void bind_null(struct statement *s);

/* Steps a statement that returns rows: 1 a row, 0 the end, else a code with a text. What is left
 * half-way is reset by database_settle. */
int statement_step(struct statement *s, struct error *error);
/* Runs a statement that returns no row, and resets it: 0, or a code with a text. */
int statement_execute(struct statement *s, struct error *error);
void statement_reset(struct statement *s);

/* For the many statements with one number as their only value. */
int database_execute_with(struct database *database, const char *sql, uint64_t value,
                          struct error *error);

/* Adds the columns that tables of an earlier version lack. */
struct added_column {
    const char *probe; /* cannot be prepared without the column */
    const char *sql;
};
int database_add_columns(struct database *database, const struct added_column *columns,
                         size_t count, struct error *error);

/* Rows that the last INSERT, UPDATE or DELETE changed; the id that SQLite gave to the last row. */
int64_t statement_changes(const struct statement *s);
int64_t statement_row_id(const struct statement *s);

/* The columns of the current row, from 0. What they point to is valid until the next step. */
int64_t column_int(const struct statement *s, int column);
uint64_t column_uint(const struct statement *s, int column);
bool column_null(const struct statement *s, int column);
const char *column_text(const struct statement *s, int column);   /* NULL: none, or no memory */
char *column_dup(const struct statement *s, int column);          /* malloc'd; NULL as above */
struct slice column_slice(const struct statement *s, int column); /* a text */
struct slice column_blob(const struct statement *s, int column);

#endif
