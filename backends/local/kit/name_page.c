#include "name_page.h"

bool page_part_take(struct page_part *part, const char *name)
{
    if (part->count == part->limit) {
        part->next = part->last;
        return false;
    }
    part->count++;
    part->last = name;
    return true;
}

void name_page_start(struct name_page *page, const struct name_index *index)
{
    const char *prefix = page->prefix ? page->prefix : "";
    size_t first = name_index_from(index, prefix);
    size_t next = page->after ? name_index_after(index, page->after) : 0;
    page->index = index;
    page->at = next > first ? next : first;
    page->end = name_index_beyond(index, prefix);
}

struct named *name_page_next(struct name_page *page)
{
    while (page->at < page->end) {
        struct named *item = page->index->items[page->at];
        page->at++;
        if (page->shows && !page->shows(item, page->user))
            continue;
        if (page_part_take(&page->part, item->name))
            return item;
        page->end = page->at;
    }
    return NULL;
}
