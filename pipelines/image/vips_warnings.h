/*
 * What libjpeg warns of while it decodes: data that is damaged in the middle of a file.
 *
 * libvips logs the number of warnings when a JPEG is closed, on the thread that closes it. Warnings
 * about the header are among them, so compare with the number when only the header has been read.
 */
#ifndef THUMBWHEEL_VIPS_WARNINGS_H
#define THUMBWHEEL_VIPS_WARNINGS_H

/* A message that libvips logs. Any thread. */
void vips_warnings_hear(const char *text);
/* Of this thread: begins to count. */
void vips_warnings_begin(void);
/* The most warnings of a JPEG that was closed since then. */
long vips_warnings_most(void);

#endif
