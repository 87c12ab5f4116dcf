/*
 * Ends restored copies when they expire: the object is archived again, as it already is for readers
 * from that time on, and s3:ObjectRestore:Delete is sent in the same commit. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_RESTORE_EXPIRY_H
#define THUMBWHEEL_LOCAL_RESTORE_EXPIRY_H

#include <stdint.h>

struct cloud;
struct restore_expiry;

/* Looks at once for what expired while the process was down; NULL: memory is short. */
struct restore_expiry *restore_expiry_start(struct cloud *cloud);
/* A copy expires at that Unix time (milliseconds). */
void restore_expiry_expect(struct restore_expiry *expiry, int64_t until_ms);
/* No new tasks are submitted afterwards. */
void restore_expiry_stop(struct restore_expiry *expiry);
/* Call it after storage has closed. */
void restore_expiry_close(struct restore_expiry *expiry, void (*closed)(void *user), void *user);

#endif
