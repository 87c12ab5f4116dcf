/*
 * Compares the files of all objects with what was stored, in the background: a copy on a failing disk
 * is found before it is needed. Each blob in turn, at most at a rate in bytes per second; a day after
 * the start of a pass the next one begins.
 *
 * A blob with other bytes is logged and marked, so that reading it fails (blob_damage.h); one that is
 * as it was stored again loses its mark. Files are read aside (storage.h) in pieces, one at a time.
 * Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SCRUB_H
#define THUMBWHEEL_LOCAL_SCRUB_H

#include <stdint.h>

struct cloud;
struct scrub;

/* rate: bytes per second. NULL: memory is short. cloud->storage and cloud->buckets must be open. */
struct scrub *scrub_start(struct cloud *cloud, uint64_t rate);
/* Submits nothing more. */
void scrub_stop(struct scrub *scrub);
/* After storage has closed. closed is called from the loop. */
void scrub_close(struct scrub *scrub, void (*closed)(void *user), void *user);

#endif
