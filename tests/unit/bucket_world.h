/* A fixture for buckets and their data on disk, without the protocol: a bucket "photos" with its
 * own loop and directory, work on the storage thread, counting files, and a process to kill. */
#ifndef BUCKET_WORLD_H
#define BUCKET_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buckets.h"
#include "cloud.h"
#include "objects.h"

struct fixture {
    uv_loop_t loop;
    struct cloud cloud;
    char directory[64];
    int64_t bucket;
    bool done;
    int code;
};

int await(struct fixture *f);
void open_state(struct fixture *f);
void close_state(struct fixture *f);

/* Of a change to a bucket, for await(). */
void on_bucket(int code, const struct error *error, void *user);
int create_bucket(struct fixture *f, const char *name);
int set_up(void **state);
int tear_down(void **state);

/* Runs a function on the storage thread and waits for it. */

typedef int work(struct fixture *f, void *argument, struct error *error);

int on_storage(struct fixture *f, work *function, void *argument);
struct blobs *blobs_of(struct fixture *f);
int write_blob(struct fixture *f, uint64_t id, const char *body, struct error *error);
int delete_key(struct fixture *f, const char *key);

/* Files. */

/* In a directory of the state, at any depth. */
size_t files_in(struct fixture *f, const char *name);

/* Waits for a turn of the storage thread, after which the actions of earlier commits have run. */
void settle(struct fixture *f);

/* After a kill: nothing is incomplete, and there is a file for each row that `sql` counts. */
void assert_files_are_rows(struct fixture *f, const char *sql);

/* A process to kill: it runs rounds endlessly and reports the number of each acknowledged one. It
 * exits if a round fails. */

typedef void victim_round(struct fixture *f, unsigned number);

/* Kills it this many microseconds after it has reported this many rounds; returns the last reported
 * round. */
unsigned run_and_kill(struct fixture *f, victim_round *round, unsigned rounds, unsigned delay_us);

#endif
