#include <stdlib.h>
#include <string.h>

#include "queue_backend.h"

struct queue_message queue_message_take(struct queue_message *from)
{
    struct queue_message taken = *from;
    *from = (struct queue_message){0};
    return taken;
}

void queue_message_clear(struct queue_message *message)
{
    for (size_t i = 0; i < message->attribute_count; i++) {
        free(message->attributes[i].name);
        free(message->attributes[i].type);
        free(message->attributes[i].value);
    }
    free(message->attributes);
    free(message->id);
    free(message->receipt);
    free(message->group);
    free(message->body);
    free(message->deduplication);
    free(message->source_arn);
    *message = (struct queue_message){0};
}

bool queue_is_fifo(const struct queue_facts *facts)
{
    static const char suffix[] = ".fifo";
    size_t size = strlen(facts->name), end = sizeof suffix - 1;
    return size > end && strcmp(facts->name + size - end, suffix) == 0;
}
