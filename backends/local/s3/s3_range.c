#include "s3_range.h"

#include <string.h>

#include "s3_time.h"

enum { DIGITS_MAX = 18 };

/* Takes digits from the front of *text; false: there are none. */
static bool take_number(struct slice *text, uint64_t *number)
{
    size_t digits = 0;
    *number = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') {
        if (digits == DIGITS_MAX)
            return false;
        *number = *number * 10 + (uint64_t)(text->data[digits++] - '0');
    }
    *text = (struct slice){text->data + digits, text->size - digits};
    return digits > 0;
}

static enum s3_error suffix_range(struct slice rest, uint64_t size, struct s3_range *range)
{
    uint64_t length;
    if (!take_number(&rest, &length) || rest.size)
        return S3_OK; /* not understood: ignored */
    if (!length || !size)
        return S3_INVALID_RANGE;
    range->partial = true;
    range->size = length < size ? length : size;
    range->first = size - range->size;
    return S3_OK;
}

static enum s3_error plain_range(struct slice rest, uint64_t size, struct s3_range *range)
{
    uint64_t first, last = UINT64_MAX;
    if (!take_number(&rest, &first) || !rest.size || rest.data[0] != '-')
        return S3_OK;
    rest = (struct slice){rest.data + 1, rest.size - 1};
    if (rest.size && (!take_number(&rest, &last) || rest.size || last < first))
        return S3_OK;
    if (first >= size)
        return S3_INVALID_RANGE;
    range->partial = true;
    range->first = first;
    range->size = (last < size ? last + 1 : size) - first;
    return S3_OK;
}

enum s3_error s3_range_parse(struct slice header, uint64_t size, struct s3_range *range)
{
    static const char unit[] = "bytes=";
    *range = (struct s3_range){.size = size};
    if (!slice_starts_with(header, unit))
        return S3_OK;
    struct slice rest = {header.data + sizeof unit - 1, header.size - (sizeof unit - 1)};
    if (rest.size && rest.data[0] == '-')
        return suffix_range((struct slice){rest.data + 1, rest.size - 1}, size, range);
    return plain_range(rest, size, range);
}

/* Whether a list of entity tags contains this one. */
static bool lists_etag(struct slice list, const char *etag)
{
    size_t size = strlen(etag);
    while (list.size) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t length = comma ? (size_t)(comma - list.data) : list.size;
        struct slice item = {list.data, length};
        length += comma != NULL;
        list = (struct slice){list.data + length, list.size - length};
        while (item.size && (*item.data == ' ' || *item.data == '"'))
            item = (struct slice){item.data + 1, item.size - 1};
        while (item.size && (item.data[item.size - 1] == ' ' || item.data[item.size - 1] == '"'))
            item.size--;
        if (slice_equal_text(item, "*") || (item.size == size && !memcmp(item.data, etag, size)))
            return true;
    }
    return false;
}

/* Headers have whole seconds. A date that cannot be parsed is ignored. */
static bool is_after(int64_t modified_ms, struct slice date)
{
    int64_t limit;
    return date.data && !s3_time_parse_http(date, &limit) && modified_ms / 1000 > limit / 1000;
}

/* A date in the future is ignored, too (RFC 9110, 13.1.3 calls it invalid). */
static bool is_not_after(int64_t modified_ms, struct slice date)
{
    int64_t limit;
    return date.data && !s3_time_parse_http(date, &limit) && limit < s3_time_now_ms() &&
           modified_ms / 1000 <= limit / 1000;
}

enum s3_error s3_preconditions_check(const struct s3_preconditions *conditions, const char *etag,
                                     int64_t modified_ms, const char **failed)
{
    *failed = "If-Match";
    if (conditions->match.data && !lists_etag(conditions->match, etag))
        return S3_PRECONDITION_FAILED;
    *failed = "If-Unmodified-Since";
    if (!conditions->match.data && is_after(modified_ms, conditions->unmodified_since))
        return S3_PRECONDITION_FAILED;
    *failed = "If-None-Match";
    if (conditions->none_match.data)
        return lists_etag(conditions->none_match, etag) ? S3_NOT_MODIFIED : S3_OK;
    *failed = "If-Modified-Since";
    return is_not_after(modified_ms, conditions->modified_since) ? S3_NOT_MODIFIED : S3_OK;
}
