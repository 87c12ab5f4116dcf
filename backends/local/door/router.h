/*
 * Routes requests: determines the service, authenticates the request and writes its request log
 * line.
 *
 * The service is that of the signature's credential scope. Without a signature it is guessed from
 * the request, so that the error has the format that the client expects. Loop thread.
 */
#ifndef THUMBWHEEL_ROUTER_H
#define THUMBWHEEL_ROUTER_H

#include "http_server.h"

/* An http_handler; user is the struct cloud. */
void router_handle(struct http_call *call, void *user);

#endif
