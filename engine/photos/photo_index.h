/*
 * The index of photos: a cache of what the store holds, in a SQLite file that may be deleted.
 *
 * Everything that touches the file is a task, which runs on the index's own thread. Waiting tasks
 * share a transaction; a failed one undoes only itself. Then `done` is called on the loop thread, in
 * order. A task that was submitted earlier has run earlier.
 *
 * The file is built anew if it is damaged (also while it is in use), of another version, or made for
 * other pipelines or places: `rebuilt` is then called, and the store is to be listed. If the file
 * cannot be opened or made (a full disk, a directory without rights), the index is kept in memory,
 * with a warning in the log. A full disk later on is ERR_IO of the tasks that write; they may be
 * repeated.
 */
#ifndef THUMBWHEEL_PHOTO_INDEX_H
#define THUMBWHEEL_PHOTO_INDEX_H

#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "photo_config.h"

struct photo_db; /* photo_db.h: what tasks use */
struct photo_index;

struct index_task { /* embed it; owned by the submitter, borrowed until done is called */
    /* Index thread. Returns 0, or a code with the text in task->error. */
    int (*run)(struct index_task *task, struct photo_db *db);
    void (*done)(struct index_task *task, int code); /* loop thread */
    struct error error;
    uint64_t revision; /* of the index, after run; see photo_db.h */
    /* private */
    struct index_task *next;
    int code;
};

/* path: of the file, in a directory that exists. Takes config, also on failure. rebuilt is called on
 * the loop whenever the index has become empty, and once after it was opened if it was empty then.
 * ERR_MEMORY. */
typedef void photo_index_rebuilt(void *user);
int photo_index_open(uv_loop_t *loop, const char *path, struct photo_config *config,
                     photo_index_rebuilt *rebuilt, void *user, struct photo_index **out,
                     struct error *error);

void photo_index_submit(struct photo_index *index, struct index_task *task);
/* Takes a new config, which tasks that are submitted from now on use. If it differs from the one
 * before, the index becomes empty. */
void photo_index_configure(struct photo_index *index, struct photo_config *config);
/* The newest config; borrowed until the next configure. Loop thread. */
const struct photo_config *photo_index_config(const struct photo_index *index);

/* Runs the submitted tasks, ends the thread, then calls closed from the loop. */
void photo_index_close(struct photo_index *index, void (*closed)(void *user), void *user);

#endif
