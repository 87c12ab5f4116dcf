/*
 * One page of a listing, as the List… operations of SQS, SNS and EventBridge return it: at most
 * `limit` entries, and a token for the next page if there are more. The token is the name of the
 * page's last entry. It names no position, so it stays valid when entries are added or deleted.
 *
 *     struct name_page page = {.prefix = "a-", .after = token, .part = {.limit = 100}};
 *     name_page_start(&page, index);
 *     while ((item = name_page_next(&page)))
 *         …
 *     page.part.next is the token of the next page
 *
 * The listings of S3 (s3/store) do not use it. Their entries are rows that the storage thread reads
 * with SQL, not names in memory. A page groups keys at a delimiter and seeks past each group. The
 * marker of a version or an upload has two parts, the key and an id. Loop thread.
 */
#ifndef THUMBWHEEL_NAME_PAGE_H
#define THUMBWHEEL_NAME_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "name_index.h"

/* The arithmetic of a page, for any list whose entries have unique names. */
struct page_part {
    size_t limit;     /* at least 1 */
    const char *next; /* result: the token; NULL: no entries follow. Borrowed from the entry */
    /* private */
    size_t count;
    const char *last;
};

/* Whether the next entry, in order, still belongs to the page. If it does not, the page ends. */
bool page_part_take(struct page_part *part, const char *name);

/* Whether a listing shows an entry. */
typedef bool name_page_filter(const struct named *item, const void *user);

/* A page of the names in an index. Everything is borrowed while the page is read. The index must
 * not change meanwhile. */
struct name_page {
    const char *prefix;      /* NULL: all names */
    const char *after;       /* the token; NULL: the first page. Need not be a name in the index */
    name_page_filter *shows; /* NULL: everything */
    const void *user;        /* of shows */
    struct page_part part;
    /* private */
    const struct name_index *index;
    size_t at, end;
};

void name_page_start(struct name_page *page, const struct name_index *index);
struct named *name_page_next(struct name_page *page); /* NULL: the page has ended */

#endif
