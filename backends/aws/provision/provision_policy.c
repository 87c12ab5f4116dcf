#include "provision_policy.h"

#include <string.h>

#include "error.h"
#include "json_text.h"
#include "provision_private.h"

json_t *policy_load(const char *text)
{
    if (!text || !text[0])
        return json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
    json_t *policy = json_text_read(slice_of(text), JSON_REJECT_DUPLICATES, NULL);
    json_t *statements = json_object_get(policy, "Statement");
    if (json_is_object(statements)) { /* AWS also allows a single one */
        json_t *list = json_pack("[O]", statements);
        if (list)
            json_object_set_new(policy, "Statement", list);
    }
    if (json_is_array(json_object_get(policy, "Statement")))
        return policy;
    json_decref(policy);
    return NULL;
}

json_t *policy_find(const json_t *policy, const char *sid)
{
    const json_t *statements = json_object_get(policy, "Statement");
    for (size_t i = 0; i < json_array_size(statements); i++) {
        json_t *statement = json_array_get(statements, i);
        const char *other = json_text_in(statement, "Sid");
        if (other && strcmp(sid, other) == 0)
            return statement;
    }
    return NULL;
}

static void remove_ours(json_t *statements, const char *sid)
{
    for (size_t i = json_array_size(statements); i-- > 0;) {
        const char *other = json_text_in(json_array_get(statements, i), "Sid");
        if (other && strcmp(sid, other) == 0)
            json_array_remove(statements, i);
    }
}

int policy_merge(const char *text, json_t *statement, char **out)
{
    json_t *policy = policy_load(text);
    json_t *statements = json_object_get(policy, "Statement");
    *out = NULL;
    if (!policy)
        return ERR_INVALID;
    remove_ours(statements, json_text_in(statement, "Sid"));
    if (json_array_append(statements, statement) == 0)
        *out = json_dumps(policy, JSON_COMPACT);
    json_decref(policy);
    return *out ? 0 : ERR_MEMORY;
}

/* ---- as resources ---- */

/* The statement that SNS gives every topic lets only its owner in. */
static bool is_default(const char *sid)
{
    return sid && strcmp(sid, "__default_statement_ID") == 0;
}

static bool is_of_another_plan(const char *sid)
{
    return sid && strncmp(sid, "Thumbwheel", strlen("Thumbwheel")) == 0;
}

static int note_others(struct provision *p, const json_t *policy, const json_t *ours)
{
    const json_t *statements = json_object_get(policy, "Statement");
    int code = 0;
    for (size_t i = 0; i < json_array_size(statements) && !code; i++) {
        const json_t *statement = json_array_get(statements, i);
        const char *sid = json_text_in(statement, "Sid");
        if (statement != ours && !is_default(sid))
            code = provision_other(p, "the statement \"%s\" of the policy of %s is %s",
                                   sid ? sid : "", provision_base(p),
                                   is_of_another_plan(sid)
                                       ? "for another source; remove it if that is not used"
                                       : "not ours");
    }
    return code;
}

int provision_policy_found(struct provision *p, struct error *error)
{
    char sid[PROVISION_SID_SIZE];
    json_t *policy = policy_load(p->text);
    if (!policy)
        return error_set(error, ERR_INVALID, "its policy cannot be read: it is not changed");
    provision_sid(p->run->plan, p->index, sid);
    json_t *ours = policy_find(policy, sid);
    p->finding.exists = ours != NULL;
    int code = ours ? provision_found(p, "Statement", json_incref(ours)) : 0;
    if (!code)
        code = note_others(p, policy, ours);
    json_decref(policy);
    return code ? provision_out_of_memory(error) : 0;
}

int provision_policy_wanted(const struct provision *p, char **out)
{
    json_t *statement = provision_statement(p->run->plan, p->index, &p->run->place);
    int code = statement ? policy_merge(p->text, statement, out) : ERR_MEMORY;
    json_decref(statement);
    return code;
}
