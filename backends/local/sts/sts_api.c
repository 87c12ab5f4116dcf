/* STS: GetCallerIdentity (Query protocol, version 2011-06-15). There are no roles to assume, and no
 * credentials are issued. */
#include "sts_api.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "fault_injection.h"
#include "form.h"
#include "query_response.h"
#include "signature_check.h"
#include "utf8.h"
#include "xml_tree.h"

#define NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"

static const char identity[] = "GetCallerIdentity";

static const char *const refused[] = {
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetSessionToken",
    "GetWebIdentityToken",
};
enum { REFUSED_COUNT = sizeof refused / sizeof refused[0] };

static bool sts_operation_row(size_t at, struct cloud_operation *out)
{
    if (at > REFUSED_COUNT)
        return false;
    *out = (struct cloud_operation){at ? refused[at - 1] : identity, at == 0};
    return true;
}

static void respond(struct cloud_request *request)
{
    struct buffer xml;
    buffer_init(&xml, 16 * 1024);
    buffer_text(&xml, "<GetCallerIdentityResponse xmlns=\"" NAMESPACE "\">"
                      "<GetCallerIdentityResult>");
    xml_element(&xml, "Arn", request->caller->arn);
    xml_element(&xml, "UserId", request->caller->user_id);
    xml_element(&xml, "Account", request->cloud->account);
    buffer_text(&xml, "</GetCallerIdentityResult><ResponseMetadata>");
    xml_element(&xml, "RequestId", request->id);
    buffer_text(&xml, "</ResponseMetadata></GetCallerIdentityResponse>");
    query_response_send(request, 200, &xml);
}

static void refuse(struct cloud_request *request, int status, const char *code, const char *text)
{
    query_response_error(request, NAMESPACE, status, code, text);
}

static void unknown(struct cloud_request *request)
{
    bool known = false;
    char text[160];
    for (size_t i = 0; i < REFUSED_COUNT; i++)
        known = known || strcmp(request->operation, refused[i]) == 0;
    snprintf(text, sizeof text,
             known ? "The embedded cloud does not implement the action %s."
                   : "The action %s is not valid for this endpoint.",
             request->operation);
    refuse(request, known ? 501 : 400, known ? "NotImplemented" : "InvalidAction", text);
}

static void sts_api_handle(struct cloud_request *request)
{
    struct slice body = {request->body.data, request->body.size};
    json_t *input = json_object();
    int status = input ? form_parse(input, http_call_query(request->call), NULL, 0) : ERR_MEMORY;
    if (!status)
        status = form_parse(input, body, NULL, 0);
    const char *action = json_string_value(json_object_get(input, "Action"));
    snprintf(request->operation, sizeof request->operation, "%s", action ? action : "");
    utf8_repair(request->operation);
    json_decref(input);
    if (status == ERR_MEMORY)
        refuse(request, 503, "ServiceUnavailable", "The embedded cloud is short of memory.");
    else if (status)
        refuse(request, 400, "MalformedInput", "The request is not a form of UTF-8 text.");
    else if (fault_inject(request, WIRE_QUERY, NULL))
        return;
    else if (strcmp(request->operation, identity) == 0)
        respond(request);
    else
        unknown(request);
}

const struct cloud_service cloud_sts = {
    .name = "sts",
    .title = "STS",
    .operations = sts_operation_row,
    .handle = sts_api_handle,
    .collects = true,
};
