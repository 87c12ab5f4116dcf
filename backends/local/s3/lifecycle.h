/*
 * Lifecycles at work: what has expired is deleted, as S3 does it, soon after the midnight (UTC) at
 * which it is due; and when the cloud starts or a configuration is set, since then something may be
 * due already. Loop thread.
 *
 * Between two midnights nothing wakes up, and without an enabled rule in any bucket nothing ever
 * does. Buckets are looked at one after the other, in pages, each a storage task; what a page finds
 * is deleted, each in a unit with its events, before the next page is looked at.
 */
#ifndef THUMBWHEEL_LOCAL_LIFECYCLE_H
#define THUMBWHEEL_LOCAL_LIFECYCLE_H

struct cloud;
struct lifecycle_worker;

/* NULL: out of memory. The buckets are open. Begins with a look. */
struct lifecycle_worker *lifecycle_worker_start(struct cloud *cloud);
/* Looks at all buckets, soon. */
void lifecycle_worker_wake(struct lifecycle_worker *worker);
/* Begins nothing more; before storage is closed. */
void lifecycle_worker_stop(struct lifecycle_worker *worker);
/* After storage has closed. Frees, and calls closed from the loop. */
void lifecycle_worker_close(struct lifecycle_worker *worker, void (*closed)(void *user),
                            void *user);

#endif
