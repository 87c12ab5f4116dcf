#include "s3_tags.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "object_store.h"
#include "query_text.h"
#include "s3_xml.h"
#include "uri.h"
#include "utf8.h"

enum {
    TEXT_MAX = 4 * OBJECT_TAG_VALUE_MAX, /* maximum size of a key or value */
    KEPT_MAX = 256 * 1024,               /* all tags, escaped */
};

struct tag {
    char *key, *value;
};

struct tag_set {
    struct tag tags[S3_BUCKET_TAGS_MAX];
    size_t count, max;
    struct s3_tag_problem *problem; /* NULL: not wanted */
};

void s3_tag_problem_clear(struct s3_tag_problem *problem)
{
    free(problem->key);
    free(problem->value);
    *problem = (struct s3_tag_problem){0};
}

static void set_clear(struct tag_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->tags[i].key);
        free(set->tags[i].value);
    }
}

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

/* S3 allows letters, digits and spaces of any script, and + - = . _ : / @ */
static bool is_allowed(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c < 0x80 && !letter && !strchr(" +-=._:/@", c))
            return false;
    }
    return true;
}

/* The text of S3 for a bad tag; value NULL: it is about the key alone. */
static int refuse(const struct tag_set *set, const char *key, const char *value, const char *text,
                  struct error *error)
{
    if (set->problem) {
        set->problem->key = strdup(key);
        set->problem->value = value ? strdup(value) : NULL;
    }
    return error_set(error, ERR_INVALID, "%s", text);
}

static bool is_good(const char *text, long min, long max)
{
    long size = utf8_length(text);
    return size >= min && size <= max && is_allowed(text);
}

static bool is_system(const char *key)
{
    return strncasecmp(key, "aws:", 4) == 0;
}

static bool is_object(const struct tag_set *set)
{
    return set->max == OBJECT_TAGS_MAX;
}

static bool has_key(const struct tag_set *set, const char *key)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->tags[i].key, key) == 0)
            return true;
    }
    return false;
}

/* Texts: localstack, validate_tag_set, recorded of the service (test_s3_api.py, TestS3BucketObject
 * Tagging); for too many, versity/versitygw and scality/cloudserver. */
static int check_tag(const struct tag_set *set, const char *key, const char *value,
                     struct error *error)
{
    if (has_key(set, key))
        return refuse(set, key, NULL, "Cannot provide multiple Tags with the same key", error);
    if (is_system(key))
        return refuse(set, key, NULL,
                      is_object(set) ? "Your TagKey cannot be prefixed with aws:"
                                     : "System tags cannot be added/updated by requester",
                      error);
    if (!is_good(key, 1, OBJECT_TAG_KEY_MAX))
        return refuse(set, key, NULL, "The TagKey you have provided is invalid", error);
    if (!is_good(value, 0, OBJECT_TAG_VALUE_MAX))
        return refuse(set, key, value, "The TagValue you have provided is invalid", error);
    if (set->count < set->max)
        return 0;
    if (set->problem)
        set->problem->too_many = true;
    return error_set(error, ERR_INVALID,
                     is_object(set) ? "Object tags cannot be greater than %zu"
                                    : "Bucket tag count cannot be greater than %zu",
                     set->max);
}

/* Takes both strings, even on an error. */
static int set_add(struct tag_set *set, char *key, char *value, struct error *error)
{
    int code = key && value ? check_tag(set, key, value, error) : no_memory(error);
    if (code) {
        free(key);
        free(value);
        return code;
    }
    set->tags[set->count++] = (struct tag){key, value};
    return 0;
}

static int set_keep(const struct tag_set *set, char **tags, struct error *error)
{
    struct buffer out;
    buffer_init(&out, KEPT_MAX);
    buffer_text(&out, "");
    for (size_t i = 0; i < set->count; i++) {
        if (i)
            buffer_byte(&out, '&');
        uri_encode(&out, slice_of(set->tags[i].key), false);
        buffer_byte(&out, '=');
        uri_encode(&out, slice_of(set->tags[i].value), false);
    }
    *tags = buffer_take_text(&out);
    return *tags ? 0 : no_memory(error);
}

static int decode(struct slice text, char **decoded)
{
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    buffer_text(&out, "");
    int code = uri_decode(&out, text, true);
    *decoded = code ? NULL : buffer_take_text(&out);
    buffer_free(&out);
    return code || *decoded ? code : ERR_MEMORY;
}

static int add_pair(struct tag_set *set, struct slice name, struct slice value, struct error *error)
{
    char *key = NULL, *text = NULL;
    int code = decode(name, &key);
    if (code)
        goto out;
    code = decode(value, &text);
    if (code)
        goto out;
    return set_add(set, key, text, error);
out:
    free(key);
    free(text);
    if (code == ERR_MEMORY)
        return no_memory(error);
    return error_set(error, ERR_INVALID,
                     "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
                     "query parameters without tag name duplicates.");
}

