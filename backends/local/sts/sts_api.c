/* STS: GetCallerIdentity (Query protocol, version 2011-06-15). There are no roles to assume, and no
 * credentials are issued. */
#include "sts_api.h"

#include "call_protocol.h"
#include "service_call.h"
#include "signature_check.h"

static int get_caller_identity(struct service_call *call)
{
    const struct access_key *caller = call->request->caller;
    int code = service_call_output(call, "Arn", json_string(caller->arn));
    if (!code)
        code = service_call_output(call, "UserId", json_string(caller->user_id));
    if (!code)
        code = service_call_output(call, "Account", json_string(call->cloud->account));
    return code;
}

static const struct service_operation operations[] = {
    {.name = "AssumeRole"},
    {.name = "AssumeRoleWithSAML"},
    {.name = "AssumeRoleWithWebIdentity"},
    {.name = "AssumeRoot"},
    {.name = "DecodeAuthorizationMessage"},
    {.name = "GetAccessKeyInfo"},
    {.name = "GetCallerIdentity", .run = get_caller_identity},
    {.name = "GetDelegatedAccessToken"},
    {.name = "GetFederationToken"},
    {.name = "GetSessionToken"},
    {.name = "GetWebIdentityToken"},
};

static const struct wire_error errors[SERVICE_OWN] = {
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
    .collects = true,
};
