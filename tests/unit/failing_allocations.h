/*
 * Memory that runs out at one place: the nth allocation from now on fails, all others succeed.
 *
 * The linker hands over what the code under test and its libraries' hooks ask for (--wrap for
 * malloc and its relatives; jansson and expat through their own allocators). What only the tests
 * ask for is asked of the real functions: fake services and the tests themselves never run short.
 */
#ifndef FAILING_ALLOCATIONS_H
#define FAILING_ALLOCATIONS_H

#include <stdbool.h>

/* Once, before jansson is used. */
void allocations_hook(void);
/* n counts from 1. Any thread's allocation may be the one. */
void allocations_fail(unsigned long n);
/* From now on all succeed; whether one had failed. */
bool allocations_end(void);

#endif
