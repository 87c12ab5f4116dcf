/*
 * Processes photos with a running service: uploads them, waits, fetches and reports the results.
 *
 * Each photo has one part for each pipeline that accepts its key (ledger.h), and the engine's
 * observer reports the outcome of each. A missing report does not hang it: after no progress for
 * --patience it gives up and reports what is missing.
 */
#ifndef THUMBWHEEL_BATCH_H
#define THUMBWHEEL_BATCH_H

#include "ledger.h"
#include "photos.h"
#include "progress.h"
#include "service.h"

struct feeder;
struct harvest;

struct batch {
    struct service *service;
    struct ledger ledger;
    struct progress progress;
    struct feeder *feeder;
    struct harvest *harvest;
    uint64_t began_ms, ended_ms; /* the loop's clock */
    uint64_t moved_ms, movement; /* time of the last progress, and how progress is detected */
    bool running;
    bool verbose; /* a row for each rendition, and what is retried */
    bool json;    /* a report for scripts on standard output, and no failures beside it */
};

/* verbose and json are those of the settings; the caller may set them otherwise. photos outlive the
 * batch; the service may be opened later, but before batch_run. */
int batch_init(struct batch *batch, struct service *service, const struct photos *photos,
               struct error *error);
void batch_clear(struct batch *batch);

/* The engine's observer, with the batch as its user. */
void batch_observe(const struct engine_record *record, void *batch);

/* Uploads the photos and waits until all are settled, there is no progress (which it reports), or
 * an interrupt. */
int batch_run(struct batch *batch, struct error *error);
/* Fetches the outputs into the directory of --out. */
int batch_collect(struct batch *batch, struct error *error);
/* Prints the report. True if everything succeeded. */
bool batch_report(struct batch *batch);

#endif
