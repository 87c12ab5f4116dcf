/* A small file that is one JSON document, which people edit, too. Blocking. */
#ifndef THUMBWHEEL_JSON_FILE_H
#define THUMBWHEEL_JSON_FILE_H

#include <jansson.h>

#include "error.h"

/* *out NULL: there is no such file. ERR_INVALID: not JSON; the text says where. */
int json_file_read(const char *path, size_t max, json_t **out, struct error *error);
/* Replaces the file at once, and keeps its owner and mode; a new one has mode 0600. */
int json_file_replace(const char *path, const char *text, struct error *error);

#endif
