/*
 * Which AWS operations the embedded cloud supports and which it refuses by name, according to the
 * dispatch tables of its services. Source of the tables in docs/operations.md. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_OPERATIONS_H
#define THUMBWHEEL_LOCAL_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cloud_operation {
    const char *name; /* the name in the service's model */
    bool supported;
};

/* Row `at` of a service's dispatch table; false: no more rows. A name may occur twice. */
struct cloud_service;
typedef bool operation_row(const struct cloud_service *service, size_t at,
                           struct cloud_operation *out);

/* The rows of all services in sequence. The list is NULL-terminated. */
bool any_operation_row(const struct cloud_service *const *services, size_t at,
                       struct cloud_operation *out);

/* Prints Markdown, in the order of the list: a table of the supported operations of each service,
 * and what happens to all others. ERR_MEMORY, ERR_IO. */
int operations_table(const struct cloud_service *const *services, FILE *out);

#endif
