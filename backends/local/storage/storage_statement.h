/*
 * SQL for tasks: engine/sql/statement.h on the storage's connection.
 *
 *     struct statement insert = statement_prepare(storage, "INSERT INTO t (a, b) VALUES (?, ?)");
 *     bind_uint(&insert, id);
 *     bind_text(&insert, name);
 *     return statement_execute(&insert, &task->error);
 *
 * In run(), on the storage thread; or while loading, on the loop thread. What a task leaves half-way
 * is reset after run().
 */
#ifndef THUMBWHEEL_LOCAL_STORAGE_STATEMENT_H
#define THUMBWHEEL_LOCAL_STORAGE_STATEMENT_H

#include "statement.h"

struct storage;

/* As database_prepare, database_execute_with and database_add_columns. */
struct statement statement_prepare(struct storage *storage, const char *sql);
int statement_execute_with(struct storage *storage, const char *sql, uint64_t value,
                           struct error *error);
int statement_add_columns(struct storage *storage, const struct added_column *columns, size_t count,
                          struct error *error);

#endif
