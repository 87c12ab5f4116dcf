/* Labels as they are stored: a JSON document, and tags of the object. Loop thread. */
#ifndef THUMBWHEEL_LABEL_DOCUMENT_H
#define THUMBWHEEL_LABEL_DOCUMENT_H

#include "bytes.h"
#include "envelope.h"
#include "labeler.h"
#include "object_store.h"
#include "pipeline.h"

/* {"bucket", "key", "etag", "image": {…}, "labels": [{"name", "value", "confidence"}]}; the same
 * labels give the same bytes. */
int label_document_write(const struct envelope_record *record, const char *etag,
                         const struct image_facts *image, const struct label_set *labels,
                         struct bytes *out);

/* Others' tags first and unchanged, then labels, best first, as far as ten tags go. A label's tag
 * has its name as the key; the value is the label's, or, for a label that has none, its confidence
 * in percent ("Landscape" = "100.0"). A tag of the same name is replaced. *out and its strings are
 * malloc'd. ERR_MEMORY. */
int label_tags_merge(const struct object_pair *existing, size_t existing_count,
                     const struct label_set *labels, struct object_pair **out, size_t *count);

#endif
