/*
 * Huffman decoding of a baseline JPEG: libjpeg's own takes most of the time of a photo, since it looks up
 * the code, reads the bits after it, and checks for stuffed bytes, each by itself. Here one lookup
 * gives the zeros, the coefficient and the number of bits of nearly every symbol. All else, from the
 * tables to the inverse DCT, stays libjpeg's.
 *
 * ITU T.81 (JPEG) defines the codes: C.2, F.2.2, and B.1.1.5 the stuffed bytes.
 */
#ifndef THUMBWHEEL_JPEG_HUFFMAN_H
#define THUMBWHEEL_JPEG_HUFFMAN_H

#include <stdio.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

/*
 * After jpeg_start_decompress, for a file with one scan of Huffman codes that is in memory as a whole
 * (jpeg_mem_src): the coefficients are the same as libjpeg's. Any thread. What it allocates belongs to the image.
 *
 * Where libjpeg repairs damaged data and warns, error_exit is called (JWRN_HUFF_BAD_CODE,
 * JWRN_HIT_MARKER, JWRN_JPEG_EOF). The file's end marker is not read, so jpeg_finish_decompress must not be called.
 */
void jpeg_huffman_use(j_decompress_ptr jpeg);

#endif
