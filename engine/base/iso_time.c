#include "iso_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "error.h"

enum { YEAR_MIN = 1970, YEAR_MAX = 9999 };

/* "+01:00", "-0530" */
static int offset_parse(const char *text, int64_t *seconds)
{
    unsigned hours = 0, minutes = 0;
    int end = 0;
    if (sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &end) != 2 &&
        sscanf(text + 1, "%2u%2u%n", &hours, &minutes, &end) != 2)
        return ERR_INVALID;
    if (text[1 + end] || hours > 23 || minutes > 59)
        return ERR_INVALID;
    *seconds = ((int64_t)hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return 0;
}

/* ".678": more digits than three are read over. */
static int fraction_parse(const char **text, int64_t *ms)
{
    const char *at = *text;
    if (*at != '.')
        return 0;
    at++;
    for (int64_t unit = 100; *at >= '0' && *at <= '9'; at++, unit /= 10)
        *ms += (*at - '0') * unit;
    if (at == *text + 1)
        return ERR_INVALID;
    *text = at;
    return 0;
}

static int zone_parse(const char *text, int64_t *seconds)
{
    if (!*text || strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0)
        return 0;
    return *text == '+' || *text == '-' ? offset_parse(text, seconds) : ERR_INVALID;
}

int iso_time_parse(const char *text, int64_t *unix_ms)
{
    struct tm tm = {0};
    int end = 0;
    int64_t ms = 0, offset_s = 0;
    if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6)
        return ERR_INVALID;
    text += end;
    if (tm.tm_year < YEAR_MIN || tm.tm_year > YEAR_MAX || fraction_parse(&text, &ms) ||
        zone_parse(text, &offset_s))
        return ERR_INVALID;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *unix_ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
    return 0;
}

void iso_time_format(int64_t unix_s, char out[ISO_TIME_SIZE])
{
    struct tm tm;
    time_t time = (time_t)unix_s;
    if (!gmtime_r(&time, &tm) || !strftime(out, ISO_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
        out[0] = '\0';
}