static int parse_query(struct tag_set *set, struct slice query, struct error *error)
{
    struct slice name, value;
    int code = 0;
    while (!code && query_next(&query, &name, &value)) {
        if (name.size || value.data) /* not the nothing between two separators */
            code = add_pair(set, name, value, error);
    }
    return code;
}

int s3_tags_from_query(struct slice query, char **tags, struct error *error)
{
    struct tag_set set = {.max = OBJECT_TAGS_MAX};
    *tags = NULL;
    int code = parse_query(&set, query, error);
    if (!code)
        code = set_keep(&set, tags, error);
    set_clear(&set);
    return code;
}

static int parse_list(struct tag_set *set, const struct s3_xml_node *list, struct error *error)
{
    int code = 0;
    for (const struct s3_xml_node *tag = list->first; tag && !code; tag = tag->next) {
        const char *key = s3_xml_child_text(tag, "Key");
        const char *value = s3_xml_child_text(tag, "Value");
        if (strcmp(tag->name, "Tag") != 0 || !key || !value)
            return error_set(error, ERR_PROTOCOL, "not a Tagging document");
        code = set_add(set, strdup(key), strdup(value), error);
    }
    return code;
}

static int read_list(const struct s3_xml_node *list, size_t max, char **tags,
                     struct s3_tag_problem *problem, struct error *error)
{
    struct tag_set set = {.max = max, .problem = problem};
    *tags = NULL;
    int code = parse_list(&set, list, error);
    if (!code)
        code = set_keep(&set, tags, error);
    set_clear(&set);
    return code;
}

int s3_tags_from_list(const struct s3_xml_node *list, size_t max, char **tags, struct error *error)
{
    return read_list(list, max, tags, NULL, error);
}

int s3_tags_from_xml(struct slice document, size_t max, char **tags, struct s3_tag_problem *problem,
                     struct error *error)
{
    struct s3_xml_node *root = NULL;
    *tags = NULL;
    int code = s3_xml_parse(document, &root, error);
    if (code)
        return code == ERR_MEMORY ? code : ERR_PROTOCOL;
    const struct s3_xml_node *list = s3_xml_child(root, "TagSet");
    if (strcmp(root->name, "Tagging") != 0 || !list)
        code = error_set(error, ERR_PROTOCOL, "not a Tagging document");
    else
        code = read_list(list, max, tags, problem, error);
    s3_xml_free(root);
    return code;
}

static bool set_has(const struct tag_set *set, const char *key)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->tags[i].key, key) == 0)
            return true;
    }
    return false;
}

static void set_remove(struct tag_set *set, size_t index)
{
    free(set->tags[index].key);
    free(set->tags[index].value);
    set->count--;
    memmove(&set->tags[index], &set->tags[index + 1], (set->count - index) * sizeof *set->tags);
}

static void set_remove_same(struct tag_set *set, const struct tag_set *other)
{
    for (size_t i = set->count; i-- > 0;) {
        if (set_has(other, set->tags[i].key))
            set_remove(set, i);
    }
}

int s3_tags_merge(const char *tags, const char *more, size_t max, char **merged,
                  struct error *error)
{
    struct tag_set set = {.max = max}, added = {.max = max};
    *merged = NULL;
    int code = parse_query(&set, slice_of(tags), error);
    if (code)
        goto out;
    code = parse_query(&added, slice_of(more), error);
    if (code)
        goto out;
    set_remove_same(&set, &added);
    code = parse_query(&set, slice_of(more), error);
    if (code)
        goto out;
    code = set_keep(&set, merged, error);
out:
    set_clear(&set);
    set_clear(&added);
    return code;
}

static bool is_any(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

int s3_tags_without(const char *tags, const char *const *keys, size_t count, char **left,
                    struct error *error)
{
    struct tag_set set = {.max = S3_BUCKET_TAGS_MAX};
    *left = NULL;
    int code = parse_query(&set, slice_of(tags), error);
    for (size_t i = set.count; i-- > 0;) {
        if (is_any(set.tags[i].key, keys, count))
            set_remove(&set, i);
    }
    if (!code)
        code = set_keep(&set, left, error);
    set_clear(&set);
    return code;
}

int s3_tags_to_xml(const char *tags, struct buffer *out)
{
    struct tag_set set = {.max = S3_BUCKET_TAGS_MAX};
    struct error error;
    int code = parse_query(&set, slice_of(tags), &error);
    for (size_t i = 0; i < set.count; i++) {
        xml_open(out, "Tag");
        xml_element(out, "Key", set.tags[i].key);
        xml_element(out, "Value", set.tags[i].value);
        xml_close(out, "Tag");
    }
    set_clear(&set);
    return code ? code : out->error;
}

size_t s3_tags_count(const char *tags)
{
    size_t count = *tags != '\0';
    for (; *tags; tags++)
        count += *tags == '&';
    return count;
}
