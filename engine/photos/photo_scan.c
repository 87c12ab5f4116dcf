/*
 * The course of a scan on the loop thread: when it begins, which listing is next, what happens after a
 * failure, and when the next scan follows. photo_scan_tasks.c does the work on the index thread.
 */
#include "photo_scan.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "photo_scan_tasks.h"

enum {
    PAUSE_MS = 20,   /* after a page */
    RETRY_MS = 1000, /* after a failure; doubled for each further one */
    RETRY_MAX_MS = 60000,
    INFORMED_MS = 60000,       /* between two scans, beside an engine */
    UNINFORMED_MS = 5000,      /* without */
    PER_PAGE_MS = 1000,        /* at least, for each page of the last scan */
    UNWATCHED_MS = 15 * 60000, /* at most, and if nobody watches */
};

static void scan_next(struct photo_scan *scan);
static void on_timer(uv_timer_t *timer);

static void wait_ms(struct photo_scan *scan, uint64_t ms)
{
    uv_timer_start(&scan->timer, on_timer, ms, 0);
}

static void try_again(struct photo_scan *scan, const char *what, const struct error *error)
{
    uint64_t ms = (uint64_t)RETRY_MS << (scan->failures < 6 ? scan->failures : 6);
    scan->failures++;
    if (log_gate_open(&scan->gate, uv_now(scan->options.loop), 60000))
        log_warn(what, LOG_TEXT("error", error->text), LOG_SUPPRESSED(&scan->gate));
    wait_ms(scan, ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS);
}

/* ---- beginning ---- */

static void beginning_done(struct index_task *task, int code)
{
    struct scan_beginning *b = container_of(task, struct scan_beginning, task);
    struct photo_scan *scan = b->scan;
    if (b->serial == scan->serial && code) {
        scan->phase = SCAN_RESTING;
        try_again(scan, "the gallery's index cannot be written, so photos are not listed",
                  &task->error);
    } else if (b->serial == scan->serial) {
        scan->phase = SCAN_LISTING;
        scan->stage = (size_t)b->stage;
        scan->after = b->after;
        b->after = NULL;
        /* what earlier listings were refused is not known any more: the next scan removes */
        scan->partial[0] = scan->partial[1] = scan->stage || scan->after;
        scan_next(scan);
    }
    free(b->after);
    free(b);
}

void photo_scan_start(struct photo_scan *scan)
{
    struct scan_beginning *b = calloc(1, sizeof *b);
    if (scan->request)
        scan->options.store->ops->cancel(scan->request);
    scan->request = NULL;
    scan->serial++;
    free(scan->after);
    scan->after = NULL;
    scan->stage = 0;
    scan->listed = scan->pages = 0;
    scan->partial[0] = scan->partial[1] = false;
    if (!b) {
        scan->phase = SCAN_RESTING;
        wait_ms(scan, RETRY_MAX_MS);
        return;
    }
    *b = (struct scan_beginning){.task = {.run = scan_beginning_run, .done = beginning_done},
                                 .scan = scan,
                                 .serial = scan->serial,
                                 .resumes = !scan->resumed};
    scan->resumed = true;
    scan->phase = SCAN_BEGINNING;
    uv_timer_stop(&scan->timer);
    photo_index_submit(scan->options.index, &b->task);
}

/* ---- pages ---- */

static void stage_end(struct photo_scan *scan)
{
    free(scan->after);
    scan->after = NULL;
    scan->stage++;
}

static void page_stored(struct photo_scan *scan, struct scan_page *page)
{
    scan->failures = 0;
    scan->listed += page->count;
    scan->pages++;
    char *after = page->count && page->more ? strdup(page->entries[page->count - 1].key) : NULL;
    if (after) {
        free(scan->after);
        scan->after = after;
    } else {
        stage_end(scan);
    }
    for (size_t i = 0; i < page->change_count; i++) {
        const struct scan_change *change = &page->changes[i];
        scan->options.changed(change->bucket, change->key, change->recent, scan->options.user);
    }
    scan->options.progressed(scan->options.user);
    wait_ms(scan, PAUSE_MS);
}

static void page_done(struct index_task *task, int code)
{
    struct scan_page *page = container_of(task, struct scan_page, task);
    struct photo_scan *scan = page->scan;
    if (page->serial == scan->serial) {
        scan->phase = SCAN_LISTING;
        if (code)
            try_again(scan, "a page of photos could not be stored in the gallery's index",
                      &task->error);
        else
            page_stored(scan, page);
    }
    scan_page_free(page);
}

static struct scan_page *page_make(struct photo_scan *scan, const struct object_entry *entries,
                                   size_t count, bool more)
{
    const struct photo_config *config = photo_index_config(scan->options.index);
    struct scan_page *page =
        scan_page_make(&config->stages[scan->stage], entries, count, more, page_done);
    if (!page)
        return NULL;
    page->scan = scan;
    page->serial = scan->serial;
    page->stage = scan->stage;
    return page;
}

/* A bucket that is missing or may not be listed must not stop the others. */
static bool is_refusal(int code)
{
    return code == ERR_NO_CONTAINER || code == ERR_NOT_FOUND || code == ERR_DENIED ||
           code == ERR_REFUSED || code == ERR_INVALID || code == ERR_UNSUPPORTED;
}

