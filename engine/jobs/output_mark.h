/*
 * The metadata that an output carries: of which object it was made, by which event, for which
 * pipeline. It marks the object as ours, so that an event for it is never work, and tells an older
 * event that a newer one was here before it. The same event always writes the same marks.
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

enum { OUTPUT_MARKS_MAX = 5 };

struct output_marks {
    struct object_pair pairs[OUTPUT_MARKS_MAX]; /* borrow what they were made of */
    size_t count;
    char source[OBJECT_KEY_MAX + 1];
};

/* etag (of the source; without quotes) may be NULL. All together stay below the 2 KB that S3 allows
 * ("User-defined object metadata", S3 User Guide), encoded as they travel: a key that would be
 * longer is cut, and a hash of the whole stands at its end. */
void output_marks_make(const char *pipeline, const struct envelope_record *record, const char *etag,
                       struct output_marks *out);

bool output_mark_present(const struct object_facts *facts);
/* The sequencer of the event that an output was made for, if it was made of the record's object;
 * else NULL. Borrowed from the facts. */
const char *output_mark_sequencer(const struct object_facts *facts,
                                  const struct envelope_record *record);

#endif
