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
 * operation    one that the embedded cloud answers (operations.h); * for every one that the fault
 *              can befall
 * resource     only calls about this bucket, queue or topic; without it, about any
 * nth          strikes at the nth call that the rule sees, and at those after it until `times`
 *              (which is then 1 unless stated) is used up
 * every        strikes at every nth call
 * probability  strikes with a chance above 0 and up to 1, drawn from `seed` (1 unless stated)
 * times        strikes at most so often; without it, without end
 * milliseconds of a trickle: how long the body takes (1000 unless stated)
 *
 * With none of nth, every and probability a rule strikes at each call. The first rule of the file
 * that strikes wins; each rule counts the calls that reach it. The faults, and what they do, are in
 * faults.c.
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

/* Blocking, at start. ERR_INVALID: the text says file, line and what was meant. */
int faults_open(const char *path, struct faults **out, struct error *error);
void faults_close(struct faults *faults); /* NULL does nothing */

struct fault_draw {
    enum fault_kind kind;
    unsigned milliseconds;
};
/* Counts one call of an operation, and returns whether a rule applies and its fault. resource: a
 * bucket's name, or whatever names the queue or topic (name, URL, ARN); NULL: nothing does. */
bool faults_draw(struct faults *faults, const char *operation, const char *resource,
                 struct fault_draw *out);

/* The name at the end of a name, URL or ARN. */
const char *faults_resource(const char *text);

/* Those operations that faults.c knows by name; NULL: no more. Each must be one that there is. */
const char *faults_unusual_operation(size_t at);

const char *fault_name(enum fault_kind kind);

#endif
