/* The data directory of the embedded cloud: its layout, and the lock that keeps two processes
 * apart. Blocking calls. */
#ifndef THUMBWHEEL_LOCAL_DATA_DIRECTORY_H
#define THUMBWHEEL_LOCAL_DATA_DIRECTORY_H

#include "error.h"

struct data_directory {
    char *path;
    int lock; /* file descriptor; -1: not held */
};

/* Makes what is missing (parents too) and takes the lock. ERR_BUSY: another process holds it;
 * ERR_IO. On failure nothing is held. */
int data_directory_open(struct data_directory *directory, const char *path, struct error *error);
void data_directory_close(struct data_directory *directory);

/* path/name for free(), or NULL when memory is short. */
char *data_directory_join(const struct data_directory *directory, const char *name);

/* Turns an errno met below `path` into ERR_IO (ERR_MEMORY) with a text that says what can be done.
 */
int data_directory_error(const char *path, int number, struct error *error);

#endif
