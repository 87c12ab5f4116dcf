/* Who may use the gallery: the users of the file, and which sessions still hold. A part of the
 * gallery. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_ACCOUNTS_H
#define THUMBWHEEL_GALLERY_ACCOUNTS_H

#include "gallery_private.h"
#include "gallery_users.h"

/* Reads the files (blocking). */
int gallery_accounts_open(struct gallery *gallery, struct error *error);
void gallery_accounts_close(struct gallery *gallery);

/* NULL: there is none with this name. */
const struct gallery_user *gallery_account_find(const struct gallery *gallery, const char *name);
/* Whether its user has neither logged out nor changed. */
bool gallery_session_holds(const struct gallery *gallery, const struct gallery_session *session);
void gallery_session_end(struct gallery *gallery, const struct gallery_session *session);

#endif
