/* The cookie of a session. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_COOKIE_H
#define THUMBWHEEL_GALLERY_COOKIE_H

#include "gallery_private.h"

enum { SESSION_RENEWED_S = 24 * 60 * 60 }; /* a cookie of this age is replaced */

/* Reads the key that signs sessions, or makes one (blocking), and names the cookie after the port:
 * browsers do not tell the ports of a host apart. */
int gallery_cookie_open(struct gallery *gallery, struct error *error);
/* The response sets it. NULL: the browser forgets it. */
void gallery_cookie_set(struct gallery_call *call, const struct gallery_session *session,
                        bool secure);
#endif
