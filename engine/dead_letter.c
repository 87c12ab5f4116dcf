#include "dead_letter.h"

#include <stdbool.h>
#include <string.h>

static const char *const own_names[] = {"ThumbwheelPipeline", "ThumbwheelReason",
                                        "ThumbwheelDetail", "ThumbwheelMessageId"};
enum { OWN_COUNT = sizeof own_names / sizeof own_names[0] };

static bool is_own(const char *name)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (strcmp(own_names[i], name) == 0)
            return true;
    }
    return false;
}

/* The attribute's members are not const, since a received message owns its strings; a sent one only
 * lends them. */
static struct queue_attribute lend(const char *name, const char *value)
{
    return (struct queue_attribute){.name = (char *)(uintptr_t)name,
                                    .type = (char *)(uintptr_t) "String",
                                    .value = (char *)(uintptr_t)(*value ? value : "unknown")};
}

int dead_letter_send(struct lane *lane, const struct queue_message *message, const char *reason,
                     const char *detail, queue_sent *done, void *user)
{
    const char *const values[OWN_COUNT] = {lane->home.name, reason, detail, message->id};
    struct queue_attribute attributes[QUEUE_ATTRIBUTES_MAX];
    size_t count = 0;
    for (; count < OWN_COUNT; count++)
        attributes[count] = lend(own_names[count], values[count] ? values[count] : "");
    for (size_t i = 0; i < message->attribute_count && count < QUEUE_ATTRIBUTES_MAX; i++) {
        if (!is_own(message->attributes[i].name)) /* left from an earlier rejection */
            attributes[count++] = message->attributes[i];
    }
    struct queue_send send = {.body = message->body,
                              .body_size = message->body_size,
                              .attributes = attributes,
                              .attribute_count = count};
    return lane->home.backend->ops->send(lane->dead_letters, &send, done, user);
}
