#include "event_hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void event_hub_init(struct event_hub *hub, uint64_t epoch)
{
    *hub = (struct event_hub){.epoch = epoch, .oldest = 1};
    list_init(&hub->readers);
}

static struct hub_slot *slot_of(struct event_hub *hub, uint64_t number)
{
    return &hub->slots[number % EVENT_HUB_KEPT];
}

static void oldest_drop(struct event_hub *hub)
{
    struct hub_slot *slot = slot_of(hub, hub->oldest++);
    hub->bytes -= slot->data.size;
    bytes_free(&slot->data);
}

static void all_drop(struct event_hub *hub)
{
    while (hub->oldest <= hub->last)
        oldest_drop(hub);
}

void event_hub_clear(struct event_hub *hub)
{
    all_drop(hub);
}

static void readers_wake(struct event_hub *hub)
{
    for (struct list *link = hub->readers.next; link != &hub->readers; link = link->next) {
        struct hub_reader *reader = container_of(link, struct hub_reader, link);
        reader->wake(reader);
    }
}

/* The number of a lost event is used up, so that nobody resumes behind it. */
void event_hub_reset(struct event_hub *hub)
{
    all_drop(hub);
    hub->oldest = ++hub->last + 1;
    readers_wake(hub);
}

void event_hub_publish(struct event_hub *hub, const char *type, struct bytes *data)
{
    if (!data->data || data->size > EVENT_HUB_BYTES) {
        bytes_free(data);
        event_hub_reset(hub);
        return;
    }
    while (hub->oldest <= hub->last && (hub->last - hub->oldest + 1 >= EVENT_HUB_KEPT ||
                                        hub->bytes + data->size > EVENT_HUB_BYTES))
        oldest_drop(hub);
    struct hub_slot *slot = slot_of(hub, ++hub->last);
    slot->type = type;
    slot->data = bytes_take(data);
    hub->bytes += slot->data.size;
    readers_wake(hub);
}

static bool id_read(const struct event_hub *hub, const char *id, uint64_t *number)
{
    uint64_t epoch = 0;
    int used = 0;
    if (strlen(id) >= EVENT_ID_SIZE ||
        sscanf(id, "%16" SCNx64 ".%19" SCNu64 "%n", &epoch, number, &used) != 2 || id[used])
        return false;
    return epoch == hub->epoch && *number <= hub->last && *number + 1 >= hub->oldest;
}

void event_hub_join(struct event_hub *hub, struct hub_reader *reader, const char *last_id)
{
    uint64_t number = hub->last;
    reader->reset = last_id && *last_id && !id_read(hub, last_id, &number);
    reader->next = (reader->reset ? hub->last : number) + 1;
    list_push(&hub->readers, &reader->link);
    hub->reader_count++;
    hub->joins++;
}

void event_hub_leave(struct event_hub *hub, struct hub_reader *reader)
{
    if (!reader->link.next || list_empty(&reader->link))
        return;
    list_remove(&reader->link);
    hub->reader_count--;
}

bool event_hub_has(const struct event_hub *hub, const struct hub_reader *reader)
{
    return reader->reset || reader->next <= hub->last || reader->next < hub->oldest;
}

bool event_hub_next(struct event_hub *hub, struct hub_reader *reader, struct hub_event *out)
{
    if (reader->reset || reader->next < hub->oldest) {
        reader->reset = false;
        reader->next = hub->last + 1;
        *out = (struct hub_event){hub->last, "reset", SLICE_LITERAL("{}")};
        return true;
    }
    if (reader->next > hub->last)
        return false;
    const struct hub_slot *slot = slot_of(hub, reader->next);
    *out = (struct hub_event){reader->next++, slot->type, {slot->data.data, slot->data.size}};
    return true;
}

void event_hub_id(const struct event_hub *hub, uint64_t number, char out[EVENT_ID_SIZE])
{
    snprintf(out, EVENT_ID_SIZE, "%" PRIx64 ".%" PRIu64, hub->epoch, number);
}

int event_hub_write(const struct event_hub *hub, const struct hub_event *event, struct buffer *out)
{
    char id[EVENT_ID_SIZE];
    event_hub_id(hub, event->number, id);
    buffer_format(out, "id: %s\nevent: %s\ndata: ", id, event->type);
    buffer_append(out, event->data.data, event->data.size);
    return buffer_text(out, "\n\n");
}
