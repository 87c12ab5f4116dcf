/* Error responses of each protocol for requests that never reach a service. Loop thread. */
#ifndef THUMBWHEEL_ROUTER_REFUSAL_H
#define THUMBWHEEL_ROUTER_REFUSAL_H

#include "cloud.h"
#include "signature_check.h"

struct router_signature { /* borrowed */
    struct cloud_request *request;
    const struct signed_request *signed_request;
    const struct signature_claim *claim;
};
void router_refuse_signature(const struct router_signature *signature, enum router_wire wire,
                             enum signature_code code);
/* Refuses with an S3 error such as InvalidRequest. */
void router_refuse(struct cloud_request *request, enum router_wire wire, int status,
                   const char *code, const char *text);

#endif
