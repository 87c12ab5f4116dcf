#include "dead_letter.h"

#include <stdbool.h>
#include <string.h>

#include "message_memory.h"
#include "utf8.h"

enum { OWN_COUNT = 5, DETAIL_LEAST = 16 };

static const char text_type[] = "String";

struct own { /* most important first */
    const char *name;
    const char *value; /* NULL or empty: omitted */
    bool may_be_cut;
};

bool dead_letter_adds(const char *attribute)
{
    static const char *const names[OWN_COUNT] = {"ThumbwheelReason", "ThumbwheelRecords",
                                                 "ThumbwheelDetail", "ThumbwheelPipeline",
                                                 "ThumbwheelMessageId"};
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (strcmp(names[i], attribute) == 0)
            return true;
    }
    return false;
}

/* The length of the first character if it is valid in a message (SendMessage, SQS API Reference:
 * the characters of XML), else 0. */
static size_t character_size(const char *text)
{
    uint32_t c;
    size_t size = utf8_decode(text, &c);
    if (!size || c == 0xFFFE || c == 0xFFFF)
        return 0;
    return c < ' ' && c != '\t' && c != '\n' && c != '\r' ? 0 : size;
}

/* Copies at most max bytes of a text in whole characters; characters that are invalid in a message
 * become '?'. */
static void text_clean(const char *text, size_t max, char *out)
{
    size_t used = 0;
    while (*text) {
        size_t size = character_size(text);
        if (used + (size ? size : 1) > max)
            break;
        if (size)
            memcpy(out + used, text, size);
        else
            out[used] = '?';
        used += size ? size : 1;
        text += size ? size : 1;
    }
    out[used] = '\0';
}

static size_t attribute_size(const struct queue_attribute *attribute)
{
    return strlen(attribute->name) + strlen(attribute->type) + strlen(attribute->value);
}

/* Adds the message's own attributes; those of an earlier rejection are replaced. */
static size_t originals_take(const struct queue_message *message, struct queue_attribute *out,
                             size_t *bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < message->attribute_count && count < QUEUE_ATTRIBUTES_MAX; i++) {
        if (dead_letter_adds(message->attributes[i].name))
            continue;
        *bytes += attribute_size(&message->attributes[i]);
        out[count++] = message->attributes[i];
    }
    return count;
}

/* The attribute's members are not const, because a received message owns its strings; a sent
 * message only borrows them. */
static struct queue_attribute lend(const char *name, const char *value)
{
    return (struct queue_attribute){.name = (char *)(uintptr_t)name,
                                    .type = (char *)(uintptr_t)text_type,
                                    .value = (char *)(uintptr_t)value};
}

static size_t owns_add(const struct own *owns, size_t count, struct queue_attribute *out,
                       size_t room, char cut[TALLY_DETAIL_MAX + 1])
{
    for (size_t i = 0; i < OWN_COUNT && count < QUEUE_ATTRIBUTES_MAX; i++) {
        const struct own *own = &owns[i];
        size_t fixed = strlen(own->name) + sizeof text_type - 1;
        const char *value = own->value ? own->value : "";
        if (own->may_be_cut && room >= fixed + DETAIL_LEAST) {
            size_t most = room - fixed;
            text_clean(value, most < TALLY_DETAIL_MAX ? most : TALLY_DETAIL_MAX, cut);
            value = cut;
        }
        if (!*value || fixed + strlen(value) > room)
            continue;
        room -= fixed + strlen(value);
        out[count++] = lend(own->name, value);
    }
    return count;
}

int dead_letter_send(struct consumer *consumer, const struct queue_message *message,
                     const struct dead_letter *why, queue_sent *done, void *user)
{
    const struct queue_backend_ops *ops = consumer->home.backend->ops;
    const struct own owns[OWN_COUNT] = {{"ThumbwheelReason", why->reason, false},
                                        {"ThumbwheelRecords", why->records, false},
                                        {"ThumbwheelDetail", why->detail, true},
                                        {"ThumbwheelPipeline", consumer->home.name, false},
                                        {"ThumbwheelMessageId", message->id, false}};
    struct queue_attribute attributes[QUEUE_ATTRIBUTES_MAX];
    char cut[TALLY_DETAIL_MAX + 1] = "";
    size_t most = ops->facts(consumer->dead_letters)->message_max, bytes = message->body_size;
    if (most == 0)
        most = QUEUE_MESSAGE_MAX;
    size_t count = originals_take(message, attributes, &bytes);
    if (bytes > most)
        return ERR_LIMIT;
    count = owns_add(owns, count, attributes, most - bytes, cut);
    struct queue_send send = {.body = message->body,
                              .body_size = message->body_size,
                              .attributes = attributes,
                              .attribute_count = count,
                              .trace = why->trace};
    send.group = message->group;
    if (message->group && queue_is_fifo(ops->facts(consumer->dead_letters)))
        /* a repetition of this rejection must not create a second dead letter */
        send.deduplication = message->id;
    return ops->send(consumer->dead_letters, &send, done, user);
}
