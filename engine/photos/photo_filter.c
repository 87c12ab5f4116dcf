#include "photo_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso_time.h"
#include "json_text.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* Appends an element to a JSON array that is kept as text. Takes element. */
static int array_add(char **text, json_t *element, size_t max, struct error *error)
{
    json_t *array = *text ? json_text_read(slice_of(*text), 0, NULL) : json_array();
    if (!element || !array || json_array_append(array, element)) {
        json_decref(array);
        json_decref(element);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    const bool too_many = json_array_size(array) > max;
    free(*text);
    *text = json_dumps(array, JSON_COMPACT);
    json_decref(array);
    json_decref(element);
    if (too_many)
        return error_set(error, ERR_LIMIT, "a search may have at most %zu words and tags", max);
    return *text ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

/* Each word is to be a part of the name. */
static int words_add(struct photo_filter *filter, const char *value, struct error *error)
{
    char *copy = strdup(value), *rest = copy;
    int code = copy ? 0 : error_set(error, ERR_MEMORY, "out of memory");
    for (char *c = copy; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    for (char *word = strtok_r(copy, " ", &rest); word && !code; word = strtok_r(NULL, " ", &rest))
        code = array_add(&filter->words, json_string(word), FILTER_WORDS_MAX, error);
    free(copy);
    return code;
}

/* "name" or "name:value": a name that contains a colon is found with its value alone, or by itself if
 * no tag has that name and value. The query tries both. */
static int tag_add(struct photo_filter *filter, const char *value, struct error *error)
{
    const char *colon = strchr(value, ':');
    json_t *tag = colon ? json_pack("[s, s%, s]", value, value, (size_t)(colon - value), colon + 1)
                        : json_pack("[s]", value);
    return array_add(&filter->tags, tag, FILTER_TAGS_MAX, error);
}

static int day_read(const char *name, const char *value, int64_t *out_ms, struct error *error)
{
    char text[32], again[ISO_TIME_SIZE];
    snprintf(text, sizeof text, "%.10sT00:00:00Z", value);
    int code = strlen(value) == strlen("yyyy-mm-dd") ? iso_time_parse(text, out_ms) : ERR_INVALID;
    if (!code)
        iso_time_format(*out_ms / 1000, again);
    if (code || strcmp(text, again) != 0) /* there is no 31st of April */
        return error_set(error, ERR_INVALID, "%s must be a date such as 2026-11-30", name);
    return 0;
}

/* The whole day counts. */
static int to_add(struct photo_filter *filter, const char *value, struct error *error)
{
    const int code = day_read("to", value, &filter->to_ms, error);
    filter->to_ms += code ? 0 : DAY_MS;
    return code;
}

static int from_add(struct photo_filter *filter, const char *value, struct error *error)
{
    return day_read("from", value, &filter->from_ms, error);
}

static int colour_add(struct photo_filter *filter, const char *value, struct error *error)
{
    filter->coloured = true;
    return photo_colour_read(value, &filter->colour)
               ? 0
               : error_set(error, ERR_INVALID, "colour must be a colour such as #3366cc");
}

static int state_add(struct photo_filter *filter, const char *value, struct error *error)
{
    static const char *const states[] = {"waiting", "working", "done", "rejected", "retrying"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (strcmp(states[i], value) == 0) {
            snprintf(filter->state, sizeof filter->state, "%s", value);
            return 0;
        }
    }
    return error_set(error, ERR_INVALID,
                     "state must be waiting, working, done, rejected or retrying");
}

static int sort_add(struct photo_filter *filter, const char *value, struct error *error)
{
    static const char *const sorts[] = {
        [SORT_NEWEST] = "newest", [SORT_OLDEST] = "oldest", [SORT_NAME] = "name"};
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        if (strcmp(sorts[i], value) == 0) {
            filter->sort = (enum photo_sort)i;
            return 0;
        }
    }
    return error_set(error, ERR_INVALID, "sort must be newest, oldest or name");
}

int photo_filter_add(struct photo_filter *filter, const char *name, const char *value, bool *known,
                     struct error *error)
{
    static const struct {
        const char *name;
        int (*add)(struct photo_filter *filter, const char *value, struct error *error);
    } conditions[] = {{"q", words_add},  {"tag", tag_add},       {"from", from_add},
                      {"to", to_add},    {"colour", colour_add}, {"state", state_add},
                      {"sort", sort_add}};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        *known = strcmp(conditions[i].name, name) == 0;
        if (!*known)
            continue;
        if (strlen(value) > FILTER_TEXT_MAX)
            return error_set(error, ERR_LIMIT, "%s may have at most %d bytes", name,
                             (int)FILTER_TEXT_MAX);
        return *value ? conditions[i].add(filter, value, error) : 0;
    }
    return 0;
}

void photo_filter_clear(struct photo_filter *filter)
{
    free(filter->words);
    free(filter->tags);
    *filter = (struct photo_filter){0};
}
