/*
 * The metadata of an output: its source object, event and pipeline. It marks the object as our
 * output, so that an event for it is ignored, and shows an older event that a newer one was already
 * processed. The same event always writes the same marks.
 */
#ifndef THUMBWHEEL_OUTPUT_MARK_H
#define THUMBWHEEL_OUTPUT_MARK_H

#include <stdbool.h>

#include "envelope.h"
#include "object_store.h"

#define OUTPUT_MARK_PIPELINE  "thumbwheel-pipeline"
#define OUTPUT_MARK_BUCKET    "thumbwheel-source-bucket"
#define OUTPUT_MARK_SOURCE    "thumbwheel-source"
#define OUTPUT_MARK_ETAG      "thumbwheel-source-etag"
#define OUTPUT_MARK_SEQUENCER "thumbwheel-sequencer"
#define OUTPUT_MARK_SIZE      "thumbwheel-size"  /* of a rendition: "1280x853" */
#define OUTPUT_MARK_IMAGE     "thumbwheel-image" /* the same of its source, upright */

enum { OUTPUT_MARKS_MAX = 7, OUTPUT_SIZE_MAX = 24 };

struct output_sizes { /* in pixels; zeroed: not of a rendition */
    unsigned width, height;
    unsigned image_width, image_height; /* of the source, upright */
};

struct output_marks {
    struct object_pair pairs[OUTPUT_MARKS_MAX]; /* borrow from their source */
    size_t count;
    char source[OBJECT_KEY_MAX + 1];
    char size[OUTPUT_SIZE_MAX], image[OUTPUT_SIZE_MAX];
};

/* etag (of the source; without quotes) may be NULL. The encoded total, with `taken` bytes of other
 * metadata (at most OBJECT_METADATA_MAX), stays below the 2 KB that S3 allows ("User-defined object
 * metadata", S3 User Guide): a longer key is truncated and ends with a hash of the whole key. */
void output_marks_make(const char *pipeline, const struct envelope_record *record, const char *etag,
                       const struct output_sizes *sizes, size_t taken, struct output_marks *out);

bool output_mark_present(const struct object_facts *facts);
/* Whether it is an output of this source object. */
bool output_mark_is_of(const struct object_facts *facts, const char *bucket, const char *key);
/* The sequencer of the event that created an output, if the record's object is its source; else
 * NULL. Borrowed from the facts. */
const char *output_mark_sequencer(const struct object_facts *facts,
                                  const struct envelope_record *record);

#endif
