/* The focal point that an object's metadata name: x-amz-meta-focal: 0.3,0.7. Pure. */
#ifndef THUMBWHEEL_FOCAL_METADATA_H
#define THUMBWHEEL_FOCAL_METADATA_H

#include "object_store.h"
#include "pipeline.h"

#define FOCAL_METADATA "focal" /* without x-amz-meta- */

/* Two decimal numbers from 0 to 1 with a comma between them; spaces may be around each. Anything
 * else is ERR_INVALID, and nothing at all is 0: in both cases *out is not given. */
int focal_metadata_read(const struct object_facts *facts, struct focal_point *out);

#endif
