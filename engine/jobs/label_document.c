#include "label_document.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

/* One decimal matches the precision of a confidence. */
static double rounded(double percent)
{
    return round(percent * 10) / 10;
}

static json_t *labels_json(const struct label_set *labels, const json_t *details)
{
    json_t *array = json_array();
    for (size_t i = 0; i < labels->count; i++) {
        const struct label *label = &labels->entries[i];
        json_t *item =
            json_pack("{s:s, s:f}", "name", label->name, "confidence", rounded(label->confidence));
        if (item && label->value[0])
            json_object_set_new(item, "value", json_string(label->value));
        if (item && details)
            json_object_update_missing(item, json_array_get(details, i));
        json_array_append_new(array, item);
    }
    return array;
}

int label_document_write(const struct label_document *document, struct bytes *out)
{
    const struct image_facts *image = document->image;
    json_t *root = json_pack(
        "{s:s, s:s, s:s*, s:{s:s, s:i, s:i, s:i, s:i}, s:s*, s:o}", "bucket",
        document->record->bucket, "key", document->record->key, "etag", document->etag, "image",
        "format", image->format, "width", (int)image->width, "height", (int)image->height, "frames",
        (int)image->frames, "orientation", (int)image->orientation, "labeler", document->labeler,
        "labels", labels_json(document->labels, document->details));
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(5)) : NULL;
    json_decref(root);
    if (!text)
        return ERR_MEMORY;
    *out = bytes_give(text, strlen(text));
    return 0;
}

/* ---- tags ---- */

/* S3 allows letters, digits and spaces of any script, and + - = . _ : / @ ("PutObjectTagging", S3
 * API Reference). Of the other scripts, the ranges that contain only punctuation, symbols and
 * private characters are left out. */
static bool fits_tag(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } symbols[] = {{0x80, 0xA9},     {0xAB, 0xB4},       {0xB6, 0xB9},       {0xBB, 0xBF},
                   {0xD7, 0xD7},     {0xF7, 0xF7},       {0x2000, 0x2BFF},   {0x3001, 0x3004},
                   {0x3008, 0x3020}, {0xE000, 0xF8FF},   {0xFE00, 0xFE6F},   {0xFF01, 0xFF0F},
                   {0xFFF0, 0xFFFF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF}};
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr(" +-=._:/@", (int)c));
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (c >= symbols[i].first && c <= symbols[i].last)
            return false;
    }
    return true;
}

/* Without the other characters, and without spaces at both ends. */
static void tag_text(char *out, const char *text)
{
    size_t used = 0, size;
    uint32_t c = 0;
    for (; *text && (size = utf8_decode(text, &c)); text += size) {
        if (!fits_tag(c) || (c == ' ' && (used == 0 || out[used - 1] == ' ')))
            continue;
        memcpy(out + used, text, size);
        used += size;
    }
    while (used && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
}

/* Keys with this prefix belong to AWS. */
static bool is_reserved(const char *name)
{
    return strncasecmp(name, "aws:", strlen("aws:")) == 0;
}

static bool set_has(const struct object_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].name, name) == 0)
            return true;
    }
    return false;
}

/* "97.3": a number with one decimal, at most 100. */
static bool is_confidence(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits >= 1 && digits <= 3 && text[digits] == '.' && text[digits + 1] >= '0' &&
           text[digits + 1] <= '9' && !text[digits + 2] && strtod(text, NULL) <= 100;
}

bool label_tag_is_label(const char *name, const char *value)
{
    static const char *const valued[] = {"Dominant Colour", "Second Colour", "Third Colour",
                                         "Camera",          "Year",          "Incomplete",
                                         "dHash",           "pHash"};
    for (size_t i = 0; i < sizeof valued / sizeof *valued; i++) {
        if (strcmp(valued[i], name) == 0)
            return true;
    }
    return is_confidence(value);
}

bool label_tag_fits(const char *text)
{
    size_t size;
    uint32_t c = 0;
    for (; *text && (size = utf8_decode(text, &c)); text += size) {
        if (!fits_tag(c))
            return false;
    }
    return !*text;
}

/* Whether the label replaces the tag of the same name. */
static bool is_replaced(const struct label_set *labels, const struct object_pair *existing)
{
    char tag[LABEL_NAME_MAX];
    for (size_t i = 0; i < labels->count; i++) {
        tag_text(tag, labels->entries[i].name);
        if (strcmp(tag, existing->name) == 0)
            return labels->entries[i].value[0] ||
                   label_tag_is_label(existing->name, existing->value);
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
    char name[LABEL_NAME_MAX], value[LABEL_VALUE_MAX];
    tag_text(name, label->name);
    if (!*name || is_reserved(name) || set_has(set, *count, name))
        return 0; /* tag keys are unique; the label with higher confidence came first */
    if (label->value[0])
        tag_text(value, label->value);
    else
        snprintf(value, sizeof value, "%.1f", rounded(label->confidence));
    return set_add(set, count, name, value);
}

int label_tags_merge(const struct object_pair *existing, size_t existing_count,
                     const struct label_set *labels, struct object_pair **out, size_t *count)
{
    struct object_pair *set = calloc(OBJECT_TAGS_MAX, sizeof *set);
    int code = set ? 0 : ERR_MEMORY;
    size_t n = 0;
    for (size_t i = 0; !code && i < existing_count && n < OBJECT_TAGS_MAX; i++) {
        if (!is_replaced(labels, &existing[i]))
            code = set_add(set, &n, existing[i].name, existing[i].value);
    }
    for (size_t i = 0; !code && i < labels->count && n < OBJECT_TAGS_MAX; i++)
        code = add_label(set, &n, &labels->entries[i]);
    *out = set; /* the caller frees the list, even after a failure */
    *count = n;
    return code;
}
