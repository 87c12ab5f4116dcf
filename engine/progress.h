/*
 * What a user watches while photos are worked on: a bar on a terminal, with lines above it; plain
 * lines otherwise. Loop thread.
 */
#ifndef THUMBWHEEL_PROGRESS_H
#define THUMBWHEEL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct progress_facts {
    size_t photos, photos_done, photos_failed;
    size_t parts, parts_done; /* a part is what one pipeline makes of one photo */
    uint64_t elapsed_ms;
};

struct progress {
    int fd;
    bool terminal, colour;
    bool shown; /* a bar is on the screen */
};

/* fd is borrowed. */
void progress_init(struct progress *progress, int fd);
/* Draws the bar; nothing where there is no terminal. Call it a few times a second. */
void progress_show(struct progress *progress, const struct progress_facts *facts);
/* A line above the bar. `failed` colours it. */
void progress_line(struct progress *progress, bool failed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Removes the bar. */
void progress_clear(struct progress *progress);

/* The bar's text for a terminal of so many columns; it fills at most columns - 1. */
void progress_format(struct buffer *out, const struct progress_facts *facts, size_t columns,
                     bool colour);

#endif
