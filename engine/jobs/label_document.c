#include "label_document.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One decimal matches the precision of a confidence. */
static double rounded(double percent)
{
    return round(percent * 10) / 10;
}

static json_t *labels_json(const struct label_set *labels)
{
    json_t *array = json_array();
    for (size_t i = 0; i < labels->count; i++) {
        const struct label *label = &labels->entries[i];
        json_t *item =
            json_pack("{s:s, s:f}", "name", label->name, "confidence", rounded(label->confidence));
        if (item && label->value[0])
            json_object_set_new(item, "value", json_string(label->value));
        json_array_append_new(array, item);
    }
    return array;
}

int label_document_write(const struct envelope_record *record, const char *etag,
                         const struct image_facts *image, const struct label_set *labels,
                         struct bytes *out)
{
    json_t *root =
        json_pack("{s:s, s:s, s:s*, s:{s:s, s:i, s:i, s:i, s:i}, s:o}", "bucket", record->bucket,
                  "key", record->key, "etag", etag, "image", "format", image->format, "width",
                  (int)image->width, "height", (int)image->height, "frames", (int)image->frames,
                  "orientation", (int)image->orientation, "labels", labels_json(labels));
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(5)) : NULL;
    json_decref(root);
    if (!text)
        return ERR_MEMORY;
    *out = bytes_give(text, strlen(text));
    return 0;
}

static bool set_has(const struct object_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool is_label(const struct label_set *labels, const char *name)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->entries[i].name, name) == 0)
            return true;
    }
    return false;
}

static int set_add(struct object_pair *set, size_t *count, const char *name, const char *value)
{
    char *own_name = strdup(name);
    char *own_value = strdup(value);
    if (!own_name || !own_value) {
        free(own_name);
        free(own_value);
        return ERR_MEMORY;
    }
    set[(*count)++] = (struct object_pair){own_name, own_value};
    return 0;
}

static int add_label(struct object_pair *set, size_t *count, const struct label *label)
{
    char confidence[16];
    if (set_has(set, *count, label->name))
        return 0; /* tag keys are unique; the label with higher confidence came first */
    snprintf(confidence, sizeof confidence, "%.1f", rounded(label->confidence));
    return set_add(set, count, label->name, label->value[0] ? label->value : confidence);
}

int label_tags_merge(const struct object_pair *existing, size_t existing_count,
                     const struct label_set *labels, struct object_pair **out, size_t *count)
{
    struct object_pair *set = calloc(OBJECT_TAGS_MAX, sizeof *set);
    int code = set ? 0 : ERR_MEMORY;
    size_t n = 0;
    for (size_t i = 0; !code && i < existing_count && n < OBJECT_TAGS_MAX; i++) {
        if (!is_label(labels, existing[i].name))
            code = set_add(set, &n, existing[i].name, existing[i].value);
    }
    for (size_t i = 0; !code && i < labels->count && n < OBJECT_TAGS_MAX; i++)
        code = add_label(set, &n, &labels->entries[i]);
    *out = set; /* the caller frees the list, even after a failure */
    *count = n;
    return code;
}
