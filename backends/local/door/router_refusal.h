/* Error responses of each protocol for requests that never reach a service. Loop thread. */
#ifndef THUMBWHEEL_ROUTER_REFUSAL_H
#define THUMBWHEEL_ROUTER_REFUSAL_H

#include "cloud.h"
#include "signature_check.h"

void router_refuse_signature(struct cloud_request *request, enum router_wire wire,
                             enum signature_code code, const struct signature_claim *claim);
/* Refuses with an S3 error such as InvalidRequest. */
void router_refuse(struct cloud_request *request, enum router_wire wire, int status,
                   const char *code, const char *text);

#endif
