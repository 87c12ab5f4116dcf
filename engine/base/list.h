/* An intrusive, circular doubly linked list with the head as sentinel. Loop thread. */
#ifndef THUMBWHEEL_LIST_H
#define THUMBWHEEL_LIST_H

#include <stdbool.h>

#include "container_of.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Appends a link, which must not be in a list. */
static inline void list_push(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* Removes a link; removing it twice is harmless. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Removes and returns the first link, or NULL. */
static inline struct list *list_shift(struct list *head)
{
    if (list_empty(head))
        return NULL;
    struct list *first = head->next;
    head->next = first->next; /* by name, so that clang-analyzer sees that the list gets shorter */
    head->next->prev = head;
    list_init(first);
    return first;
}

/* Removes a link, and returns the one after it, or NULL at the end of the list. */
static inline struct list *list_take(struct list *head, struct list *link)
{
    struct list *after = link->next == head ? NULL : link->next;
    list_remove(link);
    return after;
}

/* Moves everything from one list to the end of another. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
