/* What each request passes before its handler: the name of the host, the page that sends it, and who
 * has logged in. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_GUARD_H
#define THUMBWHEEL_GALLERY_GUARD_H

#include "gallery_private.h"

/* Each returns false if it has refused the request. */

/* The Host is one of this server's: a page whose name resolves to this machine (DNS rebinding) has
 * another one. */
bool guard_host(struct gallery_call *call);
/* A request that changes something comes from the gallery's own page. */
bool guard_origin(struct gallery_call *call);
/* A request for data does not come from another page. */
bool guard_fetch(struct gallery_call *call);
/* Somebody has logged in; fills call->session, and renews the cookie. */
bool guard_session(struct gallery_call *call);

/* Whether the browser reaches the gallery over HTTPS, perhaps through a proxy. */
bool guard_is_secure(const struct gallery_call *call);

#endif
