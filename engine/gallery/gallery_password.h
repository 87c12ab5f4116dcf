/*
 * Checking passwords, on threads of libuv's pool: at most two at once, since each takes 128 MiB; the
 * others wait. A name that does not exist takes as long as one that does. A part of the gallery.
 * Loop thread.
 */
#ifndef THUMBWHEEL_GALLERY_PASSWORD_H
#define THUMBWHEEL_GALLERY_PASSWORD_H

#include "gallery_private.h"
#include "gallery_users.h"

int gallery_passwords_open(struct gallery *gallery, struct error *error);
void gallery_passwords_close(struct gallery *gallery);

/* user NULL: the name or the password is wrong. */
typedef void gallery_password_checked(struct gallery_call *call, const struct gallery_user *user);

/* checked is called from the loop, unless the request ends before. Refuses the request if there were
 * too many attempts, for this name or from its address. */
void gallery_password_check(struct gallery_call *call, const char *name, const char *password,
                            gallery_password_checked *checked);

#endif
