/*
 * Huffman tables of a JPEG's own, with our count of its symbols in place of libjpeg's, which looks at
 * one coefficient after the other and takes an eighth of a photo's time. libjpeg's entropy encoder is a
 * struct of functions (jpegint.h, which Debian installs): in the first of two passes, two of them are
 * replaced. When the second pass begins, libjpeg sets its own again and writes with the tables that it
 * finds.
 *
 * The order of calls, in libjpeg-turbo 2.1: jpeg_start_compress calls start_pass, which sets encode_mcu
 * and finish_pass; writing lines calls encode_mcu; jpeg_finish_compress calls finish_pass, then
 * start_pass for the second pass. A linked library of another version has other messages, and another
 * layout would not pass the trial of the caller (jpeg_write.c).
 *
 * Any thread, one per picture.
 */
#ifndef THUMBWHEEL_JPEG_OPTIMISE_H
#define THUMBWHEEL_JPEG_OPTIMISE_H

#include <stdbool.h>
#include <stdio.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "jpeg_symbols.h"

enum { JPEG_OPTIMISE_TABLES = 2 };

struct jpeg_optimise {
    struct jpeg_compress_struct jpeg;
    struct jpeg_symbols symbols[JPEG_OPTIMISE_TABLES];
    int last_dc[MAX_COMPS_IN_SCAN];
};

/* Whether the library is of the version whose headers this was compiled with. */
bool jpeg_optimise_knows(const struct jpeg_error_mgr *errors);
/* Between jpeg_start_compress and the first line. Does nothing for files that are not of the usual kind:
 * two passes, one scan, without restart markers. `symbols` and `last_dc` are zero. */
void jpeg_optimise_begin(struct jpeg_optimise *o);

#endif
