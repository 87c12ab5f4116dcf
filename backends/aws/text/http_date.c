#include "http_date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "error.h"

int http_date_parse(const char *text, int64_t *seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    char month[4] = "";
    if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
        return ERR_PROTOCOL;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (!at || (at - months) % 3 != 0)
        return ERR_PROTOCOL;
    tm.tm_mon = (int)(at - months) / 3;
    tm.tm_year -= 1900;
    *seconds = (int64_t)timegm(&tm);
    return 0;
}
