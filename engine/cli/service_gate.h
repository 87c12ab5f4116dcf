/* The gate of a service, by itself or beside the engine, as the settings say. Loop thread. */
#ifndef THUMBWHEEL_SERVICE_GATE_H
#define THUMBWHEEL_SERVICE_GATE_H

#include "error.h"

struct service;
struct service_gate;

/* Listens, and waits until the buckets were found. Without a connection to the store it serves all
 * the same, and requests try again. flag is the setting that has the address, for errors.
 * ERR_CANCELLED: interrupted. *out must be closed, whatever this returns. */
int service_gate_open(struct service *service, const char *flag, const char *address,
                      struct service_gate **out, struct error *error);
/* Refuses new requests from now on, and closes after grace_ms or when none is pending. */
void service_gate_drain(struct service_gate *gate, unsigned grace_ms);
/* Waits until it has drained; without service_gate_drain before, it closes at once. Call it before
 * service_close. Both do nothing with NULL. */
void service_gate_close(struct service_gate *gate);

#endif
