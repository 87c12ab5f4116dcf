/* Parts of XMP and IPTC. Nothing here needs libvips. */
#ifndef THUMBWHEEL_METADATA_FILTER_H
#define THUMBWHEEL_METADATA_FILTER_H

#include <stdbool.h>

#include "bytes.h"

/* Overwrites the positions in an XMP packet. False: some could not be found, so that the packet must
 * not be kept. */
bool xmp_blank_gps(char *xmp, size_t size);
/* Writes a packet with the copyright, the creators and the terms of use of another. Writes nothing
 * if it has none, or can't be read. */
void xmp_rights(struct slice xmp, struct buffer *out);

/* The records of IPTC-IIM in a Photoshop block of a JPEG, or in the field of a TIFF. Empty: none. */
struct slice iptc_records(struct slice block);
/* Appends the records about copyright and creators to out. */
void iptc_rights(struct slice records, struct buffer *out);
/* Appends the records, and zeros up to four times their size: libvips 8.14 writes a quarter of it to
 * a TIFF, where zeros mean nothing. */
void iptc_pad(struct slice records, struct buffer *out);
/* Appends the records as the Photoshop block that a JPEG has. */
void iptc_wrap(struct slice records, struct buffer *out);

#endif
