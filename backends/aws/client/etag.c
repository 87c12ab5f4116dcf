#include "etag.h"

struct slice etag_bare(const char *value)
{
    struct slice tag = slice_of(value);
    if (slice_starts_with(tag, "W/"))
        tag = (struct slice){tag.data + 2, tag.size - 2};
    if (tag.size >= 2 && tag.data[0] == '"' && tag.data[tag.size - 1] == '"')
        tag = (struct slice){tag.data + 1, tag.size - 2};
    return tag;
}
