/*
 * Filter policies of SNS subscriptions. The first line is a policy, the second one the message's
 * attributes, the rest its body: any policy is read or refused with a reason, and matching decides
 * the same each time.
 */
#include "filter_policy.h"

#include "error.h"
#include "fuzz.h"

/* As SNS keeps them: {"name": {"DataType": "String", "StringValue": "…"}}. */
static json_t *attributes_read(struct slice text)
{
    json_t *attributes = json_loadb(text.data, text.size, 0, NULL);
    const char *name;
    json_t *value;
    void *next;
    if (!json_is_object(attributes)) {
        json_decref(attributes);
        return json_object();
    }
    json_object_foreach_safe(attributes, next, name, value)
    {
        if (!json_is_string(json_object_get(value, "DataType")) ||
            !(json_is_string(json_object_get(value, "StringValue")) ||
              json_is_string(json_object_get(value, "BinaryValue"))))
            json_object_del(attributes, name);
    }
    return attributes;
}

static void check(const struct filter_policy *policy, json_t *attributes, struct slice body)
{
    int matches = filter_policy_match_body(policy, body);
    require(matches == 0 || matches == 1);
    require(matches == filter_policy_match_body(policy, body));
    if (filter_policy_is_nested(policy))
        return;
    matches = filter_policy_match_attributes(policy, attributes);
    require(matches == 0 || matches == 1);
    require(matches == filter_policy_match_attributes(policy, attributes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    char *text = slice_dup(fuzz_line(&rest));
    char why[FILTER_POLICY_TEXT_MAX] = "";
    struct filter_policy *policy = NULL;
    json_t *attributes = attributes_read(fuzz_line(&rest));
    char *body = fuzz_copy(rest);
    require(text && attributes);
    if (filter_policy_parse(text, &policy, why))
        require(*why && strlen(why) < sizeof why && !policy);
    else if (policy)
        check(policy, attributes, (struct slice){body, rest.size});
    filter_policy_free(policy);
    json_decref(attributes);
    free(body);
    free(text);
    return 0;
}
