/* The focal point that an object's metadata or tags name: x-amz-meta-focal: 0.3,0.7, or the tag focal
 * with the value 0.3:0.7, since tags can't have commas. Pure. */
#ifndef THUMBWHEEL_FOCAL_METADATA_H
#define THUMBWHEEL_FOCAL_METADATA_H

#include "object_store.h"
#include "pipeline.h"

#define FOCAL_METADATA "focal" /* without x-amz-meta- */

/* Two decimal numbers from 0 to 1 with a comma between them; spaces may be around each. Anything
 * else is ERR_INVALID, and nothing at all is 0: in both cases *out is not given. */
int focal_metadata_read(const struct object_facts *facts, struct focal_point *out);
/* The same of tags, whose names differ by case; a colon or a comma is between the numbers. */
int focal_tags_read(const struct object_pair *tags, size_t count, struct focal_point *out);

#endif
