#include "bucket_lifecycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_time.h"
#include "s3_xml.h"
#include "uuid.h"

enum { ID_MAX = 255, PREFIX_MAX = 1024, DAYS_MAX = 1000000, KEPT_MAX = 100 };

static const int64_t DAY_MS = INT64_C(24) * 60 * 60 * 1000;

void lifecycle_release(struct lifecycle *lifecycle)
{
    if (!lifecycle || --lifecycle->holders)
        return;
    for (size_t i = 0; i < lifecycle->count; i++) {
        struct lifecycle_rule *rule = &lifecycle->rules[i];
        free(rule->id);
        free(rule->prefix);
        for (size_t j = 0; j < rule->tag_count; j++) {
            free(rule->tags[j].key);
            free(rule->tags[j].value);
        }
    }
    free(lifecycle->rules);
    free(lifecycle);
}

struct lifecycle *lifecycle_retain(struct lifecycle *lifecycle)
{
    lifecycle->holders++;
    return lifecycle;
}

void bucket_lifecycle_free(void *lifecycle)
{
    lifecycle_release(lifecycle);
}

struct rule_reader {
    struct lifecycle_rule *rule;
    char *message;
    bool filtered; /* a Filter or Prefix was present */
    bool acts;
};

static enum s3_error refuse(struct rule_reader *reader, enum s3_error error, const char *text)
{
    snprintf(reader->message, BUCKET_SETTING_MESSAGE_MAX, "%s", text);
    return error;
}

/* Values. */

