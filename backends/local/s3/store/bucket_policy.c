#include "bucket_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ip_network.h"
#include "policy_document.h"

void bucket_policy_free(void *policy)
{
    policy_release(policy);
}

/* S3 requires a Resource in each statement; for queues and topics it is optional. */
static bool names_resources(const struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++) {
        if (!policy->statements[i].resources.values)
            return false;
    }
    return true;
}

enum s3_error bucket_policy_read(struct slice document, struct bucket_setting *setting,
                                 char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct policy *policy = NULL;
    struct error error = {0};
    char *text = slice_dup(document);
    int code = text ? policy_parse(POLICY_OF_BUCKET, text, &policy, &error) : ERR_MEMORY;
    setting->document = text;
    setting->read = policy;
    if (code == ERR_MEMORY)
        return S3_INTERNAL_ERROR;
    if (code) {
        snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "%.250s", error.text);
        return S3_MALFORMED_POLICY;
    }
    if (names_resources(policy))
        return S3_OK;
    snprintf(message, BUCKET_SETTING_MESSAGE_MAX, "Missing required field Resource");
    return S3_MALFORMED_POLICY;
}

static bool is_in_bucket(const char *resource, const char *bucket)
{
    static const char prefix[] = "arn:aws:s3:::";
    size_t size = strlen(bucket);
    if (strncmp(resource, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *name = resource + sizeof prefix - 1;
    /* a wildcard may replace a part of the name */
    size_t plain = strcspn(name, "*?/");
    if (name[plain] == '*' || name[plain] == '?')
        return strncmp(name, bucket, plain) == 0;
    return plain == size && strncmp(name, bucket, size) == 0;
}

bool bucket_policy_covers(const struct policy *policy, const char *bucket)
{
    for (size_t i = 0; i < policy->count; i++) {
        const json_t *values = policy->statements[i].resources.values;
        for (size_t j = 0; j < json_array_size(values); j++) {
            if (!is_in_bucket(json_string_value(json_array_get(values, j)), bucket))
                return false;
        }
    }
    return true;
}

/* Neither a wildcard nor a variable; an address range that is not wider than /8 (IPv4) or /32. */
static bool is_fixed(const struct policy_condition *condition, const char *value)
{
    struct ip_network network;
    if (!value || strpbrk(value, "*?") || strstr(value, "${"))
        return false;
    if (strcasecmp(condition->key_name, "aws:SourceIp") != 0)
        return true;
    return ip_network_read(value, &network) && network.bits >= (network.size == 4 ? 8U : 32U);
}

static bool has_fixed_values(const struct policy_condition *condition)
{
    for (size_t i = 0; i < json_array_size(condition->values); i++) {
        if (!is_fixed(condition, json_string_value(json_array_get(condition->values, i))))
            return false;
    }
    return true;
}

static bool narrows(const struct policy_condition *condition)
{
    static const char *const keys[] = {
        "aws:SourceArn",        "aws:SourceAccount",     "aws:SourceOwner",
        "aws:PrincipalAccount", "aws:PrincipalArn",      "aws:PrincipalOrgID",
        "aws:SourceIp",         "aws:SourceVpc",         "aws:SourceVpce",
        "aws:userid",           "s3:DataAccessPointArn", "s3:DataAccessPointAccount"};
    if (condition->negated || condition->if_exists || condition->match == MATCH_NULL)
        return false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcasecmp(condition->key_name, keys[i]) == 0)
            return has_fixed_values(condition);
    }
    return false;
}

static bool is_public(const struct policy_statement *statement)
{
    const struct policy_principal *principal = &statement->principal;
    if (!statement->allow || !(principal->everyone || principal->inverted))
        return false;
    for (size_t i = 0; i < statement->condition_count; i++) {
        if (narrows(&statement->conditions[i]))
            return false;
    }
    return true;
}

bool bucket_policy_is_public(const struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++) {
        if (is_public(&policy->statements[i]))
            return true;
    }
    return false;
}
