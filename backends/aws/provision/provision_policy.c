/* Our statements are recognised by their Sid, which is derived from the source: each bucket or
 * topic gets its own statement. */
#include "provision_policy.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "hash.h"
#include "json_text.h"
#include "sigv4.h"

enum { SID_SIZE = 32 };

static void sid_make(const char *source_arn, char out[SID_SIZE])
{
    char hash[SIGV4_HEX_SIZE];
    sha256_hex(source_arn, strlen(source_arn), hash);
    snprintf(out, SID_SIZE, "Thumbwheel%.16s", hash);
}

static json_t *statement_make(const struct policy_grant *grant)
{
    char sid[SID_SIZE];
    sid_make(grant->source_arn, sid);
    json_t *statement =
        json_pack("{s:s, s:s, s:{s:s}, s:s, s:s, s:{s:{s:s}}}", "Sid", sid, "Effect", "Allow",
                  "Principal", "Service", grant->service, "Action", grant->action, "Resource",
                  grant->resource_arn, "Condition", "ArnLike", "aws:SourceArn", grant->source_arn);
    if (!statement || !grant->source_account)
        return statement;
    json_t *account = json_pack("{s:s}", "aws:SourceAccount", grant->source_account);
    if (json_object_set_new(json_object_get(statement, "Condition"), "StringEquals", account) == 0)
        return statement;
    json_decref(statement);
    return NULL;
}

/* The policy with its statements as a list; AWS also allows a single object. */
static json_t *policy_load(const char *existing)
{
    if (!existing || !existing[0])
        return json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
    json_t *policy = json_text_read(slice_of(existing), JSON_REJECT_DUPLICATES, NULL);
    json_t *statements = json_object_get(policy, "Statement");
    if (json_is_object(statements)) {
        json_t *list = json_pack("[O]", statements);
        if (list)
            json_object_set_new(policy, "Statement", list);
    }
    if (json_is_array(json_object_get(policy, "Statement")))
        return policy;
    json_decref(policy);
    return NULL;
}

/* Returns true if the statement exists; removes a different one with the same Sid. */
static bool statement_find(json_t *statements, const json_t *ours)
{
    const char *sid = json_string_value(json_object_get(ours, "Sid"));
    for (size_t i = json_array_size(statements); i-- > 0;) {
        const json_t *statement = json_array_get(statements, i);
        const char *other = json_string_value(json_object_get(statement, "Sid"));
        if (!other || strcmp(sid, other) != 0)
            continue;
        if (json_equal(statement, ours))
            return true;
        json_array_remove(statements, i);
    }
    return false;
}

int policy_merge(const char *existing, const struct policy_grant *grant, char **out, bool *fits)
{
    *out = NULL;
    *fits = false;
    json_t *ours = statement_make(grant);
    json_t *policy = policy_load(existing);
    json_t *statements = json_object_get(policy, "Statement");
    int code = !ours ? ERR_MEMORY : !policy ? ERR_INVALID : 0;
    if (!code) {
        *fits = statement_find(statements, ours);
        if (!*fits && json_array_append(statements, ours))
            code = ERR_MEMORY;
    }
    if (!code && !(*out = json_dumps(policy, JSON_COMPACT)))
        code = ERR_MEMORY;
    json_decref(ours);
    json_decref(policy);
    return code;
}
