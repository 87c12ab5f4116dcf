/*
 * Reads and writes what a plan has in RabbitMQ, over its management API; all other resources are
 * skipped. Loop thread.
 *
 * First come the version of the broker, the password and the virtual host, so that a wrong address
 * is not taken for an empty broker. A queue's arguments never change: one that exists with others is
 * a conflict, and stays as it is.
 */
#ifndef THUMBWHEEL_BROKER_PROVISION_H
#define THUMBWHEEL_BROKER_PROVISION_H

#include <uv.h>

#include "http_client.h"
#include "provision_broker.h"
#include "provision_change.h"

struct broker_run;
typedef void broker_provisioned(const struct error *error, void *user);

/* Without an address of its own, the API is at port 15672 (TLS: 15671); without a user, it is guest;
 * without a file, the password is "guest" (RabbitMQ's defaults). The run is borrowed until the callback, which is called once, from a fresh loop callback. The error
 * names the resource. On an error it is not called: ERR_INVALID (the text says what is wrong),
 * ERR_MEMORY. */
int broker_provision(uv_loop_t *loop, struct http_client *http,
                     const struct provision_broker_access *access, const struct provision_run *run,
                     broker_provisioned *done, void *user, struct broker_run **out,
                     struct error *error);
/* The callback will not be called. Not from the callback. */
void broker_provision_cancel(struct broker_run *run);

#endif
