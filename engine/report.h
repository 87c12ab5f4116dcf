/* What a user reads when the photos are done: a table, the failures with their reasons, one line
 * that sums it up. */
#ifndef THUMBWHEEL_REPORT_H
#define THUMBWHEEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ledger.h"

struct report_options {
    const char *out; /* where the files are */
    uint64_t elapsed_ms;
    size_t width; /* of the terminal; 0: not one */
    bool colour;
};

/* ERR_MEMORY. */
int report_print(const struct ledger *ledger, const struct report_options *options, FILE *out);

/* "failed: PHOTO: PIPELINES: REASON: DETAIL", a line for each way in which the photo failed; none
 * if it did not. */
typedef void report_line(const char *text, void *user);
void report_failures(const struct ledger_photo *photo, report_line *line, void *user);

#endif
