/*
 * The photos that a user names on the command line: files as they are, directories with what lies
 * in them. Blocking, at start.
 */
#ifndef THUMBWHEEL_PHOTOS_H
#define THUMBWHEEL_PHOTOS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "text_index.h"
#include "text_list.h"

struct photo {
    char *path; /* as it can be opened */
    char *name; /* unique among them, UTF-8, without '/'; what the object is called */
};

struct photos {
    struct photo *items;
    size_t count;
    struct text_index names;  /* of the items */
    struct text_list skipped; /* files in directories that are no images by their name */
};

/* Adds a file, or what a directory and the directories in it hold (in the order of their names;
 * hidden ones and links to directories are left out). ERR_NOT_FOUND, ERR_IO, ERR_INVALID: the text
 * names the path. */
int photos_add(struct photos *photos, const char *path, struct error *error);
void photos_clear(struct photos *photos);

/* By the extension; "application/octet-stream" when it is none of an image's. Static. */
const char *photo_content_type(const char *name);
bool photo_has_image_name(const char *name);

#endif
