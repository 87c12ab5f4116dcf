/*
 * The report after all photos are done. For people: each failure once, with its reason; optionally
 * a table of all renditions; and a summary line. For scripts: JSON.
 */
#ifndef THUMBWHEEL_REPORT_H
#define THUMBWHEEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "photo_results.h"

struct report_options {
    const char *out; /* directory of the files */
    uint64_t elapsed_ms;
    size_t width; /* of the terminal; 0: not a terminal */
    bool colour;
    bool interrupted;
};

/* ERR_MEMORY. */
int report_table(const struct photo_results *results, const struct report_options *options,
                 FILE *out);
void report_summary(const struct photo_results *results, const struct report_options *options,
                    FILE *out);
/* The number of files that were written. */
size_t report_files(const struct photo_results *results);

/* "failed: PHOTO: PIPELINES: REASON: DETAIL", one line for each distinct failure of the photo. */
typedef void report_line(const char *text, void *user);
void report_failures(const struct photo_result *photo, report_line *line, void *user);
/* In the same form, one line for each pipeline's outputs that could not be written. */
void report_unwritten(const struct photo_result *photo, report_line *line, void *user);

/* One JSON object per line: each photo in the order of the command line, then the summary.
 * docs/output.md describes them. ERR_MEMORY, or ERR_IO: the output is incomplete. */
int report_json(const struct photo_results *results, const struct report_options *options,
                FILE *out);

#endif
