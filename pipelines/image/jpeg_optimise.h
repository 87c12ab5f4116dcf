/*
 * JPEGs with Huffman tables of their own in one pass over their blocks. libjpeg keeps all coefficients,
 * looks at them one after the other to count symbols, and reads them again to write them. This keeps
 * blocks in a quarter of the memory and counts whole blocks (jpeg_symbols.h). The bytes are the same.
 *
 * libjpeg's modules are structs of functions (jpegint.h, which Debian installs). The order of calls in
 * libjpeg-turbo 2.1, for one pass: jpeg_start_compress writes the start of the file and sets
 * call_pass_startup, which has the first line write the headers; encode_mcu gets the blocks;
 * jpeg_finish_compress calls finish_pass and writes the end of the file. Here, the headers wait for
 * finish_pass, which knows the tables. A linked library of another version has other messages, and
 * another layout would not pass the trial of the caller (jpeg_write.c).
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

struct jpeg_optimise { /* zero at first */
    struct jpeg_compress_struct jpeg;
    struct jpeg_symbols symbols[JPEG_OPTIMISE_TABLES];
    int last_dc[MAX_COMPS_IN_SCAN];
    struct jpeg_blocks *first, *last; /* those that are kept; in libjpeg's memory */
};

/* Whether the library is of the version whose headers this was compiled with. */
bool jpeg_optimise_knows(const struct jpeg_error_mgr *errors);
/* In place of jpeg_start_compress, with all tables. Calls only that if tables of its own are not
 * wanted, or the file is not of the usual kind: one scan, without restart markers. */
void jpeg_optimise_start(struct jpeg_optimise *o);

#endif
