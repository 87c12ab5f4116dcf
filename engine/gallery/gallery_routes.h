/* The table of requests. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_ROUTES_H
#define THUMBWHEEL_GALLERY_ROUTES_H

#include "gallery_private.h"

enum gallery_route_flags {
    ROUTE_PUBLIC = 1, /* without a session */
};

struct gallery_route {
    const char *method, *pattern; /* "*" stands for one parameter: gallery_segment */
    gallery_handler *handle;
    unsigned flags;
};

/* NULL: none. *allow names the methods of the path (static), if it is known with others. */
const struct gallery_route *gallery_route_find(struct slice method, struct slice path,
                                               const char **allow);

#endif
