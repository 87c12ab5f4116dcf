/* Files and directories, blocking: at start, or on a pool thread. Errors name the path and what can
 * be done. */
#ifndef THUMBWHEEL_FILES_H
#define THUMBWHEEL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

/* "a/b" for free(), or NULL without memory. */
char *path_join(const char *directory, const char *name);

/* The path in its shortest form, "a/c" for "./a//b/../c", for free(): without empty parts and ".",
 * and without ".." where that names the same file. NULL without memory. */
char *path_normal(const char *path);

/* With its parents; 0 also when it is there already. */
int directory_make(const char *path, unsigned mode, struct error *error);
/* With everything in it; links are removed, not followed. */
int directory_remove(const char *path, struct error *error);

/* A regular file of at most max bytes, whole. ERR_LIMIT when it is larger. */
int file_read(const char *path, size_t max, struct bytes *out, struct error *error);
/* Makes the parents, writes beside the target and renames, so that nobody ever sees half a file. */
int file_write(const char *path, const void *data, size_t size, struct error *error);

struct file_options {
    unsigned mode;
    bool durable; /* survives a power cut; the caller still has to sync the directory */
};
/* The same in a directory that exists, with another mode than 0644, or to the disk at once. */
int file_write_as(const char *path, struct slice data, const struct file_options *options,
                  struct error *error);
/* Everything to an open file, in as many writes as it takes. ERR_IO: errno says why. */
int file_write_all(int fd, const void *data, size_t size);
/* Whether it is what file_write calls a file until it is renamed. */
bool file_is_temporary(const char *name);

#endif
