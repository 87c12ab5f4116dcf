#include "dead_letter_facts.h"

#include <fnmatch.h>
#include <string.h>

static const char *attribute(const struct queue_message *message, const char *name)
{
    for (size_t i = 0; i < message->attribute_count; i++) {
        if (strcmp(message->attributes[i].name, name) == 0)
            return message->attributes[i].value;
    }
    return NULL;
}

static const char *pipeline_of_queue(const struct dead_letter_origins *origins, const char *arn)
{
    for (size_t i = 0; arn && i < origins->count; i++) {
        if (origins->compare(origins->items[i].queue, arn) != QUEUES_DIFFER)
            return origins->items[i].pipeline;
    }
    return NULL;
}

/* A message that the redrive policy moved may have the engine's attributes of an earlier rejection:
 * a message move task keeps them. */
static void reason_read(const struct queue_message *message,
                        const struct dead_letter_origins *origins, struct dead_letter_facts *out)
{
    if (message->source_arn) {
        out->reason = DEAD_LETTER_RECEIVES;
        out->pipeline = pipeline_of_queue(origins, message->source_arn);
        return;
    }
    out->reason = attribute(message, "ThumbwheelReason");
    out->detail = attribute(message, "ThumbwheelDetail");
    out->records = attribute(message, "ThumbwheelRecords");
    out->original_id = attribute(message, "ThumbwheelMessageId");
    out->pipeline = attribute(message, "ThumbwheelPipeline");
}

void dead_letter_facts_read(const struct queue_message *message,
                            const struct dead_letter_origins *origins,
                            struct dead_letter_facts *out)
{
    *out = (struct dead_letter_facts){0};
    reason_read(message, origins, out);
    const bool extended =
        attribute(message, "ExtendedPayloadSize") || attribute(message, "SQSLargePayloadSize");
    const struct slice body = {message->body, message->body_size};
    if (envelope_parse(body, extended, &out->envelope, NULL)) {
        out->envelope = (struct envelope){0};
        return;
    }
    out->pointer = out->envelope.kind == ENVELOPE_POINTER;
    out->record_count = out->pointer ? 0 : out->envelope.count;
    const struct envelope_record *first =
        out->pointer ? &out->envelope.pointer : out->envelope.records;
    if (out->pointer || out->record_count) {
        out->bucket = first->bucket;
        out->key = first->key;
    }
}

void dead_letter_facts_clear(struct dead_letter_facts *facts)
{
    envelope_clear(&facts->envelope);
    *facts = (struct dead_letter_facts){0};
}

/* ---- filters ---- */

bool dead_letter_filter_is_open(const struct dead_letter_filter *filter)
{
    return !filter->reason && !filter->key && !filter->pipeline && !filter->older_ms &&
           !(filter->ids && filter->ids->count > filter->first_id);
}

static bool is_pattern(const char *text)
{
    return text[strcspn(text, "*?[")] != '\0';
}

static bool reason_passes(const char *wanted, const char *reason)
{
    if (!reason)
        return false;
    return is_pattern(wanted) ? fnmatch(wanted, reason, 0) == 0 : strcmp(wanted, reason) == 0;
}

static bool key_passes(const char *wanted, const struct dead_letter_facts *facts)
{
    for (size_t i = 0; i < facts->record_count; i++) {
        const char *key = facts->envelope.records[i].key;
        if (is_pattern(wanted) ? fnmatch(wanted, key, 0) == 0
                               : strncmp(key, wanted, strlen(wanted)) == 0)
            return true;
    }
    return false;
}

static bool id_passes(const struct dead_letter_filter *filter, const struct queue_message *message,
                      const char *original_id)
{
    if (!filter->ids || filter->ids->count <= filter->first_id)
        return true;
    for (size_t i = filter->first_id; i < filter->ids->count; i++) {
        const char *wanted = filter->ids->items[i];
        if (strcmp(wanted, message->id) == 0 || (original_id && strcmp(wanted, original_id) == 0))
            return true;
    }
    return false;
}

/* A message whose age is unknown is not old. */
static bool age_passes(uint64_t older_ms, int64_t sent_ms, int64_t now_ms)
{
    return !older_ms ||
           (sent_ms > 0 && now_ms > sent_ms && (uint64_t)(now_ms - sent_ms) > older_ms);
}

bool dead_letter_filter_passes(const struct dead_letter_filter *filter,
                               const struct queue_message *message,
                               const struct dead_letter_facts *facts, int64_t now_ms)
{
    return (!filter->reason || reason_passes(filter->reason, facts->reason)) &&
           (!filter->key || key_passes(filter->key, facts)) &&
           (!filter->pipeline ||
            (facts->pipeline && strcmp(filter->pipeline, facts->pipeline) == 0)) &&
           age_passes(filter->older_ms, message->sent_ms, now_ms) &&
           id_passes(filter, message, facts->original_id);
}
