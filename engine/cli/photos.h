/*
 * The photos that a user names on the command line: files, and the files in directories. Blocking,
 * at start.
 */
#ifndef THUMBWHEEL_PHOTOS_H
#define THUMBWHEEL_PHOTOS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "text_index.h"
#include "text_list.h"

struct photo {
    char *path; /* for open(2) */
    char *name; /* the object's name: unique, UTF-8, without '/' */
};

struct photos {
    struct photo *items;
    size_t count;
    struct text_index names;  /* of the items */
    struct text_list skipped; /* files in directories whose names are not those of images */
};

/* Adds a file, or all files in a directory and its subdirectories (sorted by name; without hidden
 * ones and links to directories). ERR_NOT_FOUND, ERR_IO, ERR_INVALID: the text names the path. */
int photos_add(struct photos *photos, const char *path, struct error *error);
void photos_clear(struct photos *photos);

/* By the extension; "application/octet-stream" if it is not an image's. Static. */
const char *photo_content_type(const char *name);
bool photo_has_image_name(const char *name);

#endif
