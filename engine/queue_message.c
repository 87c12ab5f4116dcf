#include <stdlib.h>

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
    free(message->body);
    *message = (struct queue_message){0};
}
