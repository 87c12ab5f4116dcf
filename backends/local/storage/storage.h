/*
 * Durability of the embedded cloud: a storage thread is the only one that accesses SQLite and the
 * blob files.
 *
 * The loop thread submits tasks. The storage thread takes all waiting tasks, runs them in order
 * inside one transaction and commits (group commit: one fsync for all of them). Then their `done`
 * functions are called on the loop thread, in order. So when done is called with 0, the task's
 * changes are on the disk.
 *
 *   loop thread                    storage thread                 loop thread
 *   storage_submit(task)  ──────►  BEGIN; run, run, run; COMMIT ──────►  done, done, done
 *
 * Work that needs no database runs on libuv's pool (storage_submit_aside): the bytes of a file are
 * hashed, written and synced there before the unit that owns it is submitted.
 *
 * A failed task undoes only itself (a savepoint, unless it refuses first); if a commit fails, the whole
 * group fails. A full disk is ERR_IO with a message, and later tasks succeed again once there is room.
 *
 * Layout of the data directory: cloud.sqlite3 (+ -wal, -shm), blobs/<2 hex>/<id>, incoming/<id>
 * (uploads under way; settled at open, see blobs.h), lock (held while open, so that two processes
 * never share a directory).
 */
#ifndef THUMBWHEEL_LOCAL_STORAGE_H
#define THUMBWHEEL_LOCAL_STORAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"

struct database;
struct storage;
struct storage_task;

enum storage_durability {
    STORAGE_FULL, /* acknowledged data is synced to the disk */
    /* acknowledged data is written to the kernel: survives kill -9, but not a power failure */
    STORAGE_RELAXED,
};

struct storage_task { /* embed it; owned by the submitter, borrowed by storage until done is called
                       */
    /* Storage thread. Returns 0 or a code from error.h with task->error filled. */
    int (*run)(struct storage_task *task, struct storage *storage);
    /* Loop thread, after the commit. code is run's result, or the commit's error. May be NULL
     * only if the task needs no memory of its own. */
    void (*done)(struct storage_task *task, int code);
    /* run() refuses before it changes a row, if at all, so that afterwards only the disk or a lack of
     * memory can stop it. Then it needs no savepoint, which costs SQLite a copy of each page that it
     * changes. */
    bool refuses_first;
    struct error error;
    /* private */
    struct storage_task *next; /* in the queue */
    struct storage_task *unit_next;
    int code;
};

/* Opens or creates a data directory and applies the schemas (each a script of CREATE … IF NOT
 * EXISTS). Blocking: at start, before the loop runs. ERR_BUSY: another process holds it;
 * ERR_CORRUPT; ERR_IO: not writable (the message says what to do). */
int storage_open(uv_loop_t *loop, const char *directory, enum storage_durability durability,
                 const char *const *schemas, size_t schema_count, struct storage **out,
                 struct error *error);

/* Loop thread, once, when all parts have loaded their state. Tasks that were submitted before wait
 * for it, so that no task runs beside a part that still loads. */
void storage_loaded(struct storage *storage);

/* The connection, for statement.h: used on the loop thread to load state until storage_loaded();
 * afterwards in run() alone. */
struct database *storage_database(struct storage *storage);

/* While loading. A mapped file is read in place, so that reading all rows does not copy what lies
 * between them. Do not leave it mapped: a failing disk would then be a signal, not an error. */
void storage_map_file(struct storage *storage, bool mapped);

const char *storage_directory(const struct storage *storage);
enum storage_durability storage_durability(const struct storage *storage);

/* In run(): names a directory below the data directory (a static literal: "incoming") whose entries
 * must be on the disk before this group commits. It is synced once per group, and not at all if
 * durability is relaxed.
 */
int storage_sync_directory(struct storage *storage, const char *name, struct error *error);

/* In run(): a function that the storage thread calls after this unit is committed, but not if it is
 * rolled back; for deleting files, which a rollback cannot restore. Losing the call in a crash must
 * be harmless. ERR_MEMORY. */
typedef void storage_action(struct storage *storage, uint64_t id, void *user);
int storage_after_commit(struct storage *storage, storage_action *action, uint64_t id, void *user);

/* Loop thread. Never fails: the task is linked in. */
void storage_submit(struct storage *storage, struct storage_task *task);

/* A disk may keep the threads of all these waiting, and others use the pool too. */
enum { STORAGE_ASIDES_MAX = 4 };

/* For work on files that needs neither order nor a transaction: run() is called on a thread of
 * libuv's pool, in parallel with the storage thread and with other such tasks (STORAGE_ASIDES_MAX
 * at once; the others wait), so that hashing or an fsync does not delay everything else. It must not access the database or anything else that
 * belongs to the storage thread. Loop thread; never fails: if memory is short, the task runs on the
 * storage thread like any other. */
void storage_submit_aside(struct storage *storage, struct storage_task *task);

/* Tasks that succeed or fail together: an object and the messages that announce it. They run in
 * order under one savepoint; when one fails, all are undone and each gets that code. */
struct storage_unit {
    struct storage_task *first, *last;
};
void storage_unit_add(struct storage_unit *unit, struct storage_task *task);
void storage_submit_unit(struct storage *storage, struct storage_unit *unit); /* empties *unit */

/* Runs the submitted tasks, stops the thread, then calls closed from the loop. */
void storage_close(struct storage *storage, void (*closed)(void *user), void *user);

#endif
