/*
 * Deletes subscriptions that were not confirmed within two days, and those that were ended by a
 * link and not restored within two days.
 *
 * All subscriptions are looked at when the cloud starts and whenever one's time has come, a page in
 * a turn of the loop. Where nothing waits to be confirmed, nothing wakes up. Source: "Amazon SNS
 * now supports automatic deletion of unconfirmed subscriptions" (AWS, May 2023). Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_EXPIRY_H
#define THUMBWHEEL_LOCAL_SNS_EXPIRY_H

#include <stdint.h>

#include "error.h"

struct cloud;
struct sns_expiry;

/* The topics are open. Begins with a look, from the loop. */
int sns_expiry_open(struct cloud *cloud, struct sns_expiry **out, struct error *error);
/* A subscription has got an end: confirmation_end_ms. */
void sns_expiry_expect(struct sns_expiry *expiry, int64_t end_ms);
/* Deletes nothing more; before storage is closed. */
void sns_expiry_stop(struct sns_expiry *expiry);
/* closed comes from the loop. */
void sns_expiry_close(struct sns_expiry *expiry, void (*closed)(void *user), void *user);

#endif
