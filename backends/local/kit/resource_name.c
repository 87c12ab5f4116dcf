#include "resource_name.h"

#include <string.h>

enum { PARTS_BEFORE_REGION = 3 };

struct slice arn_region(const char *arn)
{
    const char *start = arn;
    if (strncmp(arn, "arn:", 4) != 0)
        return (struct slice){0};
    for (int i = 0; i < PARTS_BEFORE_REGION; i++) {
        start = strchr(start, ':');
        if (!start)
            return (struct slice){0};
        start++;
    }
    return (struct slice){start, strcspn(start, ":")};
}

bool arn_is_in(const char *arn, const char *region)
{
    struct slice own = arn_region(arn);
    return own.data && slice_equal_text(own, region);
}
