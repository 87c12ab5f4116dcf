#include "output_mark.h"

#include <stdio.h>
#include <string.h>

#include "event_order.h"
#include "fnv.h"

/* 133 bytes of names, the pipeline's name (64), the bucket's name (63), the values below, and the
 * key. */
enum { SOURCE_MAX = 1420, ETAG_MAX = 128, HASH_SIZE = 17 };

/* Characters other than printable ASCII are encoded as %XX, because metadata are header values. */
static size_t travelling_size(char c)
{
    return c > ' ' && c < 0x7f && c != '%' ? 1 : 3;
}

static void truncated_write(const char *key, size_t kept, char out[OBJECT_KEY_MAX + 1])
{
    snprintf(out, OBJECT_KEY_MAX + 1, "%.*s~%016llx", (int)kept, key,
             (unsigned long long)fnv_text(FNV_START, key));
}

static void source_write(const char *key, size_t max, char out[OBJECT_KEY_MAX + 1])
{
    size_t size = 0, travels = 0, fits = 0;
    for (; key[size] && size < OBJECT_KEY_MAX; size++) {
        travels += travelling_size(key[size]);
        if (travels <= max - HASH_SIZE)
            fits = size + 1;
    }
    if (travels <= max && !key[size])
        memcpy(out, key, size + 1);
    else
        truncated_write(key, fits < OBJECT_KEY_MAX - HASH_SIZE ? fits : OBJECT_KEY_MAX - HASH_SIZE,
                        out);
}

/* How much of a key is kept depends on the other metadata, which may have changed since. */
static bool source_is(const char *mark, const char *key)
{
    char truncated[OBJECT_KEY_MAX + 1];
    const char *hash = strrchr(mark, '~');
    size_t kept = hash ? (size_t)(hash - mark) : 0;
    if (strcmp(mark, key) == 0)
        return true;
    if (!hash || kept > OBJECT_KEY_MAX - HASH_SIZE)
        return false;
    truncated_write(key, kept, truncated);
    return strcmp(mark, truncated) == 0;
}

static void mark_add(struct output_marks *out, const char *name, const char *value)
{
    out->pairs[out->count++] = (struct object_pair){name, value};
}

static void size_add(struct output_marks *out, const char *name, char text[OUTPUT_SIZE_MAX],
                     unsigned width, unsigned height)
{
    if (!width || !height)
        return;
    snprintf(text, OUTPUT_SIZE_MAX, "%ux%u", width, height);
    mark_add(out, name, text);
}

void output_marks_make(const char *pipeline, const struct envelope_record *record, const char *etag,
                       const struct output_sizes *sizes, size_t taken, struct output_marks *out)
{
    out->count = 0;
    source_write(record->key, SOURCE_MAX - taken, out->source);
    mark_add(out, OUTPUT_MARK_PIPELINE, pipeline);
    mark_add(out, OUTPUT_MARK_BUCKET, record->bucket);
    mark_add(out, OUTPUT_MARK_SOURCE, out->source);
    if (etag && strlen(etag) <= ETAG_MAX)
        mark_add(out, OUTPUT_MARK_ETAG, etag);
    if (sequencer_valid(record->sequencer))
        mark_add(out, OUTPUT_MARK_SEQUENCER, record->sequencer);
    size_add(out, OUTPUT_MARK_SIZE, out->size, sizes->width, sizes->height);
    size_add(out, OUTPUT_MARK_IMAGE, out->image, sizes->image_width, sizes->image_height);
}

bool output_mark_present(const struct object_facts *facts)
{
    return object_metadata(facts, OUTPUT_MARK_PIPELINE) != NULL;
}

bool output_mark_is_of(const struct object_facts *facts, const char *bucket, const char *key)
{
    const char *of_bucket = object_metadata(facts, OUTPUT_MARK_BUCKET);
    const char *source = object_metadata(facts, OUTPUT_MARK_SOURCE);
    return of_bucket && source && strcmp(of_bucket, bucket) == 0 && source_is(source, key);
}

const char *output_mark_sequencer(const struct object_facts *facts,
                                  const struct envelope_record *record)
{
    if (!output_mark_is_of(facts, record->bucket, record->key))
        return NULL;
    return object_metadata(facts, OUTPUT_MARK_SEQUENCER);
}
