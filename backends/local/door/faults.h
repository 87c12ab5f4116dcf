/*
 * The fault plan: faults that the embedded cloud injects, to test a client's behaviour without a
 * failing network. Off unless a plan is given.
 *
 * A plan is a file of rules, one JSON object a line; empty lines and lines that begin with # are
 * skipped:
 *
 *     {"operation": "GetObject", "fault": "reset-in-body", "nth": 1}
 *     {"operation": "*", "fault": "error", "every": 3, "times": 5}
 *     {"operation": "ReceiveMessage", "fault": "duplicate", "probability": 0.2, "seed": 7}
 *
 * operation    an implemented operation (operations.h); * for all that the fault applies to
 * resource     only calls about this bucket, queue or topic; default: any
 * nth          applies to the nth call that the rule sees, and to the following calls until `times`
 *              (default here: 1) is reached
 * every        applies to every nth call
 * probability  applies with this probability, above 0 and up to 1, drawn from `seed` (default: 1)
 * times        applies at most this many times; default: no limit
 * milliseconds of a trickle: how long the body takes (default: 1000)
 *
 * Without nth, every and probability a rule applies to each call. The first rule of the file that
 * applies wins; each rule counts the calls that reach it. faults.c lists the faults and their
 * effects.
 *
 * Loop thread.
 */
#ifndef THUMBWHEEL_FAULTS_H
#define THUMBWHEEL_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum fault_kind {
    FAULT_ERROR,
    FAULT_SLOW_DOWN,
    FAULT_THROTTLE,
    FAULT_CLOCK_SKEW,
    FAULT_RESET,
    FAULT_RESET_IN_UPLOAD,
    FAULT_RESET_IN_BODY,
    FAULT_RESET_AFTER,
    FAULT_STALL,
    FAULT_TRUNCATE,
    FAULT_TRICKLE,
    FAULT_CORRUPT,
    FAULT_BAD_DIGEST,
    FAULT_DUPLICATE,
    FAULT_REORDER,
    FAULT_EXPIRE_RECEIPT,
    FAULT_FAIL_ENTRY,
    FAULT_KINDS
};

struct faults;
struct cloud_service;

/* fault_plan.c. services: all, NULL-terminated. Blocking, at startup. ERR_INVALID: the message gives the file,
 * the line and a suggestion. */
int faults_open(const char *path, const struct cloud_service *const *services, struct faults **out,
                struct error *error);
void faults_close(struct faults *faults); /* NULL does nothing */

struct fault_draw {
    enum fault_kind kind;
    unsigned milliseconds;
};
/* Counts one call of an operation, and returns whether a rule applies and its fault. resource: a
 * bucket's name, or the name, URL or ARN of the queue or topic; NULL: none. */
bool faults_draw(struct faults *faults, const char *operation, const char *resource,
                 struct fault_draw *out);

/* The name at the end of a name, URL or ARN. */
const char *faults_resource(const char *text);

/* The operations that faults.c knows by name; NULL: no more. Each must exist. */
const char *faults_unusual_operation(size_t at);

const char *fault_name(enum fault_kind kind);

#endif
