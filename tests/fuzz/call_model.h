/*
 * The expected state of the embedded cloud after the acknowledged calls, derived from the requests
 * and the responses; call_model_verify() asks the cloud and
 * compares.
 */
#ifndef THUMBWHEEL_TESTS_FUZZ_CALL_MODEL_H
#define THUMBWHEEL_TESTS_FUZZ_CALL_MODEL_H

#include "call_table.h"

struct exchanged { /* views */
    enum call_protocol protocol;
    const char *action;
    const struct fuzz_request *request;
    struct slice response; /* empty: it did not come in time */
};

/* --- call_check.c --- */

/* The response is well-formed HTTP, and its body matches its head. */
void call_check(const struct exchanged *e);
unsigned call_status(struct slice response);
struct slice call_body(struct slice response);
/* The value of a response's header; empty without it. */
struct slice call_header(struct slice response, const char *name);

/* --- call_model.c --- */

void call_model_reset(void);
void call_model_update(const struct exchanged *e);

/* Sends a request that is expected to succeed, written as in fuzz_request.h; the body of its
 * response, for free(). */
typedef char *call_ask(const char *service, const char *request, unsigned *status);
void call_model_verify(call_ask *ask);

#endif
