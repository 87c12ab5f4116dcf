#include "vips_warnings.h"

#include <stdio.h>

static _Thread_local long most;

void vips_warnings_hear(const char *text)
{
    long count = 0;
    if (sscanf(text, "read gave %ld warnings", &count) == 1 && count > most)
        most = count;
}

void vips_warnings_begin(void)
{
    most = 0;
}

long vips_warnings_most(void)
{
    return most;
}
