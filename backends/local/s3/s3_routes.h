/* Which operation of S3 a request is. Constant; any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_ROUTES_H
#define THUMBWHEEL_LOCAL_S3_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "cloud_service.h"
#include "s3_request.h"

struct s3_route;

/* NULL: the target does not have the method. */
const struct s3_route *s3_route_find(const struct s3_request *request);
const char *s3_route_operation(const struct s3_route *route);
const char *s3_route_resource(const struct s3_route *route); /* NULL: none */
s3_handler *s3_route_handler(const struct s3_route *route);  /* NULL: not implemented */
/* A parameter in the query that the operation does not have, or NULL. */
const char *s3_route_unknown_parameter(const struct s3_route *route,
                                       const struct s3_request *request);

/* The rows, for the documentation and the fault plan (an operation_row). */
bool s3_operation_row(const struct cloud_service *service, size_t at, struct cloud_operation *out);

#endif
