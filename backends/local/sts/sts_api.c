/*
 * STS (Query protocol, version 2011-06-15): who the caller is, and temporary credentials.
 *
 * Every role of the account exists and may be assumed; the token of a web identity must be
 * well-formed and not expired. Sessions have the rights of the account, like every key. Limits and
 * errors as in the STS API Reference.
 */
#include "sts_api.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call_protocol.h"
#include "identity_token.h"
#include "iso_time.h"
#include "json_text.h"
#include "secret.h"
#include "service_call.h"
#include "session_tokens.h"
#include "signature_check.h"

enum {
    DURATION_MIN_S = 900,
    ROLE_MAX_S = 43200,
    SESSION_MAX_S = 129600,
    ROLE_STANDARD_S = 3600,
    SESSION_STANDARD_S = 43200,
    NAME_MIN = 2,
    NAME_LENGTH_MAX = 64,
};

enum sts_code { STS_VALIDATION = SERVICE_OWN, STS_EXPIRED, STS_TOKEN, STS_DENIED, STS_CODES };

/* ---- input ---- */

static int duration_read(struct service_call *call, long standard_s, long max_s, int64_t *expires_s)
{
    const char *text = json_text_in(call->input, "DurationSeconds");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : standard_s;
    if (text &&
        (!isdigit((unsigned char)text[0]) || *end || seconds < DURATION_MIN_S || seconds > max_s))
        return service_call_fail(call, STS_VALIDATION,
                                 "1 validation error detected: Value '%.20s' at 'durationSeconds' "
                                 "failed to satisfy constraint: Member must have value between %d "
                                 "and %ld",
                                 text, DURATION_MIN_S, max_s);
    const long limit_s = (long)call->cloud->session_lifetime_s;
    if (limit_s && seconds > limit_s)
        seconds = limit_s;
    *expires_s = (int64_t)time(NULL) + seconds;
    return 0;
}

static bool name_valid(const char *name)
{
    size_t size = name ? strlen(name) : 0;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_+=,.@-", name[i]))
            return false;
    }
    return size >= NAME_MIN && size <= NAME_LENGTH_MAX;
}

/* Where any key is accepted, every account exists. */
static bool has_account(const struct cloud *cloud, struct slice account)
{
    char digits[ACCESS_KEY_ACCOUNT_SIZE];
    if (!cloud->access_keys->any)
        return slice_equal_text(account, cloud->account);
    snprintf(digits, sizeof digits, "%.*s", (int)account.size, account.data);
    return account.size == ACCESS_KEY_ACCOUNT_SIZE - 1 &&
           strspn(digits, "0123456789") == account.size;
}

/* The role's name without its path; NULL: it is no role of an account here. */
static const char *role_name(const struct cloud *cloud, const char *arn)
{
    static const char service[] = "arn:aws:iam::", resource[] = ":role/";
    if (!arn || strncmp(arn, service, sizeof service - 1) != 0 ||
        !has_account(cloud, arn_account(arn)) ||
        strncmp(arn_account(arn).data + arn_account(arn).size, resource, sizeof resource - 1) != 0)
        return NULL;
    const char *slash = strrchr(arn, '/');
    return name_valid(slash + 1) ? slash + 1 : NULL;
}

/* ---- output ---- */

static int credentials_output(struct service_call *call, const struct sts_session *session)
{
    char expires[ISO_TIME_SIZE];
    iso_time_format(session->expires_s, expires);
    return service_call_output(call, "Credentials",
                               json_pack("{s:s, s:s, s:s, s:s}", "AccessKeyId", session->access_key,
                                         "SecretAccessKey", session->secret_key, "SessionToken",
                                         session->token, "Expiration", expires));
}

static int role_output(struct service_call *call, const struct sts_session *session)
{
    int code = credentials_output(call, session);
    return code ? code
                : service_call_output(call, "AssumedRoleUser",
                                      json_pack("{s:s, s:s}", "AssumedRoleId", session->user_id,
                                                "Arn", session->arn));
}

/* ---- operations ---- */

static int get_caller_identity(struct service_call *call)
{
    const struct access_key *caller = call->request->caller;
    int code = service_call_output(call, "Arn", json_string(caller->arn));
    if (code)
        return code;
    code = service_call_output(call, "UserId", json_string(caller->user_id));
    if (code)
        return code;
    return service_call_output(call, "Account", json_string(call->request->home.account));
}

static int session_start(struct service_call *call, const char *arn, const char *user_id,
                         int64_t expires_s, struct sts_session *session)
{
    int code = session_issue(call->cloud->access_keys, arn, user_id, expires_s, session);
    return code == ERR_LIMIT ? service_call_fail(call, STS_VALIDATION, "The name is too long")
                             : code;
}

