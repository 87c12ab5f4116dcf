/* Converts between the NotificationConfiguration document and rules. Any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_NOTIFICATION_XML_H
#define THUMBWHEEL_LOCAL_S3_NOTIFICATION_XML_H

#include "bytes.h"
#include "notification.h"
#include "s3_errors.h"

/* S3_OK, or an error with a message (static; NULL: the default). Rules without an Id get one.
 * Overlapping rules are refused. On failure the notification is empty. */
enum s3_error s3_notification_parse(struct slice document, struct notification *out,
                                    const char **message);
void s3_notification_write(const struct notification *notification, struct buffer *out);

#endif
