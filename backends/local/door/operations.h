/*
 * Which operations of AWS the embedded cloud answers and which it refuses by name, as the dispatch
 * tables of its services say. The tables of docs/operations.md come from here. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_OPERATIONS_H
#define THUMBWHEEL_LOCAL_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cloud_operation {
    const char *name; /* as the service's model names it */
    bool supported;
};

/* Row `at` of a service's dispatch table; false: there are no more. A name may come twice. */
typedef bool operation_row(size_t at, struct cloud_operation *out);
struct cloud_service;

/* The rows of all services, one after another. The list ends with NULL. */
bool any_operation_row(const struct cloud_service *const *services, size_t at,
                       struct cloud_operation *out);

/* Markdown, in the list's order: a table of the supported operations for each service, and what
 * happens to all others. ERR_MEMORY, ERR_IO. */
int operations_table(const struct cloud_service *const *services, FILE *out);

#endif