static int role_start(struct service_call *call)
{
    const char *arn = json_text_in(call->input, "RoleArn");
    const char *role = role_name(call->cloud, arn);
    const char *name = json_text_in(call->input, "RoleSessionName");
    struct sts_session session;
    int64_t expires_s = 0;
    char assumed[SESSION_ARN_SIZE], user[SESSION_USER_SIZE];
    if (!name_valid(name))
        return service_call_fail(call, STS_VALIDATION,
                                 "RoleSessionName must be 2 to 64 letters, digits and _+=,.@-");
    if (!role)
        return service_call_fail(call, STS_DENIED,
                                 "Not authorized: RoleArn \"%.100s\" is not a role of the account "
                                 "%s",
                                 arn ? arn : "", call->cloud->account);
    int code = duration_read(call, ROLE_STANDARD_S, ROLE_MAX_S, &expires_s);
    if (code)
        return code;
    const struct slice account = arn_account(arn);
    snprintf(assumed, sizeof assumed, "arn:aws:sts::%.*s:assumed-role/%s/%s", (int)account.size,
             account.data, role, name);
    snprintf(user, sizeof user, "AROAEMBEDDEDCLOUD0000:%s", name);
    code = session_start(call, assumed, user, expires_s, &session);
    if (!code)
        code = role_output(call, &session);
    secret_wipe(&session, sizeof session);
    return code;
}

static int assume_role(struct service_call *call)
{
    return role_start(call);
}

static int assume_role_with_web_identity(struct service_call *call)
{
    const char *token = json_text_in(call->input, "WebIdentityToken");
    int code = 0;
    json_t *claims = token ? identity_token_read(token) : NULL;
    if (!claims)
        return service_call_fail(call, STS_TOKEN, "The ID Token provided is not a valid JWT.");
    if (json_number_value(json_object_get(claims, "exp")) <= (double)time(NULL))
        code = service_call_fail(call, STS_EXPIRED, "Token expired: check its claim exp.");
    if (code)
        goto out;
    code = role_start(call);
    if (code)
        goto out;
    code = service_call_output(call, "SubjectFromWebIdentityToken",
                               json_string(json_text_in(claims, "sub")));
out:
    json_decref(claims);
    return code;
}

static int get_session_token(struct service_call *call)
{
    const struct access_key *caller = call->request->caller;
    struct sts_session session;
    int64_t expires_s = 0;
    if (caller->is_temporary)
        return service_call_fail(call, STS_DENIED,
                                 "Cannot call GetSessionToken with session credentials");
    int code = duration_read(call, SESSION_STANDARD_S, SESSION_MAX_S, &expires_s);
    if (code)
        return code;
    code = session_start(call, caller->arn, caller->user_id, expires_s, &session);
    if (!code)
        code = credentials_output(call, &session);
    secret_wipe(&session, sizeof session);
    return code;
}

static const struct service_operation operations[] = {
    {.name = "AssumeRole",
     .members = "RoleArn RoleSessionName DurationSeconds ExternalId",
     .run = assume_role},
    {.name = "AssumeRoleWithSAML"},
    {.name = "AssumeRoleWithWebIdentity",
     .members = "RoleArn RoleSessionName WebIdentityToken DurationSeconds",
     .run = assume_role_with_web_identity,
     .is_public = true},
    {.name = "AssumeRoot"},
    {.name = "DecodeAuthorizationMessage"},
    {.name = "GetAccessKeyInfo"},
    {.name = "GetCallerIdentity", .members = "", .run = get_caller_identity},
    {.name = "GetDelegatedAccessToken"},
    {.name = "GetFederationToken"},
    {.name = "GetSessionToken", .members = "DurationSeconds", .run = get_session_token},
    {.name = "GetWebIdentityToken"},
};

static const struct wire_error errors[STS_CODES] = {
    [SERVICE_INTERNAL] = {NULL, "InternalFailure", 0, 500, "The embedded cloud failed."},
    [SERVICE_UNAVAILABLE] = {NULL, "ServiceUnavailable", 0, 503,
                             "The embedded cloud is short of memory."},
    [SERVICE_MALFORMED] = {NULL, "MalformedInput", 0, 400, "The request cannot be parsed."},
    [SERVICE_MISSING_ACTION] = {NULL, "InvalidAction", 0, 400,
                                "The request must contain the parameter Action."},
    [SERVICE_INVALID_ACTION] = {NULL, "InvalidAction", 0, 400,
                                "The action is not valid for this endpoint."},
    [SERVICE_NOT_IMPLEMENTED] = {NULL, "NotImplemented", 0, 501,
                                 "The embedded cloud does not implement this action."},
    [SERVICE_UNSIGNED] = {NULL, "MissingAuthenticationToken", 0, 403,
                          "Request is missing Authentication Token"},
    [STS_VALIDATION] = {NULL, "ValidationError", 0, 400, "A parameter is not valid."},
    [STS_EXPIRED] = {NULL, "ExpiredTokenException", 0, 400, "Token expired."},
    [STS_TOKEN] = {NULL, "InvalidIdentityToken", 0, 400, "The token is not valid."},
    [STS_DENIED] = {NULL, "AccessDenied", 0, 403, "Access denied."},
};

static const struct query_shape shape = {.xml_namespace =
                                             "https://sts.amazonaws.com/doc/2011-06-15/"};

static const struct service_api sts_api = {
    .query = &protocol_query,
    .shape = &shape,
    .operations = operations,
    .operation_count = sizeof operations / sizeof *operations,
    .errors = errors,
};

const struct cloud_service cloud_sts = {
    .name = "sts",
    .title = "STS",
    .operations = service_operation_row,
    .api = &sts_api,
    .handle = service_call_handle,
    .unsigned_action = "AssumeRoleWithWebIdentity",
    .collects = true,
};
