#include "arn.h"

#include <string.h>

struct slice arn_part(const char *arn, enum arn_part part)
{
    for (int i = 0; i < (int)part; i++) {
        arn = strchr(arn, ':');
        if (!arn)
            return slice_of(NULL);
        arn++;
    }
    return (struct slice){arn, part == ARN_RESOURCE ? strlen(arn) : strcspn(arn, ":")};
}
