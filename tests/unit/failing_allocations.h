/*
 * Makes the nth allocation from now on fail; all others succeed.
 *
 * The linker redirects the allocations of the code under test (--wrap for malloc and related
 * functions; jansson and expat through their own allocators). Allocations of the tests use the real
 * functions, so fake services and the tests themselves never fail.
 */
#ifndef FAILING_ALLOCATIONS_H
#define FAILING_ALLOCATIONS_H

#include <stdbool.h>

/* Call it once, before jansson is used. */
void allocations_hook(void);
/* n counts from 1. Any thread's allocation may be the one. */
void allocations_fail(unsigned long n);
/* From now on all allocations succeed. Returns whether one failed. */
bool allocations_end(void);

#endif
