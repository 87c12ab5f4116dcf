#include "bucket_entries.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arn.h"
#include "error.h"
#include "json_text.h"
#include "xml_reader.h"
#include "xml_writer.h"

struct entries_reader {
    json_t *entries;
    json_t *texts; /* of the entry being read */
};

static int text_add(json_t *texts, const char *path, struct slice text)
{
    json_t *list = json_object_get(texts, path);
    if (!list) {
        list = json_array();
        if (json_object_set_new(texts, path, list))
            return ERR_MEMORY;
    }
    return json_array_append_new(list, json_stringn(text.data, text.size)) ? ERR_MEMORY : 0;
}

/* The name of the root element is ignored, because compatible services use different ones. */
static int on_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    struct entries_reader *reader = user;
    const char *entry = strchr(path, '/');
    if (!entry)
        return 0;
    const char *member = strchr(entry + 1, '/');
    if (member)
        return text_add(reader->texts, member + 1, text);
    json_t *texts = reader->texts;
    reader->texts = json_object();
    json_t *found = json_pack("{s:s, s:I, s:I, s:o}", "name", entry + 1, "start", (json_int_t)start,
                              "end", (json_int_t)end, "texts", texts);
    return json_array_append_new(reader->entries, found) || !reader->texts ? ERR_MEMORY : 0;
}

int bucket_entries_read(struct slice document, json_t **out)
{
    struct entries_reader reader = {json_array(), json_object()};
    int code = reader.entries && reader.texts ? 0 : ERR_MEMORY;
    if (!code && document.size)
        code = xml_read(document, NULL, on_element, &reader);
    json_decref(reader.texts);
    if (code) {
        json_decref(reader.entries);
        reader.entries = NULL;
    }
    *out = reader.entries;
    return code;
}

const char *bucket_entry_name(const json_t *entry)
{
    return json_text_in(entry, "name");
}

static const json_t *texts_at(const json_t *entry, const char *path)
{
    return json_object_get(json_object_get(entry, "texts"), path);
}

const char *bucket_entry_text(const json_t *entry, const char *path)
{
    return json_string_value(json_array_get(texts_at(entry, path), 0));
}

void bucket_entry_copy(const json_t *entry, struct slice document, struct buffer *out)
{
    const size_t start = (size_t)json_integer_value(json_object_get(entry, "start"));
    const size_t end = (size_t)json_integer_value(json_object_get(entry, "end"));
    buffer_append(out, document.data + start, end - start);
}

/* ---- notifications ---- */

static const char *filter_of(const json_t *entry, const char *wanted)
{
    const json_t *names = texts_at(entry, "Filter/S3Key/FilterRule/Name");
    const json_t *values = texts_at(entry, "Filter/S3Key/FilterRule/Value");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const char *value = json_string_value(json_array_get(values, i));
        if (value && strcasecmp(name, wanted) == 0)
            return value;
    }
    return "";
}

json_t *notification_of(const json_t *entry)
{
    static const char *const targets[] = {"Topic", "Queue", "CloudFunction"};
    const char *target = NULL;
    for (size_t i = 0; i < 3 && !target; i++)
        target = bucket_entry_text(entry, targets[i]);
    json_t *events = json_deep_copy(texts_at(entry, "Event"));
    return json_pack("{s:s, s:s, s:s, s:o}", "Target", target ? target : "", "Prefix",
                     filter_of(entry, "prefix"), "Suffix", filter_of(entry, "suffix"), "Events",
                     events ? events : json_array());
}

static void rule_append(struct buffer *out, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    buffer_format(out, "<FilterRule><Name>%s</Name><Value>", name);
    xml_strict_text(out, slice_of(value));
    buffer_text(out, "</Value></FilterRule>");
}

static void element_append(struct buffer *out, const char *name, const char *text)
{
    buffer_format(out, "<%s>", name);
    xml_strict_text(out, slice_of(text));
    buffer_format(out, "</%s>", name);
}

void notification_append(struct buffer *out, const char *id, const json_t *notification)
{
    const char *target = json_text_in(notification, "Target");
    const char *prefix = json_text_in(notification, "Prefix");
    const char *suffix = json_text_in(notification, "Suffix");
    const json_t *events = json_object_get(notification, "Events");
    const char *kind = slice_equal_text(arn_part(target, ARN_SERVICE), "sns") ? "Topic" : "Queue";
    buffer_format(out, "<%sConfiguration>", kind);
    element_append(out, "Id", id);
    element_append(out, kind, target);
    for (size_t i = 0; i < json_array_size(events); i++)
        element_append(out, "Event", json_string_value(json_array_get(events, i)));
    if (prefix[0] || suffix[0]) {
        buffer_text(out, "<Filter><S3Key>");
        rule_append(out, "prefix", prefix);
        rule_append(out, "suffix", suffix);
        buffer_text(out, "</S3Key></Filter>");
    }
    buffer_format(out, "</%sConfiguration>", kind);
}

/* ---- lifecycles ---- */

/* Whether the rule has nothing but what ours have. */
static bool only_expires(const json_t *entry)
{
    static const char *const known[] = {"ID",         "Status",          "Filter", "Filter/Prefix",
                                        "Expiration", "Expiration/Days", "Prefix"};
    const char *path;
    json_t *texts;
    json_object_foreach(json_object_get(entry, "texts"), path, texts)
    {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known |= strcmp(path, known[i]) == 0;
        if (!is_known)
            return false;
    }
    const char *status = bucket_entry_text(entry, "Status");
    return status && strcmp(status, "Enabled") == 0;
}

json_t *lifecycle_of(const json_t *entry)
{
    const char *prefix = bucket_entry_text(entry, "Filter/Prefix");
    const char *days = bucket_entry_text(entry, "Expiration/Days");
    if (!prefix)
        prefix = bucket_entry_text(entry, "Prefix");
    return json_pack("{s:s, s:I}", "Prefix", prefix ? prefix : "", "ExpirationDays",
                     (json_int_t)(days && only_expires(entry) ? strtoul(days, NULL, 10) : 0));
}

void lifecycle_append(struct buffer *out, const char *id, const json_t *rule)
{
    buffer_text(out, "<Rule>");
    element_append(out, "ID", id);
    buffer_text(out, "<Filter>");
    element_append(out, "Prefix", json_text_in(rule, "Prefix"));
    buffer_format(out,
                  "</Filter><Status>Enabled</Status><Expiration><Days>%lld</Days></Expiration>"
                  "</Rule>",
                  (long long)json_integer_value(json_object_get(rule, "ExpirationDays")));
}
