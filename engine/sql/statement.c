#include "statement.h"

#include <sqlite3.h>
#include <string.h>

#include "database.h"

struct statement database_prepare(struct database *database, const char *sql)
{
    return (struct statement){
        .database = database,
        .handle = database_statement(database, sql),
    };
}

void bind_int(struct statement *s, int64_t value)
{
    sqlite3_bind_int64(s->handle, ++s->last, value);
}

void bind_uint(struct statement *s, uint64_t value)
{
    bind_int(s, (int64_t)value);
}

void bind_text(struct statement *s, const char *text)
{
    sqlite3_bind_text(s->handle, ++s->last, text, -1, SQLITE_STATIC);
}

void bind_slice(struct statement *s, struct slice text)
{
    sqlite3_bind_text64(s->handle, ++s->last, text.size ? text.data : "", text.size, SQLITE_STATIC,
                        SQLITE_UTF8);
}

void bind_blob(struct statement *s, const void *data, size_t size)
{
    sqlite3_bind_blob64(s->handle, ++s->last, size ? data : "", size, SQLITE_STATIC);
}

void bind_null(struct statement *s)
{
    sqlite3_bind_null(s->handle, ++s->last);
}

int statement_step(struct statement *s, struct error *error)
{
    return database_step(s->database, s->handle, error);
}

int statement_execute(struct statement *s, struct error *error)
{
    return database_execute(s->database, s->handle, error);
}

void statement_reset(struct statement *s)
{
    sqlite3_reset(s->handle);
}

int database_execute_with(struct database *database, const char *sql, uint64_t value,
                          struct error *error)
{
    struct statement s = database_prepare(database, sql);
    bind_uint(&s, value);
    return statement_execute(&s, error);
}

int database_add_columns(struct database *database, const struct added_column *columns,
                         size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (database_prepare(database, columns[i].probe).handle)
            continue;
        struct statement add = database_prepare(database, columns[i].sql);
        int code = statement_execute(&add, error);
        if (code)
            return code;
    }
    return 0;
}

int64_t statement_changes(const struct statement *s)
{
    return sqlite3_changes64(s->database->handle);
}

int64_t statement_row_id(const struct statement *s)
{
    return sqlite3_last_insert_rowid(s->database->handle);
}

int64_t column_int(const struct statement *s, int column)
{
    return sqlite3_column_int64(s->handle, column);
}

uint64_t column_uint(const struct statement *s, int column)
{
    return (uint64_t)column_int(s, column);
}

bool column_null(const struct statement *s, int column)
{
    return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}

const char *column_text(const struct statement *s, int column)
{
    return (const char *)sqlite3_column_text(s->handle, column);
}

char *column_dup(const struct statement *s, int column)
{
    const char *text = column_text(s, column);
    return text ? strdup(text) : NULL;
}

struct slice column_slice(const struct statement *s, int column)
{
    const char *text = column_text(s, column); /* before the size, which depends on the form */
    return (struct slice){text, text ? (size_t)sqlite3_column_bytes(s->handle, column) : 0};
}

struct slice column_blob(const struct statement *s, int column)
{
    const void *data = sqlite3_column_blob(s->handle, column);
    return (struct slice){data, data ? (size_t)sqlite3_column_bytes(s->handle, column) : 0};
}
