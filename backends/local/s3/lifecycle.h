/*
 * Applies lifecycle rules: as in S3, expired objects are deleted soon after the midnight (UTC) at
 * which they are due; also when the cloud starts or a configuration is set, because something may
 * already be due. Loop thread.
 *
 * The loop is not woken between two midnights, and never if no bucket has an enabled rule. Buckets
 * are scanned one after the other, in pages, each a storage task; the expired objects of a page are
 * deleted, each in a unit with its events, before the next page is scanned.
 */
#ifndef THUMBWHEEL_LOCAL_LIFECYCLE_H
#define THUMBWHEEL_LOCAL_LIFECYCLE_H

struct cloud;
struct lifecycle_worker;

/* NULL: out of memory. The buckets must be open. Begins with a scan. */
struct lifecycle_worker *lifecycle_worker_start(struct cloud *cloud);
/* Schedules a scan of all buckets. */
void lifecycle_worker_wake(struct lifecycle_worker *worker);
/* Starts no more scans; call it before storage is closed. */
void lifecycle_worker_stop(struct lifecycle_worker *worker);
/* Call it after storage has closed. Frees, and calls closed from the loop. */
void lifecycle_worker_close(struct lifecycle_worker *worker, void (*closed)(void *user),
                            void *user);

#endif
