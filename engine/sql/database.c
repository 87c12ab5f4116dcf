#include "database.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUSY_TIMEOUT_MS = 5000,  /* someone may be using the sqlite3 shell on the file */
    CHECKPOINT_PAGES = 4000, /* size of the write-ahead log that triggers a checkpoint */
};

struct database_statement {
    const char *sql;
    sqlite3_stmt *statement;
    struct database_statement *next;
};

int database_directory_error(const char *path, const char *option, int number, struct error *error)
{
    switch (number) {
    case ENOMEM:
        return error_set(error, ERR_MEMORY, "out of memory");
    case ENOSPC:
    case EDQUOT:
        return error_set(error, ERR_IO, "the disk that holds %s is full: free some space", path);
    case EACCES:
    case EPERM:
    case EROFS:
        return error_set(error, ERR_IO,
                         "cannot write to %s (%s): make it writable or choose another with %s",
                         path, strerror(number), option);
    case ENOTDIR:
    case EEXIST:
        return error_set(error, ERR_IO, "%s is not a directory: choose another with %s", path,
                         option);
    default:
        return error_set(error, ERR_IO, "%s: %s", path, strerror(number));
    }
}

static int directory_error(struct database *database, int number, struct error *error)
{
    return database_directory_error(database->directory, database->option, number, error);
}

static int full(struct database *database, struct error *error)
{
    return directory_error(database, ENOSPC, error);
}

static int unwritable(struct database *database, struct error *error)
{
    int number = database->handle ? sqlite3_system_errno(database->handle) : 0;
    return directory_error(database, number ? number : EACCES, error);
}

static int io_error(struct database *database, struct error *error)
{
    int number = sqlite3_system_errno(database->handle);
    if (number == ENOSPC || number == EDQUOT)
        return full(database, error);
    return error_set(error, ERR_IO, "reading or writing the database in %s failed: %s",
                     database->directory,
                     number ? strerror(number) : sqlite3_errmsg(database->handle));
}

/* Converts a result other than ROW, DONE and OK to a code with a message. */
static int result_error(struct database *database, int result, struct error *error)
{
    switch (result & 0xff) {
    case SQLITE_NOMEM:
        return error_set(error, ERR_MEMORY, "out of memory");
    case SQLITE_FULL:
        return full(database, error);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return unwritable(database, error);
    case SQLITE_IOERR:
        return io_error(database, error);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(error, ERR_CORRUPT,
                         "the database in %s is damaged: restore it from a copy, or choose another "
                         "directory with %s",
                         database->directory, database->option);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, ERR_BUSY, "the database in %s is locked by another process",
                         database->directory);
    case SQLITE_CONSTRAINT:
        return error_set(error, ERR_CONFLICT, "%s", sqlite3_errmsg(database->handle));
    case SQLITE_TOOBIG:
        return error_set(error, ERR_LIMIT, "a value is too large for the database");
    default:
        return error_set(error, ERR_IO, "the database in %s: %s", database->directory,
                         database->handle ? sqlite3_errmsg(database->handle)
                                          : sqlite3_errstr(result));
    }
}

int database_script(struct database *database, const char *sql, struct error *error)
{
    int result = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : result_error(database, result, error);
}

static int read_integer(struct database *database, const char *sql, int *value, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : result_error(database, result, error);
}

static int check_format(struct database *database, int newest, struct error *error)
{
    int format = 0;
    int code = read_integer(database, "PRAGMA user_version", &format, error);
    if (code)
        return code;
    if (format > newest)
        return error_set(error, ERR_UNSUPPORTED,
                         "%s was written by a newer version of thumbwheel: use that version, or "
                         "choose another directory with %s",
                         database->directory, database->option);
    return 0;
}

/* In WAL mode, FULL syncs the log at each commit, NORMAL only around a checkpoint, which keeps the
 * file consistent. */
static int set_up(struct database *database, const struct database_settings *settings,
                  struct error *error)
{
    sqlite3_extended_result_codes(database->handle, 1);
    sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    sqlite3_wal_autocheckpoint(database->handle, CHECKPOINT_PAGES);
    int code = database_script(database, "PRAGMA journal_mode = WAL", error);
    if (code)
        return code;
    code = database_script(database,
                           settings->sync_commits ? "PRAGMA synchronous = FULL"
                                                  : "PRAGMA synchronous = NORMAL",
                           error);
    if (code)
        return code;
    code = database_script(database, "PRAGMA cache_size = -8192", error);
    if (code)
        return code;
    return check_format(database, settings->format, error);
}

