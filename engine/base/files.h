/* Files and directories. These functions block: call them at start, or on a pool thread. Errors
 * name the path and say what the user can do. */
#ifndef THUMBWHEEL_FILES_H
#define THUMBWHEEL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

/* "a/b", to be freed by the caller. NULL: out of memory. */
char *path_join(const char *directory, const char *name);

/* The path in its shortest form ("a/c" for "./a//b/../c"), to be freed by the caller: without empty
 * components and ".", and without ".." where that names the same file. NULL: out of memory. */
char *path_normal(const char *path);

/* Creates a directory and its parents; returns 0 also if it exists. */
int directory_make(const char *path, unsigned mode, struct error *error);
/* Removes a directory and everything in it; symbolic links are removed, not followed. */
int directory_remove(const char *path, struct error *error);

/* Reads a whole regular file of at most max bytes. ERR_LIMIT: it is larger. */
int file_read(const char *path, size_t max, struct bytes *out, struct error *error);
/* Creates the parents, writes a temporary file beside the target and renames it, so that no reader
 * sees an incomplete file. */
int file_write(const char *path, const void *data, size_t size, struct error *error);

struct file_options {
    unsigned mode;
    bool durable; /* survives a power failure; the caller still has to sync the directory */
};
/* The same in a directory that exists, with another mode than 0644, or to the disk at once. */
int file_write_as(const char *path, struct slice data, const struct file_options *options,
                  struct error *error);
/* Writes everything to an open file, in as many calls as necessary. ERR_IO: errno has the
 * reason. */
int file_write_all(int fd, const void *data, size_t size);
/* Whether a name is that of a temporary file of file_write. */
bool file_is_temporary(const char *name);

#endif
