/*
 * Huffman codes of a JPEG that fit its own symbols (ITU-T T.81, K.2): how many codes there are of each
 * length, and their symbols. Where symbols are equally frequent, the standard leaves the choice open;
 * this makes the one of libjpeg, so that files have the same bytes. Pure function; any thread.
 */
#ifndef THUMBWHEEL_HUFFMAN_CODE_H
#define THUMBWHEEL_HUFFMAN_CODE_H

#include <stdint.h>

enum { HUFFMAN_SYMBOLS = 256, HUFFMAN_LENGTH_MAX = 16 };

struct huffman_code {
    uint8_t lengths[HUFFMAN_LENGTH_MAX + 1]; /* codes of each length, from 1 bit on; [0] is 0 */
    uint8_t symbols[HUFFMAN_SYMBOLS]; /* in the order of their codes; a symbol without a count
                                              * has none */
};

/* ERR_LIMIT: a code would have more than 32 bits before it is shortened, which takes millions of
 * symbols; libjpeg refuses these as well. */
int huffman_code_make(const uint32_t counts[HUFFMAN_SYMBOLS], struct huffman_code *out);

#endif
