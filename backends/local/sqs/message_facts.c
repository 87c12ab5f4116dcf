/* What a receive says of a message. */
#include "queue_rows.h"

#define SEQUENCE_FIRST UINT64_C(10000000000000000000) /* twenty digits */

struct slice local_message_body(const struct local_message *m)
{
    return (struct slice){m->body, m->body_size};
}

const char *local_message_attributes(const struct local_message *m)
{
    return m->attributes;
}

void local_message_id(const struct local_message *m, char out[UUID_TEXT_SIZE])
{
    uuid_text(m->uuid, out);
}

json_t *queue_sequence(uint64_t number)
{
    return json_sprintf("%llu", (unsigned long long)(SEQUENCE_FIRST + number));
}

json_t *local_message_system(const struct local_message *m)
{
    struct slice account = local_queue_account(m->queue);
    json_t *object =
        json_pack("{s:s%, s:o, s:o, s:o}", "SenderId", account.data, account.size, "SentTimestamp",
                  json_sprintf("%lld", (long long)m->sent_ms), "ApproximateReceiveCount",
                  json_sprintf("%u", m->count), "ApproximateFirstReceiveTimestamp",
                  json_sprintf("%lld", (long long)m->first_ms));
    int failed = !object;
    if (m->trace)
        failed |= json_object_set_new(object, "AWSTraceHeader", json_string(m->trace));
    if (m->group)
        failed |= json_object_set_new(object, "MessageGroupId", json_string(m->group));
    if (m->dedup)
        failed |= json_object_set_new(object, "MessageDeduplicationId", json_string(m->dedup));
    if (m->place)
        failed |= json_object_set_new(object, "SequenceNumber", queue_sequence(m->entry.id));
    if (m->source)
        failed |= json_object_set_new(object, "DeadLetterQueueSourceArn", json_string(m->source));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}
