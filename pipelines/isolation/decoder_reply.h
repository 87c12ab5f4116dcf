/* A render's results. Written by the child, read and validated by the parent. */
#ifndef THUMBWHEEL_DECODER_REPLY_H
#define THUMBWHEEL_DECODER_REPLY_H

#include "decoder_wire.h"
#include "pipeline.h"

/* The results without the renditions' bytes, which follow in order. */
int decoder_reply_write(struct buffer *out, const struct render_item *items, size_t count);

/*  Fills the items with the results; their renditions have sizes and names, but no bytes yet.
 *
 * Names of objects, tags and the like are not taken from the child but created here, from the
 * pipeline. The child may send item failures, sizes, formats, labels, as many renditions as the
 * pipeline has outputs, and a JPEG for its labeling service, of at most `most` bytes in total.
 * ERR_PROTOCOL: it sent something else; ERR_MEMORY: this process is short of memory. The items must
 * then be cleared. */
int decoder_reply_read(struct slice reply, uint64_t most, const struct render_source *source,
                       struct render_item *const *items, size_t count);

#endif
