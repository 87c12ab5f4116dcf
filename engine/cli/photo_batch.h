/*
 * Processes photos with a running service: uploads them, waits, fetches and reports the results.
 *
 * Each photo has one part for each pipeline that accepts its key (photo_results.h), and the
 * engine's observer reports the outcome of each. A missing report does not block the run: without
 * progress for the time of --patience it gives up and reports what is missing.
 */
#ifndef THUMBWHEEL_PHOTO_BATCH_H
#define THUMBWHEEL_PHOTO_BATCH_H

#include "photo_results.h"
#include "photos.h"
#include "progress.h"
#include "service.h"

struct photo_uploader;
struct output_downloads;

struct photo_batch {
    struct service *service;
    struct photo_results results;
    struct progress progress;
    struct photo_uploader *uploader;
    struct output_downloads *downloads;
    uint64_t began_ms, ended_ms; /* the loop's clock */
    uint64_t moved_ms, movement; /* time of the last progress, and the counter that detects it */
    bool running;
    bool verbose; /* print a row for each rendition, and each retry */
    bool json;    /* print a report for scripts on standard output, and no failures */
};

/* verbose and json are taken from the settings; the caller may change them. photos must outlive the
 * batch; the service may be opened later, but before photo_batch_run. */
int photo_batch_init(struct photo_batch *batch, struct service *service,
                     const struct photos *photos, struct error *error);
void photo_batch_clear(struct photo_batch *batch);

/* The engine's observer, with the batch as its user. */
void photo_batch_observe(const struct engine_record *record, void *batch);

/* Uploads the photos and waits until all are settled, there is no progress (which it reports), or a
 * signal interrupts it. */
int photo_batch_run(struct photo_batch *batch, struct error *error);
/* Downloads the outputs into the directory of --out. */
int photo_batch_download(struct photo_batch *batch, struct error *error);
/* Prints the report. True if everything succeeded. */
bool photo_batch_report(struct photo_batch *batch);

#endif
