/* Whether two notification configurations of a bucket mean the same. Any thread. */
#ifndef THUMBWHEEL_NOTIFICATION_SAME_H
#define THUMBWHEEL_NOTIFICATION_SAME_H

#include "bytes.h"

/* Two documents, which may differ in the order of their elements and in the case of the names of
 * filter rules. One that cannot be read is not the same. ERR_MEMORY. */
int notification_same(struct slice one, struct slice other, bool *same);

#endif
