/*
 * The inverse DCT of blocks with few coefficients: most blocks of colour have none outside the four lowest
 * frequencies of each direction, and many have only their mean. libjpeg's own takes the same time
 * for each block.
 *
 * The transform is libjpeg's "islow" (jidctint.c of libjpeg-turbo 2.1: CONST_BITS 13, PASS1_BITS 2), in
 * which coefficients of 0 are left out, so the samples are the same.
 */
#ifndef THUMBWHEEL_JPEG_SPARSE_H
#define THUMBWHEEL_JPEG_SPARSE_H

#include <stdio.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

/* After jpeg_start_decompress, for a file with one scan, if the processor has AVX2; does nothing else. Components
 * that are decoded at less than full size keep libjpeg's transform. Any thread. What it allocates
 * belongs to the image. */
void jpeg_sparse_use(j_decompress_ptr jpeg);

#endif
