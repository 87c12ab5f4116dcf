#include "focal_metadata.h"

#include <stdlib.h>
#include <string.h>

/* Longer numbers say no more. */
enum { NUMBER_MAX = 24 };

static const char *spaces_skip(const char *text)
{
    return text + strspn(text, " \t");
}

/* What follows the number; NULL: there is no number from 0 to 1. */
static const char *fraction_read(const char *text, double *out)
{
    text = spaces_skip(text);
    size_t size = strspn(text, "0123456789.");
    char *end;
    if (!size || size > NUMBER_MAX)
        return NULL;
    *out = strtod(text, &end);
    if (end != text + size || *out > 1)
        return NULL;
    return spaces_skip(end);
}

static int point_read(const char *text, const char *separators, struct focal_point *out)
{
    struct focal_point found = {.given = true};
    *out = (struct focal_point){0};
    if (!text)
        return 0;
    text = fraction_read(text, &found.x);
    if (!text || !*text || !strchr(separators, *text))
        return ERR_INVALID;
    text = fraction_read(text + 1, &found.y);
    if (!text || *text)
        return ERR_INVALID;
    *out = found;
    return 0;
}

int focal_metadata_read(const struct object_facts *facts, struct focal_point *out)
{
    return point_read(object_metadata(facts, FOCAL_METADATA), ",", out);
}

int focal_tags_read(const struct object_pair *tags, size_t count, struct focal_point *out)
{
    const char *text = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tags[i].name, FOCAL_METADATA) == 0)
            text = tags[i].value;
    }
    return point_read(text, ":,", out);
}
