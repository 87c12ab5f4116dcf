#include "resource_name.h"

#include <string.h>

enum { PARTS_BEFORE_REGION = 3, PARTS_BEFORE_ACCOUNT = 4 };

static struct slice arn_part(const char *arn, int before)
{
    const char *start = arn;
    if (strncmp(arn, "arn:", 4) != 0)
        return (struct slice){0};
    for (int i = 0; i < before; i++) {
        start = strchr(start, ':');
        if (!start)
            return (struct slice){0};
        start++;
    }
    return (struct slice){start, strcspn(start, ":")};
}

struct slice arn_region(const char *arn)
{
    return arn_part(arn, PARTS_BEFORE_REGION);
}

struct slice arn_account(const char *arn)
{
    return arn_part(arn, PARTS_BEFORE_ACCOUNT);
}

bool arn_same_home(const char *arn, const char *other)
{
    struct slice account = arn_account(arn);
    return account.data && slice_equal(account, arn_account(other)) &&
           slice_equal(arn_region(arn), arn_region(other));
}

bool arn_is_in(const char *arn, const char *region)
{
    struct slice own = arn_region(arn);
    return own.data && slice_equal_text(own, region);
}
