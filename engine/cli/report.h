/*
 * What a user reads when the photos are done. For people: the failures, each once and with its
 * reason; a table of every rendition, where it is wanted; one line that sums it up. For scripts:
 * JSON.
 */
#ifndef THUMBWHEEL_REPORT_H
#define THUMBWHEEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "photo_results.h"

struct report_options {
    const char *out; /* where the files are */
    uint64_t elapsed_ms;
    size_t width; /* of the terminal; 0: not one */
    bool colour;
    bool interrupted;
};

/* ERR_MEMORY. */
int report_table(const struct photo_results *results, const struct report_options *options,
                 FILE *out);
void report_summary(const struct photo_results *results, const struct report_options *options,
                    FILE *out);
/* Files that were written. */
size_t report_files(const struct photo_results *results);

/* "failed: PHOTO: PIPELINES: REASON: DETAIL", a line for each way in which the photo failed; none
 * if it did not. */
typedef void report_line(const char *text, void *user);
void report_failures(const struct photo_result *photo, report_line *line, void *user);
/* In the same form, a line for its outputs that could not be written; none if there are none. */
void report_unwritten(const struct photo_result *photo, report_line *line, void *user);

/* One JSON object per line: each photo in the order of the command line, then the summary.
 * docs/output.md describes them. ERR_MEMORY, or ERR_IO: the output is incomplete. */
int report_json(const struct photo_results *results, const struct report_options *options,
                FILE *out);

#endif
