/* A render's request: its pipelines and its source. Written by the parent, read by the child. */
#ifndef THUMBWHEEL_DECODER_REQUEST_H
#define THUMBWHEEL_DECODER_REQUEST_H

#include "decoder_wire.h"
#include "pipeline.h"

/* Which pipeline is in which of the child's slots; both ends maintain it. A pipeline's text is sent
 * once; a new one replaces the least recently used one. */
struct decoder_slots { /* the parent's */
    struct {
        uint64_t pipeline; /* its id; 0: free */
        uint64_t used;
    } entries[DECODER_SLOTS];
    uint64_t clock;
};

int decoder_request_write(struct buffer *out, const struct render_source *source,
                          const struct pipeline_limits *limits, struct render_item *const *items,
                          size_t count, struct decoder_slots *slots);

struct decoder_request { /* in the child; must be cleared in any case */
    struct render_source source;
    struct pipeline_limits limits;
    struct pipeline *audience[DECODER_AUDIENCE_MAX];
    struct render_item items[DECODER_ITEMS_MAX];
    size_t count;
    char *texts[3]; /* owns the data of source */
};

/* slots: DECODER_SLOTS pipelines or NULLs, updated from the request. image: the source's bytes. */
int decoder_request_read(struct slice request, struct slice image, struct pipeline **slots,
                         struct decoder_request *out);
void decoder_request_clear(struct decoder_request *request);

#endif
