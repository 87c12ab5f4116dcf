/*
 * Deletes subscriptions that were not confirmed within two days, and those that were ended by a
 * link and not restored within two days.
 *
 * All subscriptions are scanned when the cloud starts and whenever one expires, one page per turn
 * of the loop. If nothing is unconfirmed, the loop is not woken. Source: "Amazon SNS now supports
 * automatic deletion of unconfirmed subscriptions" (AWS, May 2023). Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_EXPIRY_H
#define THUMBWHEEL_LOCAL_SNS_EXPIRY_H

#include <stdint.h>

#include "error.h"

struct cloud;
struct sns_expiry;

/* The topics must be open. Begins with a scan, from the loop. */
int sns_expiry_open(struct cloud *cloud, struct sns_expiry **out, struct error *error);
/* Call it when a subscription has got an expiry time: confirmation_end_ms. */
void sns_expiry_expect(struct sns_expiry *expiry, int64_t end_ms);
/* Stops deleting; call it before storage is closed. */
void sns_expiry_stop(struct sns_expiry *expiry);
/* closed is called from the loop. */
void sns_expiry_close(struct sns_expiry *expiry, void (*closed)(void *user), void *user);

#endif