static int apply_schemas(struct database *database, const struct database_settings *settings,
                         struct error *error)
{
    char version[48];
    snprintf(version, sizeof version, "PRAGMA user_version = %d", settings->format);
    int code = database_script(database, "BEGIN IMMEDIATE", error);
    for (size_t i = 0; i < settings->schema_count && !code; i++)
        code = database_script(database, settings->schemas[i], error);
    if (code)
        return code;
    code = database_script(database, version, error);
    if (code)
        return code;
    return database_script(database, "COMMIT", error);
}

int database_open(struct database *database, const struct database_settings *settings,
                  struct error *error)
{
    *database = (struct database){.directory = settings->directory, .option = settings->option};
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* the statistics are not used; once per process */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(settings->path, &database->handle, flags, NULL);
    int code = result == SQLITE_OK ? 0 : result_error(database, result, error);
    if (code)
        goto failed;
    code = set_up(database, settings, error);
    if (code)
        goto failed;
    code = apply_schemas(database, settings, error);
    if (!code)
        return 0;
failed:
    database_close(database);
    return code;
}

static void free_chain(struct database_statement *entry)
{
    while (entry) {
        struct database_statement *next = entry->next;
        sqlite3_finalize(entry->statement);
        free(entry);
        entry = next;
    }
}

void database_close(struct database *database)
{
    for (size_t i = 0; i < DATABASE_SLOTS; i++)
        free_chain(database->statements[i]);
    sqlite3_close(database->handle);
    *database = (struct database){0};
}

static sqlite3_stmt *prepare(struct database *database, struct database_statement **slot,
                             const char *sql)
{
    struct database_statement *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    int result = sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &entry->statement, NULL);
    if (result != SQLITE_OK) {
        free(entry);
        return NULL;
    }
    entry->sql = sql;
    entry->next = *slot;
    *slot = entry;
    return entry->statement;
}

sqlite3_stmt *database_statement(struct database *database, const char *sql)
{
    struct database_statement **slot =
        &database->statements[((uintptr_t)sql >> 3) % DATABASE_SLOTS];
    for (struct database_statement *entry = *slot; entry; entry = entry->next) {
        if (entry->sql == sql) {
            sqlite3_reset(entry->statement);
            sqlite3_clear_bindings(entry->statement);
            return entry->statement;
        }
    }
    return prepare(database, slot, sql);
}

/* Remembers a statement that is positioned on a row. */
static void note_reading(struct database *database, sqlite3_stmt *statement)
{
    size_t count = database->reading_count;
    if (count && count <= DATABASE_READING && database->reading[count - 1] == statement)
        return;
    if (count < DATABASE_READING)
        database->reading[count] = statement;
    if (count <= DATABASE_READING)
        database->reading_count++;
}

int database_step(struct database *database, sqlite3_stmt *statement, struct error *error)
{
    if (!statement) {
        int result = sqlite3_errcode(database->handle);
        return result == SQLITE_OK ? error_set(error, ERR_MEMORY, "out of memory")
                                   : result_error(database, result, error);
    }
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        note_reading(database, statement);
        return 1;
    }
    return result == SQLITE_DONE ? 0 : result_error(database, result, error);
}

int database_execute(struct database *database, sqlite3_stmt *statement, struct error *error)
{
    int code = database_step(database, statement, error);
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static void reset_all(struct database *database)
{
    for (size_t i = 0; i < DATABASE_SLOTS; i++) {
        for (struct database_statement *e = database->statements[i]; e; e = e->next)
            sqlite3_reset(e->statement);
    }
}

void database_settle(struct database *database)
{
    if (database->reading_count > DATABASE_READING)
        reset_all(database);
    else
        for (size_t i = 0; i < database->reading_count; i++)
            sqlite3_reset(database->reading[i]);
    database->reading_count = 0;
}

uint64_t database_changes(const struct database *database)
{
    return (uint64_t)sqlite3_total_changes64(database->handle);
}

bool database_idle(const struct database *database)
{
    return sqlite3_get_autocommit(database->handle) != 0;
}
