/* A render's results. Written by the child, read and judged by the parent. */
#ifndef THUMBWHEEL_DECODER_REPLY_H
#define THUMBWHEEL_DECODER_REPLY_H

#include "decoder_wire.h"
#include "pipeline.h"

/* The results but for the renditions' bytes, which follow in order. */
int decoder_reply_write(struct buffer *out, const struct render_item *items, size_t count);

/* Fills the items with the results; their renditions have sizes and names, and no bytes yet.
 *
 * Names of objects, tags to be written and the like are not the child's to tell: they are made
 * here, from the pipeline. What it may tell: that an item failed, sizes, formats, labels, and as
 * many renditions as the pipeline has outputs, of at most `most` bytes together. ERR_PROTOCOL: it
 * said something else; ERR_MEMORY: this process is short of it. The items are to be cleared then.
 */
int decoder_reply_read(struct slice reply, uint64_t most, const struct render_source *source,
                       struct render_item *const *items, size_t count);

#endif
