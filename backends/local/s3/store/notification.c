#include "notification.h"

#include <stdlib.h>
#include <string.h>

struct notification_rule *notification_add(struct notification *notification)
{
    size_t size = (notification->count + 1) * sizeof *notification->rules;
    struct notification_rule *rules = realloc(notification->rules, size);
    if (!rules)
        return NULL;
    notification->rules = rules;
    struct notification_rule *rule = &rules[notification->count++];
    *rule = (struct notification_rule){0};
    return rule;
}

void notification_clear(struct notification *notification)
{
    for (size_t i = 0; i < notification->count; i++) {
        struct notification_rule *rule = &notification->rules[i];
        free(rule->id);
        free(rule->target);
        free(rule->events);
        free(rule->prefix);
        free(rule->suffix);
    }
    free(notification->rules);
    *notification = (struct notification){0};
}

/* "Supported event types for SQS, SNS, and Lambda", S3 User Guide. */
static const char *const known_events[] = {
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
};

bool notification_event_known(const char *event)
{
    for (size_t i = 0; i < sizeof known_events / sizeof *known_events; i++) {
        if (strcmp(event, known_events[i]) == 0)
            return true;
    }
    return false;
}

/* A word of a rule's events; size excludes the separator. */
static bool word_matches(const char *word, size_t size, const char *event)
{
    if (size && word[size - 1] == '*')
        return strncmp(word, event, size - 1) == 0;
    return strlen(event) == size && memcmp(word, event, size) == 0;
}

static bool events_match(const char *words, const char *event)
{
    while (*words) {
        size_t size = strcspn(words, " ");
        if (word_matches(words, size, event))
            return true;
        words += size + (words[size] == ' ');
    }
    return false;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
    size_t size = strlen(text), end = strlen(suffix);
    return size >= end && strcmp(text + size - end, suffix) == 0;
}

bool notification_rule_matches(const struct notification_rule *rule, const char *event,
                               const char *key)
{
    return events_match(rule->events, event) && begins(key, rule->prefix) &&
           ends(key, rule->suffix);
}

static bool share_event(const struct notification_rule *a, const struct notification_rule *b)
{
    for (size_t i = 0; i < sizeof known_events / sizeof *known_events; i++) {
        if (events_match(a->events, known_events[i]) && events_match(b->events, known_events[i]))
            return true;
    }
    return false;
}

bool notification_rules_overlap(const struct notification_rule *a,
                                const struct notification_rule *b)
{
    bool prefixes = begins(a->prefix, b->prefix) || begins(b->prefix, a->prefix);
    bool suffixes = ends(a->suffix, b->suffix) || ends(b->suffix, a->suffix);
    return prefixes && suffixes && share_event(a, b);
}