static bool read_number(const char *text, int64_t *out)
{
    size_t size = strlen(text);
    if (!size || size > 18 || strspn(text, "0123456789") != size)
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static enum s3_error read_days(struct rule_reader *reader, const char *text, const char *problem,
                               int *days)
{
    int64_t number;
    if (!read_number(text, &number) || number < 1 || number > DAYS_MAX)
        return refuse(reader, S3_INVALID_ARGUMENT, problem);
    *days = (int)number;
    reader->acts = true;
    return S3_OK;
}

static enum s3_error read_date(struct rule_reader *reader, const char *text)
{
    int64_t date;
    if (s3_time_parse_iso(text, &date) || date <= 0)
        return S3_MALFORMED_XML;
    if (date % DAY_MS)
        return refuse(reader, S3_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
    reader->rule->date_ms = date;
    reader->acts = true;
    return S3_OK;
}

/* Filters. */

static enum s3_error read_prefix(struct rule_reader *reader, const char *text)
{
    if (strlen(text) > PREFIX_MAX)
        return refuse(reader, S3_INVALID_REQUEST, "The maximum size of a prefix is 1024.");
    free(reader->rule->prefix);
    reader->rule->prefix = strdup(text);
    reader->filtered = true;
    return reader->rule->prefix ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read_tag(struct rule_reader *reader, const struct s3_xml_node *node)
{
    struct lifecycle_rule *rule = reader->rule;
    const char *key = s3_xml_child_text(node, "Key"), *value = s3_xml_child_text(node, "Value");
    if (!key || !*key || !value || rule->tag_count == LIFECYCLE_TAGS_MAX)
        return S3_MALFORMED_XML;
    for (size_t i = 0; i < rule->tag_count; i++) {
        if (strcmp(rule->tags[i].key, key) == 0)
            return refuse(reader, S3_INVALID_REQUEST, "Duplicate Tag Keys are not allowed.");
    }
    struct lifecycle_tag tag = {strdup(key), strdup(value)};
    rule->tags[rule->tag_count++] = tag;
    return tag.key && tag.value ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read_filter(struct rule_reader *reader, const struct s3_xml_node *filter,
                                 bool both)
{
    enum s3_error error = S3_OK;
    reader->filtered = true;
    for (const struct s3_xml_node *node = filter->first; node && !error; node = node->next) {
        if (!both && node != filter->first)
            error = S3_MALFORMED_XML; /* several conditions require an And */
        else if (strcmp(node->name, "Prefix") == 0)
            error = read_prefix(reader, node->text);
        else if (strcmp(node->name, "Tag") == 0)
            error = read_tag(reader, node);
        else if (strcmp(node->name, "ObjectSizeGreaterThan") == 0)
            error = read_number(node->text, &reader->rule->larger) ? S3_OK : S3_MALFORMED_XML;
        else if (strcmp(node->name, "ObjectSizeLessThan") == 0)
            error = read_number(node->text, &reader->rule->smaller) ? S3_OK : S3_MALFORMED_XML;
        else if (!both && strcmp(node->name, "And") == 0)
            error = read_filter(reader, node, true);
        else
            error = S3_MALFORMED_XML;
    }
    return error;
}

/* Actions. */

static enum s3_error read_expiration(struct rule_reader *reader, const struct s3_xml_node *action)
{
    const struct s3_xml_node *node = action->first;
    if (!node || node->next)
        return S3_MALFORMED_XML; /* one of three */
    if (strcmp(node->name, "Days") == 0)
        return read_days(reader, node->text,
                         "'Days' for Expiration action must be a positive integer",
                         &reader->rule->days);
    if (strcmp(node->name, "Date") == 0)
        return read_date(reader, node->text);
    if (strcmp(node->name, "ExpiredObjectDeleteMarker") != 0)
        return S3_MALFORMED_XML;
    reader->rule->lone_markers = strcmp(node->text, "true") == 0;
    reader->acts = true;
    return S3_OK;
}

static enum s3_error read_noncurrent(struct rule_reader *reader, const struct s3_xml_node *action)
{
    const char *days = s3_xml_child_text(action, "NoncurrentDays");
    const char *kept = s3_xml_child_text(action, "NewerNoncurrentVersions");
    int64_t number;
    if (!days)
        return S3_MALFORMED_XML;
    enum s3_error error = read_days(reader, days,
                                    "'NoncurrentDays' for NoncurrentVersionExpiration action must "
                                    "be a positive integer",
                                    &reader->rule->noncurrent_days);
    if (error || !kept)
        return error;
    if (!read_number(kept, &number) || number < 1 || number > KEPT_MAX)
        return refuse(reader, S3_INVALID_ARGUMENT,
                      "'NewerNoncurrentVersions' must be a positive integer of at most 100");
    reader->rule->noncurrent_kept = (int)number;
    return S3_OK;
}

/* The classes that a transition can have. */
static const char *class_named(const char *name)
{
    static const char *const names[] = {"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
                                        "GLACIER_IR",  "GLACIER",    "DEEP_ARCHIVE"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0)
            return names[i];
    }
    return NULL;
}

/* "Objects must be stored for at least 30 days before you can transition them" to these. */
static bool is_too_early(const struct lifecycle_transition *transition)
{
    bool late = strcmp(transition->storage_class, "STANDARD_IA") == 0 ||
                strcmp(transition->storage_class, "ONEZONE_IA") == 0;
    return late && transition->days >= 0 && transition->days < 30;
}

static enum s3_error read_transition_time(struct rule_reader *reader, const char *days,
                                          const char *date, struct lifecycle_transition *out)
{
    int64_t number;
    if (!days == !date)
        return S3_MALFORMED_XML;
    if (days && (!read_number(days, &number) || number > DAYS_MAX))
        return refuse(reader, S3_INVALID_ARGUMENT,
                      "'Days' in Transition action must be nonnegative");
    out->days = days ? (int)number : -1;
    if (!date)
        return S3_OK;
    if (s3_time_parse_iso(date, &out->date_ms) || out->date_ms <= 0)
        return S3_MALFORMED_XML;
    return out->date_ms % DAY_MS
               ? refuse(reader, S3_INVALID_ARGUMENT, "'Date' must be at midnight GMT")
               : S3_OK;
}

static enum s3_error add_transition(struct rule_reader *reader,
                                    const struct lifecycle_transition *transition)
{
    struct lifecycle_rule *rule = reader->rule;
    for (size_t i = 0; i < rule->transition_count; i++) {
        if (rule->transitions[i].noncurrent == transition->noncurrent &&
            rule->transitions[i].storage_class == transition->storage_class)
            return refuse(reader, S3_INVALID_REQUEST,
                          "'StorageClass' must be different for the transitions of a rule");
    }
    if (rule->transition_count == LIFECYCLE_TRANSITIONS_MAX)
        return S3_MALFORMED_XML;
    rule->transitions[rule->transition_count++] = *transition;
    reader->acts = true;
    return S3_OK;
}

static enum s3_error read_transition(struct rule_reader *reader, const struct s3_xml_node *action,
                                     bool noncurrent)
{
    struct lifecycle_transition transition = {
        .storage_class = class_named(s3_xml_child_text(action, "StorageClass")),
        .noncurrent = noncurrent};
    const char *days = s3_xml_child_text(action, noncurrent ? "NoncurrentDays" : "Days");
    const char *kept = noncurrent ? s3_xml_child_text(action, "NewerNoncurrentVersions") : NULL;
    int64_t number = 0;
    if (!transition.storage_class)
        return S3_MALFORMED_XML;
    enum s3_error error = read_transition_time(
        reader, days, noncurrent ? NULL : s3_xml_child_text(action, "Date"), &transition);
    if (error)
        return error;
    if (is_too_early(&transition)) {
        snprintf(reader->message, BUCKET_SETTING_MESSAGE_MAX,
                 "'%s' in %s action must be greater than or equal to 30 for storageClass '%s'",
                 noncurrent ? "NoncurrentDays" : "Days",
                 noncurrent ? "NoncurrentVersionTransition" : "Transition",
                 transition.storage_class);
        return S3_INVALID_ARGUMENT;
    }
    if (kept && (!read_number(kept, &number) || number < 1 || number > KEPT_MAX))
        return refuse(reader, S3_INVALID_ARGUMENT,
                      "'NewerNoncurrentVersions' must be a positive integer of at most 100");
    transition.kept = (int)number;
    return add_transition(reader, &transition);
}

static enum s3_error read_abort(struct rule_reader *reader, const struct s3_xml_node *action)
{
    const char *days = s3_xml_child_text(action, "DaysAfterInitiation");
    if (!days)
        return S3_MALFORMED_XML;
    return read_days(reader, days,
                     "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a "
                     "positive integer",
                     &reader->rule->abort_days);
}

/* Rules. */

static enum s3_error read_status(struct rule_reader *reader, const char *text)
{
    reader->rule->enabled = strcmp(text, "Enabled") == 0;
    return reader->rule->enabled || strcmp(text, "Disabled") == 0 ? S3_OK : S3_MALFORMED_XML;
}

static enum s3_error read_id(struct rule_reader *reader, const char *text)
{
    if (strlen(text) > ID_MAX)
        return refuse(reader, S3_INVALID_ARGUMENT,
                      "ID length should not exceed allowed limit of 255");
    reader->rule->id = strdup(text);
    return reader->rule->id ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read_member(struct rule_reader *reader, const struct s3_xml_node *node)
{
    if (strcmp(node->name, "ID") == 0)
        return read_id(reader, node->text);
    if (strcmp(node->name, "Status") == 0)
        return read_status(reader, node->text);
    if (strcmp(node->name, "Prefix") == 0)
        return read_prefix(reader, node->text);
    if (strcmp(node->name, "Filter") == 0)
        return read_filter(reader, node, false);
    if (strcmp(node->name, "Expiration") == 0)
        return read_expiration(reader, node);
    if (strcmp(node->name, "NoncurrentVersionExpiration") == 0)
        return read_noncurrent(reader, node);
    if (strcmp(node->name, "AbortIncompleteMultipartUpload") == 0)
        return read_abort(reader, node);
    if (strcmp(node->name, "Transition") == 0)
        return read_transition(reader, node, false);
    if (strcmp(node->name, "NoncurrentVersionTransition") == 0)
        return read_transition(reader, node, true);
    return S3_MALFORMED_XML;
}

/* What would expire before it moves. */
static enum s3_error check_transitions(struct rule_reader *reader)
{
    const struct lifecycle_rule *rule = reader->rule;
    for (size_t i = 0; i < rule->transition_count; i++) {
        const struct lifecycle_transition *one = &rule->transitions[i];
        int days = one->noncurrent ? rule->noncurrent_days : rule->days;
        if (!days || one->days < days)
            continue;
        snprintf(reader->message, BUCKET_SETTING_MESSAGE_MAX,
                 "'%s' in the %s action for filter '(prefix=%.64s)' must be greater than '%s' in "
                 "the %s action",
                 one->noncurrent ? "NoncurrentDays" : "Days",
                 one->noncurrent ? "NoncurrentVersionExpiration" : "Expiration", rule->prefix,
                 one->noncurrent ? "NoncurrentDays" : "Days",
                 one->noncurrent ? "NoncurrentVersionTransition" : "Transition");
        return S3_INVALID_ARGUMENT;
    }
    return S3_OK;
}

static enum s3_error check_rule(struct rule_reader *reader)
{
    const struct lifecycle_rule *rule = reader->rule;
    if (!reader->filtered)
        return S3_MALFORMED_XML;
    if (!reader->acts)
        return refuse(reader, S3_INVALID_REQUEST,
                      "At least one action needs to be specified in a rule.");
    if (rule->abort_days && rule->tag_count)
        return refuse(reader, S3_INVALID_REQUEST,
                      "AbortIncompleteMultipartUpload cannot be specified with Tags.");
    if (rule->lone_markers && rule->tag_count)
        return refuse(reader, S3_INVALID_REQUEST,
                      "ExpiredObjectDeleteMarker cannot be specified with Tags.");
    if ((rule->abort_days || rule->lone_markers) && (rule->larger >= 0 || rule->smaller >= 0))
        return refuse(reader, S3_INVALID_REQUEST,
                      "AbortIncompleteMultipartUpload and ExpiredObjectDeleteMarker cannot be "
                      "specified with an object size.");
    return check_transitions(reader);
}

/* A rule without an id gets one, also in the document. */
static enum s3_error complete_id(struct rule_reader *reader, struct s3_xml_node *node)
{
    char made[UUID_TEXT_SIZE];
    if (reader->rule->id)
        return S3_OK;
    uuid_make_text(made);
    enum s3_error error = read_id(reader, made);
    return !error && s3_xml_add(node, "ID", made) ? S3_INTERNAL_ERROR : error;
}

static enum s3_error read_rule(struct lifecycle_rule *rule, struct s3_xml_node *node, char *message)
{
    struct rule_reader reader = {.rule = rule, .message = message};
    enum s3_error error = strcmp(node->name, "Rule") == 0 ? S3_OK : S3_MALFORMED_XML;
    bool has_status = s3_xml_child(node, "Status") != NULL;
    rule->larger = rule->smaller = -1;
    rule->prefix = strdup("");
    for (const struct s3_xml_node *member = node->first; member && !error; member = member->next)
        error = read_member(&reader, member);
    if (error)
        return error;
    if (!has_status || !rule->prefix)
        return S3_MALFORMED_XML;
    error = check_rule(&reader);
    if (error)
        return error;
    return complete_id(&reader, node);
}

static enum s3_error check_ids(const struct lifecycle *lifecycle, char *message)
{
    const char *id = lifecycle->rules[lifecycle->count - 1].id;
    for (size_t i = 0; i + 1 < lifecycle->count; i++) {
        if (strcmp(lifecycle->rules[i].id, id) != 0)
            continue;
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX,
                 "Rule ID must be unique. Found same ID for more than one rule");
        return S3_INVALID_ARGUMENT;
    }
    return S3_OK;
}

static enum s3_error read_tree(struct lifecycle *lifecycle, struct s3_xml_node *root, char *message)
{
    enum s3_error error = S3_OK;
    size_t count = 0;
    for (const struct s3_xml_node *node = root->first; node; node = node->next)
        count++;
    if (strcmp(root->name, "LifecycleConfiguration") != 0 || !count || count > LIFECYCLE_RULES_MAX)
        return S3_MALFORMED_XML;
    lifecycle->rules = calloc(count, sizeof *lifecycle->rules);
    if (!lifecycle->rules)
        return S3_INTERNAL_ERROR;
    for (struct s3_xml_node *node = root->first; node && !error; node = node->next) {
        error = read_rule(&lifecycle->rules[lifecycle->count++], node, message);
        if (!error)
            error = check_ids(lifecycle, message);
    }
    return error;
}

enum s3_error bucket_lifecycle_read(struct slice document, struct bucket_setting *setting,
                                    char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    struct lifecycle *lifecycle = calloc(1, sizeof *lifecycle);
    setting->read = lifecycle;
    if (lifecycle)
        lifecycle->holders = 1;
    int code = lifecycle ? s3_xml_parse(document, &root, NULL) : ERR_MEMORY;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    enum s3_error error = read_tree(lifecycle, root, message);
    if (!error)
        setting->document = s3_xml_write(root);
    s3_xml_free(root);
    return error;
}
