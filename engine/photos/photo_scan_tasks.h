/*
 * The tasks of a scan, which run on the index thread. The scan submits them, and frees them when they
 * are done. A task keeps the serial of its scan, because another one may have begun meanwhile.
 */
#ifndef THUMBWHEEL_PHOTO_SCAN_TASKS_H
#define THUMBWHEEL_PHOTO_SCAN_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object_store.h"
#include "photo_config.h"
#include "photo_index.h"

struct photo_scan;

enum {
    SCAN_CHANGES_MAX = 256, /* photos of a page that are named one by one */
    SCAN_SWEEP_MAX = 500,   /* photos that a task removes */
};

struct scan_change { /* of a photo; owned strings */
    char *bucket, *key;
    bool recent;
};

/* Finds the place of an interrupted scan, if it resumes one; else begins a new generation. */
struct scan_beginning {
    struct index_task task;
    struct photo_scan *scan;
    unsigned serial;
    bool resumes; /* a scan that was interrupted goes on */
    int64_t stage;
    char *after; /* owned; NULL: at the beginning */
};

int scan_beginning_run(struct index_task *task, struct photo_db *db);

struct scan_page {
    struct index_task task;
    struct photo_scan *scan;
    unsigned serial;
    char *bucket;
    size_t stage;
    bool outputs, more;
    struct object_entry *entries; /* owned strings */
    size_t count;
    struct scan_change changes[SCAN_CHANGES_MAX];
    size_t change_count;
};

/* Stores a copy of the entries, and notes which photos have changed. The caller sets scan, serial and
 * stage. NULL: out of memory. */
struct scan_page *scan_page_make(const struct photo_stage *stage,
                                 const struct object_entry *entries, size_t count, bool more,
                                 void (*done)(struct index_task *task, int code));
void scan_page_free(struct scan_page *page);

/* Removes what the scan has not found: at most SCAN_SWEEP_MAX photos, then the outputs; `more`: it has
 * to run again. The strings of `gone` are the caller's, and NULL when memory was short. */
struct scan_sweep {
    struct index_task task;
    struct photo_scan *scan;
    unsigned serial;
    bool photos, outputs, more;
    struct scan_change gone[SCAN_SWEEP_MAX];
    size_t gone_count;
};

int scan_sweep_run(struct index_task *task, struct photo_db *db);

#endif
