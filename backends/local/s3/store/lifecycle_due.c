/* When an object expires, or moves to another storage class, according to lifecycle rules. */
#include <stdlib.h>
#include <string.h>

#include "bucket_lifecycle.h"
#include "uri.h"

static const int64_t DAY_MS = INT64_C(24) * 60 * 60 * 1000;

int64_t lifecycle_midnight_after(int64_t unix_ms)
{
    return (unix_ms / DAY_MS + 1) * DAY_MS;
}

/* "Amazon S3 calculates the time by adding the number of days specified in the rule to the object
 * creation time and rounding up the resulting time to the next day at midnight UTC." */
static int64_t due_after(int64_t from_ms, int days)
{
    return lifecycle_midnight_after(from_ms + days * DAY_MS);
}

/* Filters. */

static bool encodes(struct slice encoded, const char *text)
{
    struct buffer decoded;
    buffer_init(&decoded, 8192);
    bool same =
        !uri_decode(&decoded, encoded, true) && slice_equal_text(buffer_slice(&decoded), text);
    buffer_free(&decoded);
    return same;
}

static bool has_tag(const char *tags, const struct lifecycle_tag *tag)
{
    while (*tags) {
        size_t size = strcspn(tags, "&"), name = strcspn(tags, "=&");
        struct slice value = {tags + name + (name < size), size - name - (name < size)};
        if (encodes((struct slice){tags, name}, tag->key) && encodes(value, tag->value))
            return true;
        tags += size + (tags[size] == '&');
    }
    return false;
}

static bool has_prefix(const struct lifecycle_rule *rule, const char *key)
{
    return strncmp(key, rule->prefix, strlen(rule->prefix)) == 0;
}

static bool applies(const struct lifecycle_rule *rule, const struct lifecycle_object *object)
{
    if (!rule->enabled || !has_prefix(rule, object->key) ||
        (rule->larger >= 0 && object->size <= (uint64_t)rule->larger) ||
        (rule->smaller >= 0 && object->size >= (uint64_t)rule->smaller))
        return false;
    for (size_t i = 0; i < rule->tag_count; i++) {
        if (!has_tag(object->tags, &rule->tags[i]))
            return false;
    }
    return true;
}

bool lifecycle_is_active(const struct lifecycle *lifecycle)
{
    for (size_t i = 0; lifecycle && i < lifecycle->count; i++) {
        if (lifecycle->rules[i].enabled)
            return true;
    }
    return false;
}

bool lifecycle_wants_tags(const struct lifecycle *lifecycle)
{
    for (size_t i = 0; i < lifecycle->count; i++) {
        if (lifecycle->rules[i].enabled && lifecycle->rules[i].tag_count)
            return true;
    }
    return false;
}

/* Expiry. */

static int64_t rule_expiry(const struct lifecycle_rule *rule, int64_t modified_ms)
{
    if (rule->days)
        return due_after(modified_ms, rule->days);
    return rule->date_ms ? rule->date_ms : LIFECYCLE_NEVER;
}

int64_t lifecycle_expiry(const struct lifecycle *lifecycle, const struct lifecycle_object *object,
                         const struct lifecycle_rule **rule)
{
    int64_t earliest = LIFECYCLE_NEVER;
    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct lifecycle_rule *one = &lifecycle->rules[i];
        int64_t due =
            applies(one, object) ? rule_expiry(one, object->modified_ms) : LIFECYCLE_NEVER;
        if (due == LIFECYCLE_NEVER || (earliest != LIFECYCLE_NEVER && due >= earliest))
            continue;
        earliest = due;
        *rule = one;
    }
    return earliest;
}

/* A delete marker has no size and no tags, so rules that filter by them do not apply to it. */
bool lifecycle_marker_expired(const struct lifecycle *lifecycle,
                              const struct lifecycle_object *marker, int64_t now_ms)
{
    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct lifecycle_rule *rule = &lifecycle->rules[i];
        if (!rule->enabled || !has_prefix(rule, marker->key) || rule->tag_count ||
            rule->larger >= 0 || rule->smaller >= 0)
            continue;
        int64_t due = rule_expiry(rule, marker->modified_ms);
        if (rule->lone_markers || (due != LIFECYCLE_NEVER && due <= now_ms))
            return true;
    }
    return false;
}

bool lifecycle_noncurrent_expired(const struct lifecycle *lifecycle,
                                  const struct lifecycle_object *object, int64_t retired_ms,
                                  unsigned newer, int64_t now_ms)
{
    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct lifecycle_rule *rule = &lifecycle->rules[i];
        if (rule->noncurrent_days && newer >= (unsigned)rule->noncurrent_kept &&
            applies(rule, object) && due_after(retired_ms, rule->noncurrent_days) <= now_ms)
            return true;
    }
    return false;
}

bool lifecycle_upload_expired(const struct lifecycle *lifecycle, const char *key,
                              int64_t created_ms, int64_t now_ms)
{
    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct lifecycle_rule *rule = &lifecycle->rules[i];
        if (rule->enabled && rule->abort_days && has_prefix(rule, key) &&
            due_after(created_ms, rule->abort_days) <= now_ms)
            return true;
    }
    return false;
}

/* Transitions. */

enum { SMALL_MAX = 128 * 1024 };

/* Objects move down only: "Supported transitions and related constraints", Transitioning objects
 * using Amazon S3 Lifecycle, S3 User Guide. */
static int depth_of(const char *storage_class)
{
    static const char *const order[] = {"STANDARD_IA", "INTELLIGENT_TIERING",
                                        "ONEZONE_IA",  "GLACIER_IR",
                                        "GLACIER",     "DEEP_ARCHIVE"};
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++) {
        if (strcmp(order[i], storage_class) == 0)
            return i + 1;
    }
    return 0; /* STANDARD, REDUCED_REDUNDANCY */
}

/* A rule with a size of its own has no minimum. */
static bool is_too_small(const struct lifecycle_rule *rule, const char *storage_class,
                         uint64_t size, bool small_archived)
{
    bool archive =
        strcmp(storage_class, "GLACIER") == 0 || strcmp(storage_class, "DEEP_ARCHIVE") == 0;
    if (size >= SMALL_MAX || rule->larger >= 0 || rule->smaller >= 0)
        return false;
    return !(archive && small_archived);
}

static bool is_due(const struct lifecycle_transition *transition,
                   const struct lifecycle_object *object, const struct lifecycle_age *age)
{
    if (transition->noncurrent != age->noncurrent)
        return false;
    if (age->noncurrent)
        return age->newer >= (unsigned)transition->kept &&
               due_after(age->retired_ms, transition->days) <= age->now_ms;
    return (transition->days >= 0 ? due_after(object->modified_ms, transition->days)
                                  : transition->date_ms) <= age->now_ms;
}

const char *lifecycle_new_class(const struct lifecycle *lifecycle,
                                const struct lifecycle_object *object, const char *storage_class,
                                const struct lifecycle_age *age, bool small_archived)
{
    const char *deepest = storage_class;
    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct lifecycle_rule *rule = &lifecycle->rules[i];
        for (size_t j = 0; j < rule->transition_count && applies(rule, object); j++) {
            const struct lifecycle_transition *one = &rule->transitions[j];
            if (depth_of(one->storage_class) > depth_of(deepest) && is_due(one, object, age) &&
                !is_too_small(rule, one->storage_class, object->size, small_archived))
                deepest = one->storage_class;
        }
    }
    return deepest == storage_class ? NULL : deepest;
}
