/* The files of the database before SQLite opens them. Blocking calls. */
#ifndef THUMBWHEEL_LOCAL_DATABASE_FILE_H
#define THUMBWHEEL_LOCAL_DATABASE_FILE_H

#include "data_directory.h"
#include "error.h"

#define DATABASE_FILE "cloud.sqlite3"

/* Makes the database's file if there is none, and takes the rights on it from other users. path: of
 * the file. ERR_INVALID: it is missing or empty beside blobs, and the message says what to do;
 * ERR_IO. */
int database_file_prepare(const struct data_directory *data, const char *path, struct error *error);

#endif
