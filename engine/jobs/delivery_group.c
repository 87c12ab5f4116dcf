#include "delivery_group.h"

#include <string.h>

#include "delivery.h"

static bool is_of_group(const struct delivery *delivery, const char *group)
{
    return delivery->grouped && strcmp(delivery->message.group, group) == 0;
}

void delivery_group_ended(const struct delivery *delivery)
{
    struct consumer *consumer = delivery->consumer;
    if (!delivery->grouped)
        return;
    for (struct list *l = delivery->link.next; l != &consumer->deliveries; l = l->next) {
        struct delivery *later = container_of(l, struct delivery, link);
        if (later->phase == DELIVERY_BEHIND && is_of_group(later, delivery->message.group))
            later->overtaken |= !delivery->final;
    }
    consumer->context->regrouping = true;
}

bool delivery_is_behind(const struct delivery *delivery, const struct list *last)
{
    const struct list *head = &delivery->consumer->deliveries;
    for (const struct list *l = last; delivery->grouped && l != head; l = l->prev) {
        const struct delivery *earlier = container_of(l, struct delivery, link);
        if (is_of_group(earlier, delivery->message.group))
            return true;
    }
    return false;
}
