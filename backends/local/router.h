/*
 * The embedded cloud's door: which service a request is for, whether it may come in, and its line
 * in the request log.
 *
 * The service is the one that the signature's credential scope names; without a signature, the one
 * that the request looks like, so that it is refused in words that its client reads. Loop thread.
 */
#ifndef THUMBWHEEL_ROUTER_H
#define THUMBWHEEL_ROUTER_H

#include "http_server.h"

/* An http_handler; user is the struct cloud. */
void router_handle(struct http_call *call, void *user);

#endif
