/* The keys under which uploaded files are stored. Pure functions, any thread. */
#ifndef THUMBWHEEL_GALLERY_UPLOAD_NAME_H
#define THUMBWHEEL_GALLERY_UPLOAD_NAME_H

#include "object_store.h"

enum { UPLOAD_KEY_SIZE = OBJECT_KEY_MAX + 1, UPLOAD_ATTEMPTS_MAX = 10000 };

/* prefix, then the path as the browser gives it, in UTF-8: relative, with slashes. Segments that are
 * empty, "." or ".." are left out, spaces at their ends, too; control characters and backslashes
 * become "_". From attempt 2 on, the name gets a number before its extension: "a-2.jpg".
 * ERR_INVALID: no name remains; ERR_LIMIT: longer than keys can be. */
int upload_name_make(const char *prefix, const char *path, unsigned attempt,
                     char out[UPLOAD_KEY_SIZE]);
/* The media type of an image, as it is to be stored: that which the browser names, if it is
 * "image/…", else one that no browser displays. */
const char *upload_type(const char *type);

#endif
