/* The stored forms of labels: a JSON document and object tags. Loop thread. */
#ifndef THUMBWHEEL_LABEL_DOCUMENT_H
#define THUMBWHEEL_LABEL_DOCUMENT_H

#include <stdbool.h>

#include "bytes.h"
#include "envelope.h"
#include "labeler.h"
#include "object_store.h"
#include "pipeline.h"

struct label_document { /* borrowed */
    const struct envelope_record *record;
    const char *etag;
    const struct image_facts *image;
    const struct label_set *labels;
    const char *labeler;          /* the service; NULL: the built-in labeler, which is not named */
    const struct json_t *details; /* as in labeler.h; NULL: none */
};

/* {"bucket", "key", "etag", "image": {…}, "labeler", "labels": [{"name", "confidence", "value", and
 * the details}]}; the same labels always give the same bytes. */
int label_document_write(const struct label_document *document, struct bytes *out);

/* Whether a tag is a label, by its form: the value is a confidence ("97.3"), or the name is one whose
 * label has a value ("Dominant Colour"). All other tags belong to people and other programs. */
bool label_tag_is_label(const char *name, const char *value);
/* Whether S3 allows the text in tags. */
bool label_tag_fits(const char *text);

/* Existing tags come first and unchanged, then labels by descending confidence, up to ten tags. The
 * key of a label's tag is its name; the value is that of the label or, if it has none, its
 * confidence in percent ("Landscape" = "100.0"), in both cases without characters that S3 does not
 * allow in tags. An existing tag with the same name is replaced if it is a label, by its form, or if
 * the new label has a value; otherwise it stays, and the label is left out.
 * *out and its strings are malloc'd. ERR_MEMORY. */
int label_tags_merge(const struct object_pair *existing, size_t existing_count,
                     const struct label_set *labels, struct object_pair **out, size_t *count);

#endif
