/* Binding the values of a prepared statement in order, where tasks run: storage thread. */
#ifndef THUMBWHEEL_LOCAL_STATEMENT_H
#define THUMBWHEEL_LOCAL_STATEMENT_H

#include "storage.h"

struct statement {
    struct storage *storage;
    sqlite3_stmt *handle;
    int last;
};

static inline struct statement statement(struct storage *storage, const char *sql)
{
    return (struct statement){storage, storage_statement(storage, sql), 0};
}

static inline void bind_int(struct statement *s, int64_t value)
{
    sqlite3_bind_int64(s->handle, ++s->last, value);
}

/* Texts and blobs are borrowed until the statement has run. */
static inline void bind_text(struct statement *s, const char *text)
{
    sqlite3_bind_text(s->handle, ++s->last, text, -1, SQLITE_STATIC);
}

static inline void bind_blob(struct statement *s, const void *data, size_t size)
{
    sqlite3_bind_blob64(s->handle, ++s->last, size ? data : "", size, SQLITE_STATIC);
}

static inline void bind_null(struct statement *s)
{
    sqlite3_bind_null(s->handle, ++s->last);
}

static inline int execute(struct statement *s, struct storage_task *task)
{
    return storage_execute(s->storage, s->handle, &task->error);
}

#endif
