/*
 * A connection to a SQLite file: settings, prepared statements, error codes.
 *
 * Not locked: one thread at a time, which may wait for the disk.
 */
#ifndef THUMBWHEEL_DATABASE_H
#define THUMBWHEEL_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { DATABASE_SLOTS = 64, DATABASE_READING = 16 };

struct database_statement;
struct sqlite3;
struct sqlite3_stmt;

struct database {
    struct sqlite3 *handle;
    const char *directory, *option; /* of its settings */
    /* hash chains, by the address of the SQL */
    struct database_statement *statements[DATABASE_SLOTS];
    /* statements that returned a row since the last settling */
    struct sqlite3_stmt *reading[DATABASE_READING];
    size_t reading_count; /* more than fit: all may be active */
};

struct database_settings {      /* strings are borrowed; directory and option until it is closed */
    const char *path;           /* of the file */
    const char *directory;      /* named by error messages */
    const char *option;         /* which chooses the directory: "--data" */
    bool sync_commits;          /* fsync at each commit; else the kernel decides when */
    int format;                 /* of the tables, in PRAGMA user_version; a newer file is refused */
    const char *const *schemas; /* each a script of CREATE … IF NOT EXISTS */
    size_t schema_count;
};

/* ERR_CORRUPT: the file is damaged, or not a database; ERR_UNSUPPORTED: of a newer format; ERR_BUSY;
 * ERR_IO. On failure nothing is left open. */
int database_open(struct database *database, const struct database_settings *settings,
                  struct error *error);
void database_close(struct database *database);

/* Prepared once per address; reset and unbound. NULL: it could not be prepared (database_step
 * reports why). */
struct sqlite3_stmt *database_statement(struct database *database, const char *sql);

/* 1: a row; 0: done; else an error. */
int database_step(struct database *database, struct sqlite3_stmt *statement, struct error *error);
/* Steps once, resets; 0 or an error. */
int database_execute(struct database *database, struct sqlite3_stmt *statement,
                     struct error *error);
/* The same for SQL that is run only once. */
int database_script(struct database *database, const char *sql, struct error *error);

/* How many rows were inserted, changed and deleted since it was opened. */
uint64_t database_changes(const struct database *database);

/* Resets unfinished statements, so that they do not keep a snapshot open. */
void database_settle(struct database *database);

/* Whether no transaction is open (SQLite may roll back by itself after a full disk or an I/O
 * error). */
bool database_idle(const struct database *database);

/* Converts an errno that occurred below `path` to ERR_IO (or ERR_MEMORY), with advice in the message.
 * option: which chooses the directory. */
int database_directory_error(const char *path, const char *option, int number, struct error *error);

#endif
