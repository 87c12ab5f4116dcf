/* The rules of a fault plan: fault_plan.c reads them, faults.c applies them. Loop thread. */
#ifndef THUMBWHEEL_FAULT_RULES_H
#define THUMBWHEEL_FAULT_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "faults.h"

enum {
    FAULT_RULES_MAX = 1000,
    FAULT_RESOURCE_MAX = 256, /* bytes; the longest name is a topic's, 256 */
};

struct fault_rule {
    const char *operation;                 /* static */
    unsigned has;                          /* fault_traits */
    char resource[FAULT_RESOURCE_MAX + 1]; /* "": any */
    enum fault_kind kind;
    uint64_t nth, every, times; /* 0: not stated */
    double probability;         /* 0: not stated */
    uint64_t random;            /* state of the random number generator */
    unsigned milliseconds;
    uint64_t seen, injected;
};

struct faults {
    size_t count;
    struct fault_rule rules[FAULT_RULES_MAX];
};

/* "*", as an operation of a rule; compared by its address. */
extern const char fault_every_operation[];
/* Bits of what an operation has, and of what a fault needs it to have. */
unsigned fault_traits(const char *operation);
unsigned fault_needs(enum fault_kind kind);

#endif
