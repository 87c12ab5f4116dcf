/* How similar two pictures are. Nothing here needs libvips. */
#ifndef THUMBWHEEL_SSIM_H
#define THUMBWHEEL_SSIM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The mean structural similarity of two pictures of luma, 8 bit: 1 for equal ones. As Wang, Bovik,
 * Sheikh and Simoncelli define it ("Image Quality Assessment", 2004), with K1 = 0.01, K2 = 0.03 and
 * L = 255, over windows of 8 × 8 pixels with equal weights at every fourth pixel; pictures with a
 * side below 8 have windows of that side.
 */
double ssim(const uint8_t *a, const uint8_t *b, size_t width, size_t height);

#endif
