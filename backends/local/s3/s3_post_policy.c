#include "s3_post_policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "json_text.h"
#include "s3_time.h"

struct form_check {
    struct s3_post_policy *policy;
    const struct s3_form *form;
    const char *bucket, *key;
    bool covered[S3_FORM_FIELDS_MAX]; /* fields that a condition refers to */
};

static enum s3_error refuse(struct s3_post_policy *policy, enum s3_error error, const char *format,
                            const char *text)
{
    snprintf(policy->message, sizeof policy->message, format, text);
    return error;
}

/* Conditions. */

static const char *value_of(struct form_check *check, const char *name)
{
    for (size_t i = 0; i < check->form->count; i++) {
        if (strcasecmp(check->form->fields[i].name, name) != 0)
            continue;
        check->covered[i] = true;
        return strcasecmp(name, "key") == 0 ? check->key : check->form->fields[i].value;
    }
    return strcasecmp(name, "bucket") == 0 ? check->bucket : NULL;
}

static enum s3_error compare(struct form_check *check, const char *name, const char *wanted,
                             bool prefix)
{
    char text[160];
    const char *value = value_of(check, name);
    bool holds = value && (prefix ? strncmp(value, wanted, strlen(wanted)) == 0
                                  : strcmp(value, wanted) == 0);
    if (prefix && !*wanted) /* "any value", including none */
        holds = true;
    if (holds)
        return S3_OK;
    snprintf(text, sizeof text, "[\"%s\", \"$%.40s\", \"%.60s\"]", prefix ? "starts-with" : "eq",
             name, wanted);
    return refuse(check->policy, S3_ACCESS_DENIED,
                  "Invalid according to Policy: Policy Condition failed: %s", text);
}

static enum s3_error read_pairs(struct form_check *check, json_t *pairs)
{
    const char *name;
    json_t *value;
    enum s3_error error = S3_OK;
    json_object_foreach(pairs, name, value)
    {
        const char *text = json_string_value(value);
        if (!text)
            return refuse(check->policy, S3_INVALID_POLICY_DOCUMENT,
                          "Invalid Policy: the value of \"%.60s\" must be a string.", name);
        if (!error)
            error = compare(check, name, text, false);
    }
    return error;
}

/* Numbers may be written as strings. */
static bool read_size(json_t *value, uint64_t *size)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    json_int_t number = json_integer_value(value);
    if (text) {
        if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18)
            return false;
        number = strtoll(text, &end, 10);
    } else if (!json_is_integer(value)) {
        return false;
    }
    *size = (uint64_t)number;
    return number >= 0;
}

static enum s3_error read_range(struct form_check *check, json_t *list)
{
    struct s3_post_policy *policy = check->policy;
    uint64_t least, most;
    if (!read_size(json_array_get(list, 1), &least) || !read_size(json_array_get(list, 2), &most))
        return refuse(policy, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: %s",
                      "content-length-range needs two numbers.");
    policy->size_min = least > policy->size_min ? least : policy->size_min;
    policy->size_max = most < policy->size_max ? most : policy->size_max;
    return S3_OK;
}

static enum s3_error read_list(struct form_check *check, json_t *list)
{
    const char *operator_name = json_string_value(json_array_get(list, 0));
    const char *field = json_string_value(json_array_get(list, 1));
    const char *wanted = json_string_value(json_array_get(list, 2));
    if (json_array_size(list) != 3 || !operator_name)
        return refuse(check->policy, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: %s",
                      "a condition must have three members.");
    if (strcasecmp(operator_name, "content-length-range") == 0)
        return read_range(check, list);
    bool prefix = strcasecmp(operator_name, "starts-with") == 0;
    if ((!prefix && strcasecmp(operator_name, "eq") != 0) || !field || *field != '$' || !wanted)
        return refuse(check->policy, S3_INVALID_POLICY_DOCUMENT,
                      "Invalid Policy: unknown condition \"%.60s\".", operator_name);
    return compare(check, field + 1, wanted, prefix);
}

static enum s3_error read_conditions(struct form_check *check, json_t *conditions)
{
    enum s3_error error = S3_OK;
    if (!json_is_array(conditions))
        return refuse(check->policy, S3_INVALID_POLICY_DOCUMENT, "%s",
                      "Invalid Policy: Policy missing conditions.");
    for (size_t i = 0; i < json_array_size(conditions) && !error; i++) {
        json_t *one = json_array_get(conditions, i);
        if (json_is_object(one))
            error = read_pairs(check, one);
        else if (json_is_array(one))
            error = read_list(check, one);
        else
            error = refuse(check->policy, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: %s",
                           "a condition must be an object or a list.");
    }
    return error;
}

/* Fields that need no condition. */
static bool is_exempt(const char *name)
{
    return strcmp(name, "x-amz-signature") == 0 || strcmp(name, "policy") == 0 ||
           strcmp(name, "awsaccesskeyid") == 0 || strcmp(name, "signature") == 0 ||
           strncmp(name, "x-ignore-", 9) == 0;
}

static enum s3_error check_extra(const struct form_check *check)
{
    for (size_t i = 0; i < check->form->count; i++) {
        const char *name = check->form->fields[i].name;
        if (!check->covered[i] && !is_exempt(name))
            return refuse(check->policy, S3_ACCESS_DENIED,
                          "Invalid according to Policy: Extra input fields: %.60s", name);
    }
    return S3_OK;
}

/* The document. */

static enum s3_error check_document(struct form_check *check, json_t *document, int64_t now_ms)
{
    const char *text = json_string_value(json_object_get(document, "expiration"));
    int64_t expiration;
    if (!text)
        return refuse(check->policy, S3_INVALID_POLICY_DOCUMENT, "%s",
                      "Invalid Policy: Policy missing expiration.");
    if (s3_time_parse_iso(text, &expiration))
        return refuse(check->policy, S3_INVALID_POLICY_DOCUMENT,
                      "Invalid Policy: Invalid 'expiration' value: '%.60s'", text);
    if (expiration <= now_ms)
        return refuse(check->policy, S3_ACCESS_DENIED, "%s",
                      "Invalid according to Policy: Policy expired.");
    enum s3_error error = read_conditions(check, json_object_get(document, "conditions"));
    return error ? error : check_extra(check);
}

static json_t *decode(const char *encoded)
{
    char text[S3_FORM_BYTES_MAX];
    size_t size = 0;
    if (base64_read(slice_of(encoded), text, sizeof text, &size))
        return NULL;
    return json_text_read((struct slice){text, size}, JSON_REJECT_DUPLICATES, NULL);
}

enum s3_error s3_post_policy_check(struct s3_post_policy *policy, const char *encoded,
                                   const struct s3_form *form, const char *bucket, const char *key,
                                   int64_t now_ms)
{
    struct form_check check = {.policy = policy, .form = form, .bucket = bucket, .key = key};
    json_t *document = decode(encoded);
    *policy = (struct s3_post_policy){.size_max = UINT64_MAX};
    if (!json_is_object(document)) {
        json_decref(document);
        return refuse(policy, S3_INVALID_POLICY_DOCUMENT, "%s", "Invalid Policy: Invalid JSON.");
    }
    enum s3_error error = check_document(&check, document, now_ms);
    json_decref(document);
    return error;
}
