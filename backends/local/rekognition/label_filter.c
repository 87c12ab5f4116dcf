#include "label_filter.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FULL_NAME_MAX = LABEL_NAME_MAX + LABEL_VALUE_MAX };

static const char composition[] = "Colors and Visual Composition";

/* Labels from the file's metadata. */
static const char *const stated[] = {"Camera", "Year", "Has Location", "Flash"};

static const char *category_of(const struct label *label)
{
    for (size_t i = 0; i < sizeof stated / sizeof stated[0]; i++) {
        if (strcmp(label->name, stated[i]) == 0)
            return NULL;
    }
    return composition;
}

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)list, i, entry)
    {
        if (text && strcmp(json_string_value(entry), text) == 0)
            return true;
    }
    return false;
}

static bool is_asked_for(const struct label_filter *filter, const char *name, const char *category)
{
    bool all = json_array_size(filter->include) + json_array_size(filter->include_categories) == 0;
    bool included =
        all || list_has(filter->include, name) || list_has(filter->include_categories, category);
    return included && !list_has(filter->exclude, name) &&
           !list_has(filter->exclude_categories, category);
}

static json_t *names_of(const char *name)
{
    return name ? json_pack("[{s:s}]", "Name", name) : json_array();
}

static json_t *label_json(const struct label *label, const char *name, const char *category)
{
    return json_pack("{s:s, s:f, s:[], s:o, s:[], s:o}", "Name", name, "Confidence",
                     label->confidence, "Instances", "Parents",
                     names_of(*label->value ? label->name : NULL), "Aliases", "Categories",
                     names_of(category));
}

json_t *label_filter_apply(const struct label_filter *filter, const struct label_set *labels)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < labels->count; i++) {
        const struct label *label = &labels->entries[i];
        const char *category = category_of(label);
        char name[FULL_NAME_MAX];
        snprintf(name, sizeof name, "%s%s%s", label->name, *label->value ? " " : "", label->value);
        if (label->confidence < filter->min_confidence || json_array_size(list) == filter->max ||
            !is_asked_for(filter, name, category))
            continue;
        if (json_array_append_new(list, label_json(label, name, category))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}
