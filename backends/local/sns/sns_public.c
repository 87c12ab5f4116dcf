/*
 * Public responses of SNS: the links in its messages, and the certificate that they are signed
 * with. Loop thread.
 */
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "response.h"
#include "sns_call.h"
#include "sns_signer.h"

#define CERTIFICATE "/SimpleNotificationService-"

struct certificate_call { /* while the key is being read or generated */
    struct sns_signer_wish wish;
    struct cloud_request *request; /* NULL after the HTTP side has ended */
};

static bool is_link(const struct cloud_request *request)
{
    struct slice query = http_call_query(request->call);
    return slice_equal_text(http_call_path(request->call), "/") &&
           (slice_starts_with(query, "Action=ConfirmSubscription&") ||
            slice_starts_with(query, "Action=Unsubscribe&"));
}

static bool is_certificate(const struct cloud_request *request)
{
    return slice_starts_with(http_call_path(request->call), CERTIFICATE);
}

bool sns_is_public(const struct cloud_request *request)
{
    return slice_equal_text(http_call_method(request->call), "GET") &&
           (is_link(request) || is_certificate(request));
}

static void certificate_respond(struct cloud_request *request)
{
    struct sns_signer *signer = request->cloud->signer;
    bool found = sns_signer_ready(signer) && slice_equal_text(http_call_path(request->call),
                                                              sns_signer_certificate_path(signer));
    const char *text = found ? sns_signer_certificate(signer) : "The certificate does not exist.\n";
    const struct http_header type = {"Content-Type",
                                     found ? "application/x-pem-file" : "text/plain"};
    struct bytes body = bytes_borrow(text, strlen(text));
    request->status = found ? 200 : 404;
    response_send(request, &type, 1, &body);
}

static void certificate_ready(struct sns_signer_wish *wish, int code)
{
    struct certificate_call *call = container_of(wish, struct certificate_call, wish);
    (void)code;
    if (call->request) {
        call->request->ended = NULL;
        certificate_respond(call->request);
    }
    free(call);
}

static void certificate_given_up(struct cloud_request *request, bool completed)
{
    struct certificate_call *call = request->handler;
    (void)completed;
    call->request = NULL;
}

static void certificate_handle(struct cloud_request *request)
{
    struct certificate_call *call = NULL;
    if (!sns_signer_ready(request->cloud->signer))
        call = calloc(1, sizeof *call);
    if (!call) {
        certificate_respond(request);
        return;
    }
    call->request = request;
    call->wish.ready = certificate_ready;
    request->handler = call;
    request->ended = certificate_given_up;
    sns_signer_want(request->cloud->signer, &call->wish);
}

void sns_public_handle(struct cloud_request *request)
{
    if (is_certificate(request))
        certificate_handle(request);
    else
        service_call_handle(request);
}