static void stage_refused(struct photo_scan *scan, const struct error *error)
{
    const struct photo_stage *stage = &photo_index_config(scan->options.index)->stages[scan->stage];
    if (log_gate_open(&scan->gate, uv_now(scan->options.loop), 60000))
        log_warn(stage->outputs ? "the outputs of photos cannot be listed for the gallery"
                                : "photos cannot be listed for the gallery",
                 LOG_TEXT("bucket", stage->bucket), LOG_TEXT("prefix", stage->prefix),
                 LOG_TEXT("error", error->text), LOG_SUPPRESSED(&scan->gate));
    scan->partial[stage->outputs] = true;
    stage_end(scan);
    wait_ms(scan, PAUSE_MS);
}

static void on_listed(const struct object_entry *entries, size_t count, bool more,
                      const struct error *error, void *user)
{
    struct photo_scan *scan = user;
    static const struct error short_of_memory = {ERR_MEMORY, "out of memory"};
    scan->request = NULL;
    if (is_refusal(error->code)) {
        stage_refused(scan, error);
        return;
    }
    struct scan_page *page = error->code ? NULL : page_make(scan, entries, count, more);
    if (!page) {
        try_again(scan, "photos could not be listed for the gallery",
                  error->code ? error : &short_of_memory);
        return;
    }
    scan->phase = SCAN_STORING;
    photo_index_submit(scan->options.index, &page->task);
}

/* ---- the end ---- */

static void scan_rest(struct photo_scan *scan)
{
    scan->phase = SCAN_RESTING;
    scan->completed = true;
    scan->ended_ms = uv_now(scan->options.loop);
    scan->options.progressed(scan->options.user);
    on_timer(&scan->timer);
}

static void sweep_done(struct index_task *task, int code)
{
    struct scan_sweep *sweep = container_of(task, struct scan_sweep, task);
    struct photo_scan *scan = sweep->scan;
    const bool current = sweep->serial == scan->serial;
    for (size_t i = 0; i < sweep->gone_count; i++) {
        const struct scan_change *gone = &sweep->gone[i];
        if (!code && current && gone->bucket && gone->key)
            scan->options.gone(gone->bucket, gone->key, scan->options.user);
        free(gone->bucket);
        free(gone->key);
    }
    if (current) {
        scan->phase = SCAN_LISTING;
        if (code)
            try_again(scan,
                      "what is not in the store any more could not be removed from the "
                      "gallery's index",
                      &task->error);
        else if (sweep->more)
            wait_ms(scan, 0);
        else
            scan_rest(scan);
    }
    free(sweep);
}

static void sweep_begin(struct photo_scan *scan)
{
    static const struct error short_of_memory = {ERR_MEMORY, "out of memory"};
    struct scan_sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep) {
        try_again(scan, "the scan of photos cannot be completed", &short_of_memory);
        return;
    }
    sweep->task = (struct index_task){.run = scan_sweep_run, .done = sweep_done};
    sweep->scan = scan;
    sweep->serial = scan->serial;
    sweep->photos = !scan->partial[false];
    sweep->outputs = !scan->partial[true];
    scan->phase = SCAN_SWEEPING;
    photo_index_submit(scan->options.index, &sweep->task);
}

/* ---- what is next ---- */

static void scan_next(struct photo_scan *scan)
{
    const struct photo_config *config = photo_index_config(scan->options.index);
    struct object_store *store = scan->options.store;
    if (scan->stage >= config->stage_count) {
        sweep_begin(scan);
        return;
    }
    const struct photo_stage *stage = &config->stages[scan->stage];
    const int code = store->ops->list(store, stage->bucket, stage->prefix, scan->after, on_listed,
                                      scan, &scan->request);
    if (code) {
        struct error error = {0};
        scan->request = NULL;
        error_set(&error, code, "the listing could not be started (%s)", error_name(code));
        try_again(scan, "photos could not be listed for the gallery", &error);
    }
}

static uint64_t rest_ms(const struct photo_scan *scan)
{
    const uint64_t least = scan->options.informed(scan->options.user) ? INFORMED_MS : UNINFORMED_MS;
    const uint64_t ms = scan->pages * PER_PAGE_MS;
    return ms < least ? least : ms < UNWATCHED_MS ? ms : UNWATCHED_MS;
}

static void on_timer(uv_timer_t *timer)
{
    struct photo_scan *scan = container_of(timer, struct photo_scan, timer);
    if (scan->phase == SCAN_LISTING) {
        scan_next(scan);
        return;
    }
    if (scan->phase != SCAN_RESTING)
        return;
    const uint64_t now = uv_now(scan->options.loop), rest = rest_ms(scan);
    const uint64_t limit = scan->options.watched(scan->options.user) ? rest : UNWATCHED_MS;
    if (!scan->completed || now - scan->ended_ms >= limit)
        photo_scan_start(scan);
    else
        wait_ms(scan, limit - (now - scan->ended_ms));
}

void photo_scan_hurry(struct photo_scan *scan)
{
    if (scan->phase == SCAN_RESTING && !scan->failures)
        on_timer(&scan->timer);
}

void photo_scan_init(struct photo_scan *scan, const struct photo_scan_options *options)
{
    *scan = (struct photo_scan){.options = *options};
    uv_timer_init(options->loop, &scan->timer);
}

void photo_scan_end(struct photo_scan *scan)
{
    scan->serial++;
    scan->phase = SCAN_RESTING;
    if (scan->request)
        scan->options.store->ops->cancel(scan->request);
    scan->request = NULL;
    free(scan->after);
    scan->after = NULL;
    uv_timer_stop(&scan->timer);
}
