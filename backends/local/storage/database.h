/*
 * The SQLite connection of the embedded cloud: settings, prepared statements, error codes.
 *
 * Not locked: the loop thread uses it while loading, the storage thread afterwards.
 */
#ifndef THUMBWHEEL_LOCAL_DATABASE_H
#define THUMBWHEEL_LOCAL_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { DATABASE_SLOTS = 64, DATABASE_READING = 16 };

struct database_statement;

struct database {
    sqlite3 *handle;
    const char *directory; /* borrowed; for error messages */
    /* hash chains, by the address of the SQL */
    struct database_statement *statements[DATABASE_SLOTS];
    /* statements that returned a row since the last settling */
    sqlite3_stmt *reading[DATABASE_READING];
    size_t reading_count; /* more than fit: all may be active */
};

/* sync_commits: fsync at each commit; else the kernel decides when. On failure nothing is left
 * open. */
int database_open(struct database *database, const char *directory, const char *path,
                  bool sync_commits, const char *const *schemas, size_t schema_count,
                  struct error *error);
void database_close(struct database *database);

/* Prepared once per address; reset and unbound. NULL: it could not be prepared (database_step
 * reports why). */
sqlite3_stmt *database_statement(struct database *database, const char *sql);

/* 1: a row; 0: done; else an error. */
int database_step(struct database *database, sqlite3_stmt *statement, struct error *error);
/* Steps once, resets; 0 or an error. */
int database_execute(struct database *database, sqlite3_stmt *statement, struct error *error);
/* The same for SQL that is run only once. */
int database_script(struct database *database, const char *sql, struct error *error);

/* Resets unfinished statements, so that they do not keep a snapshot open. */
void database_settle(struct database *database);

/* Whether no transaction is open (SQLite may roll back by itself after a full disk or an I/O
 * error). */
bool database_idle(const struct database *database);

#endif
