#include "s3_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "wall_clock.h"

/* English names, independent of the locale. */
static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

int64_t s3_time_now_ms(void)
{
    return wall_clock_ms();
}

static struct tm split(int64_t unix_ms)
{
    struct tm utc = {0};
    time_t seconds = (time_t)(unix_ms / 1000);
    gmtime_r(&seconds, &utc);
    return utc;
}

void s3_time_iso(int64_t unix_ms, char out[S3_TIME_SIZE])
{
    struct tm utc = split(unix_ms);
    char seconds[32];
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, S3_TIME_SIZE, "%s.%03dZ", seconds, (int)(unix_ms % 1000));
}

void s3_time_iso_listed(int64_t unix_ms, char out[S3_TIME_SIZE])
{
    s3_time_iso(unix_ms - unix_ms % 1000, out);
}

void s3_time_iso_seconds(int64_t unix_seconds, char out[S3_TIME_SIZE])
{
    struct tm utc = split(unix_seconds * 1000);
    strftime(out, S3_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static char *put_number(char *at, int value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

static char *put_text(char *at, const char *text, size_t size)
{
    memcpy(at, text, size);
    return at + size;
}

/* Without printf, because every response with an object needs it. */
void s3_time_http(int64_t unix_ms, char out[S3_TIME_SIZE])
{
    struct tm utc = split(unix_ms);
    char *at = put_text(out, days + 3 * utc.tm_wday, 3);
    at = put_number(put_text(at, ", ", 2), utc.tm_mday, 2);
    at = put_text(put_text(at, " ", 1), months + 3 * utc.tm_mon, 3);
    at = put_number(put_text(at, " ", 1), utc.tm_year + 1900, 4);
    at = put_number(put_text(at, " ", 1), utc.tm_hour, 2);
    at = put_number(put_text(at, ":", 1), utc.tm_min, 2);
    at = put_number(put_text(at, ":", 1), utc.tm_sec, 2);
    put_text(at, " GMT", sizeof(" GMT"));
}

static int month_number(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (strncmp(name, months + 3 * i, 3) == 0)
            return i;
    }
    return -1;
}

static int join(struct tm *utc, const char *month, int year, int64_t *unix_ms)
{
    utc->tm_mon = month_number(month);
    utc->tm_year = year - 1900;
    if (utc->tm_mon < 0)
        return ERR_INVALID;
    *unix_ms = (int64_t)timegm(utc) * 1000;
    return utc->tm_year < -1900 || utc->tm_year > 9999 - 1900 ? ERR_INVALID : 0; /* four digits */
}

int s3_time_parse_http(struct slice text, int64_t *unix_ms)
{
    char copy[S3_TIME_SIZE], month[4] = "";
    struct tm utc = {0};
    int year = 0;
    if (text.size >= sizeof(copy))
        return ERR_INVALID;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    const char *after_day = strchr(copy, ',');
    if (after_day) {
        if (sscanf(after_day, ", %2d %3s %4d %2d:%2d:%2d GMT", &utc.tm_mday, month, &year,
                   &utc.tm_hour, &utc.tm_min, &utc.tm_sec) == 6)
            return join(&utc, month, year, unix_ms);
        if (sscanf(after_day, ", %2d-%3s-%2d %2d:%2d:%2d GMT", &utc.tm_mday, month, &year,
                   &utc.tm_hour, &utc.tm_min, &utc.tm_sec) == 6)
            return join(&utc, month, year + (year < 70 ? 2000 : 1900), unix_ms);
        return ERR_INVALID;
    }
    if (sscanf(copy, "%*3s %3s %2d %2d:%2d:%2d %4d", month, &utc.tm_mday, &utc.tm_hour, &utc.tm_min,
               &utc.tm_sec, &year) == 6)
        return join(&utc, month, year, unix_ms);
    return ERR_INVALID;
}

int s3_time_parse_iso(const char *text, int64_t *unix_ms)
{
    struct tm utc = {0};
    int year, month, used = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &utc.tm_mday, &used) != 3 || month < 1 ||
        month > 12 || utc.tm_mday < 1 || utc.tm_mday > 31 || year < 1970)
        return ERR_INVALID;
    text += used;
    used = 0;
    if (*text == 'T' &&
        (sscanf(text, "T%2d:%2d:%2d%n", &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &used) != 3 ||
         utc.tm_hour > 23 || utc.tm_min > 59 || utc.tm_sec > 60))
        return ERR_INVALID;
    text += used;
    if (*text == '.')
        text += 1 + strspn(text + 1, "0123456789");
    if (*text && strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0)
        return ERR_INVALID;
    utc.tm_year = year - 1900;
    utc.tm_mon = month - 1;
    *unix_ms = (int64_t)timegm(&utc) * 1000;
    return 0;
}
