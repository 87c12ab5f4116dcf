/* The draft of a request: its text, with the pipelines in use. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_DRAFT_H
#define THUMBWHEEL_GALLERY_DRAFT_H

#include "gallery_private.h"
#include "pipeline_draft.h"

/* From the body's "text". False: it has refused the request. Clear *out in any case. */
bool gallery_draft_read(struct gallery_call *call, struct pipeline_draft *out);

#endif
