#include "s3_notification_xml.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3_xml.h"
#include "uuid.h"

enum { ID_MAX = 255, EVENTS_TEXT_MAX = 4096, FILTER_MAX = 1024 };

static const char overlap_text[] =
    "Configurations overlap. Configurations on the same bucket cannot share a common event type.";

/* Events. */

static enum s3_error read_events(const struct s3_xml_node *node, struct notification_rule *rule,
                                 const char **message)
{
    struct buffer events;
    size_t count = 0;
    buffer_init(&events, EVENTS_TEXT_MAX);
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        if (strcmp(child->name, "Event") != 0)
            continue;
        if (!notification_event_known(child->text) || ++count > NOTIFICATION_EVENTS_MAX) {
            buffer_free(&events);
            *message = "The event is not supported for notifications";
            return S3_INVALID_ARGUMENT;
        }
        if (count > 1)
            buffer_byte(&events, ' ');
        buffer_text(&events, child->text);
    }
    if (!count)
        return S3_MALFORMED_XML;
    rule->events = buffer_take_text(&events);
    return rule->events ? S3_OK : S3_INTERNAL_ERROR;
}

/* Filters. */

static enum s3_error read_filter_rule(const struct s3_xml_node *node,
                                      struct notification_rule *rule, const char **message)
{
    const char *name = s3_xml_child_text(node, "Name");
    const char *value = s3_xml_child_text(node, "Value");
    if (!name || !value)
        return S3_MALFORMED_XML;
    char **part = strcasecmp(name, "prefix") == 0   ? &rule->prefix
                  : strcasecmp(name, "suffix") == 0 ? &rule->suffix
                                                    : NULL;
    *message = "filter rule name must be either prefix or suffix";
    if (!part)
        return S3_INVALID_ARGUMENT;
    *message = "Cannot specify more than one prefix or suffix rule in a filter.";
    if (*part)
        return S3_INVALID_ARGUMENT;
    *message = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation";
    if (strlen(value) > FILTER_MAX)
        return S3_INVALID_ARGUMENT;
    *part = strdup(value);
    return *part ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read_filter(const struct s3_xml_node *node, struct notification_rule *rule,
                                 const char **message)
{
    const struct s3_xml_node *filter = s3_xml_child(node, "Filter");
    const struct s3_xml_node *key = filter ? s3_xml_child(filter, "S3Key") : NULL;
    enum s3_error error = S3_OK;
    for (const struct s3_xml_node *child = key ? key->first : NULL; child && !error;
         child = child->next) {
        if (strcmp(child->name, "FilterRule") == 0)
            error = read_filter_rule(child, rule, message);
    }
    if (!rule->prefix)
        rule->prefix = strdup("");
    if (!rule->suffix)
        rule->suffix = strdup("");
    return error || (rule->prefix && rule->suffix) ? error : S3_INTERNAL_ERROR;
}

/* Rules. */

static enum s3_error read_id(const struct s3_xml_node *node, struct notification_rule *rule)
{
    char made[UUID_TEXT_SIZE];
    const char *id = s3_xml_child_text(node, "Id");
    if (!id || !*id) {
        uuid_make_text(made);
        id = made;
    }
    if (strlen(id) > ID_MAX)
        return S3_INVALID_ARGUMENT;
    rule->id = strdup(id);
    return rule->id ? S3_OK : S3_INTERNAL_ERROR;
}

static enum s3_error read_rule(const struct s3_xml_node *node, struct notification *out, bool topic,
                               const char **message)
{
    const char *target = s3_xml_child_text(node, topic ? "Topic" : "Queue");
    if (!target)
        return S3_MALFORMED_XML;
    if (out->count == NOTIFICATION_RULES_MAX)
        return S3_INVALID_ARGUMENT;
    struct notification_rule *rule = notification_add(out);
    if (!rule)
        return S3_INTERNAL_ERROR;
    rule->topic = topic;
    rule->target = strdup(target);
    enum s3_error error = rule->target ? read_id(node, rule) : S3_INTERNAL_ERROR;
    if (error)
        return error;
    error = read_filter(node, rule, message);
    if (error)
        return error;
    return read_events(node, rule, message);
}

static enum s3_error read_part(const struct s3_xml_node *node, struct notification *out,
                               const char **message)
{
    *message = NULL;
    if (strcmp(node->name, "TopicConfiguration") == 0)
        return read_rule(node, out, true, message);
    if (strcmp(node->name, "QueueConfiguration") == 0)
        return read_rule(node, out, false, message);
    if (strcmp(node->name, "EventBridgeConfiguration") == 0) {
        out->event_bridge = true;
        return S3_OK;
    }
    if (strcmp(node->name, "CloudFunctionConfiguration") == 0)
        *message = "LambdaFunctionConfigurations are not implemented.";
    else
        return S3_MALFORMED_XML;
    return S3_NOT_IMPLEMENTED;
}

static enum s3_error check_rules(const struct notification *notification, const char **message)
{
    for (size_t i = 0; i < notification->count; i++) {
        for (size_t j = i + 1; j < notification->count; j++) {
            const struct notification_rule *a = &notification->rules[i];
            const struct notification_rule *b = &notification->rules[j];
            *message = overlap_text;
            if (notification_rules_overlap(a, b))
                return S3_INVALID_ARGUMENT;
            *message = "The same Id is used for more than one configuration.";
            if (strcmp(a->id, b->id) == 0)
                return S3_INVALID_ARGUMENT;
        }
    }
    *message = NULL;
    return S3_OK;
}

enum s3_error s3_notification_parse(struct slice document, struct notification *out,
                                    const char **message)
{
    struct s3_xml_node *root = NULL;
    enum s3_error error = S3_OK;
    *message = NULL;
    *out = (struct notification){0};
    int code = s3_xml_parse(document, &root, NULL);
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    if (strcmp(root->name, "NotificationConfiguration") != 0)
        error = S3_MALFORMED_XML;
    for (const struct s3_xml_node *node = root->first; node && !error; node = node->next)
        error = read_part(node, out, message);
    if (!error)
        error = check_rules(out, message);
    if (error)
        notification_clear(out);
    s3_xml_free(root);
    return error;
}

/* Writing. */

static void write_events(const struct notification_rule *rule, struct buffer *out)
{
    const char *word = rule->events;
    while (*word) {
        size_t size = strcspn(word, " ");
        xml_slice(out, "Event", (struct slice){word, size});
        word += size + (word[size] == ' ');
    }
}

static void write_filter_rule(const char *name, const char *value, struct buffer *out)
{
    if (!*value)
        return;
    xml_open(out, "FilterRule");
    xml_element(out, "Name", name);
    xml_element(out, "Value", value);
    xml_close(out, "FilterRule");
}

static void write_rule(const struct notification_rule *rule, struct buffer *out)
{
    const char *element = rule->topic ? "TopicConfiguration" : "QueueConfiguration";
    xml_open(out, element);
    xml_element(out, "Id", rule->id);
    xml_element(out, rule->topic ? "Topic" : "Queue", rule->target);
    write_events(rule, out);
    if (*rule->prefix || *rule->suffix) {
        xml_open(out, "Filter");
        xml_open(out, "S3Key");
        write_filter_rule("Prefix", rule->prefix, out);
        write_filter_rule("Suffix", rule->suffix, out);
        xml_close(out, "S3Key");
        xml_close(out, "Filter");
    }
    xml_close(out, element);
}

void s3_notification_write(const struct notification *notification, struct buffer *out)
{
    s3_xml_begin(out, "NotificationConfiguration");
    for (size_t i = 0; i < notification->count; i++)
        write_rule(&notification->rules[i], out);
    if (notification->event_bridge) {
        xml_open(out, "EventBridgeConfiguration");
        xml_close(out, "EventBridgeConfiguration");
    }
    xml_close(out, "NotificationConfiguration");
}
