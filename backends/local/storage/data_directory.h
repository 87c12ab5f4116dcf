/* The data directory of the embedded cloud: its layout, and the lock that prevents two processes
 * from using it. Blocking calls. */
#ifndef THUMBWHEEL_LOCAL_DATA_DIRECTORY_H
#define THUMBWHEEL_LOCAL_DATA_DIRECTORY_H

#include "error.h"

struct data_directory {
    char *path;
    int lock; /* file descriptor; -1: not locked */
};

/* Creates missing directories (and parents), takes the lock, and takes the rights on the directory
 * from other users. ERR_BUSY: another process has it;
 * ERR_IO. On failure nothing is locked or open. */
int data_directory_open(struct data_directory *directory, const char *path, struct error *error);
void data_directory_close(struct data_directory *directory);

/* path/name for free(), or NULL if memory is short. */
char *data_directory_join(const struct data_directory *directory, const char *name);

/* Converts an errno that occurred below `path` to ERR_IO (or ERR_MEMORY), with advice in the
 * message.
 */
int data_directory_error(const char *path, int number, struct error *error);

#endif
