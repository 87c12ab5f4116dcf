/*
 * The progress display: on a terminal a bar that is redrawn, with lines above it; elsewhere, and if
 * TERM is "dumb", plain lines, one every ten seconds instead of the bar. Loop thread.
 */
#ifndef THUMBWHEEL_PROGRESS_H
#define THUMBWHEEL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct progress_facts {
    const char *what; /* what is counted: "photos" */
    size_t count, done, failed;
    size_t parts, parts_done; /* the bar's unit, which may be finer than the count */
    uint64_t elapsed_ms;
};

struct progress {
    int fd;
    bool redraws, colour;
    bool shown;       /* a bar is on the screen */
    uint64_t next_ms; /* when the next plain line is due, in the facts' elapsed_ms */
};

/* fd is borrowed. */
void progress_init(struct progress *progress, int fd);
/* Draws the bar, or prints a line when one is due. Call it a few times a second. */
void progress_show(struct progress *progress, const struct progress_facts *facts);
/* Prints a line above the bar. `failed` colours it. */
void progress_line(struct progress *progress, bool failed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Removes the bar. */
void progress_clear(struct progress *progress);

/* The bar's text for a terminal of this many columns; it fills at most columns - 1. */
void progress_format(struct buffer *out, const struct progress_facts *facts, size_t columns,
                     bool colour);

#endif
