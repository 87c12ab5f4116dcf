/* The page's files, in the program. The table is generated: page_files.cmake. */
#ifndef THUMBWHEEL_GALLERY_PAGE_H
#define THUMBWHEEL_GALLERY_PAGE_H

#include <stddef.h>

struct page_file {
    const char *path;                        /* "/index.html" */
    const char *type;                        /* Content-Type */
    const char *etag;                        /* with its quotes */
    const unsigned char *plain, *compressed; /* gzip */
    size_t size, compressed_size;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
