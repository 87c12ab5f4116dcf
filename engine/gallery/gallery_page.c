/*
 * The page's files, which CMake embeds in the program (page_files.cmake): each as it is and
 * compressed. A browser asks again for each file whenever the page is loaded and gets a 304 unless
 * the program has changed.
 */
#include "gallery_page.h"
#include <string.h>

#include "gallery_private.h"

static const struct page_file *file_find(struct slice path)
{
    if (slice_equal_text(path, "/"))
        path = SLICE_LITERAL("/index.html");
    for (size_t i = 0; i < page_file_count; i++)
        if (slice_equal_text(path, page_files[i].path))
            return &page_files[i];
    return NULL;
}

/* Whether the client takes gzip (RFC 9110, section 12.5.3); "gzip;q=0" is not sent by browsers, and
 * is honoured all the same. */
static bool takes_gzip(struct slice accept)
{
    const char *gzip = accept.size ? memmem(accept.data, accept.size, "gzip", 4) : NULL;
    const size_t rest = gzip ? accept.size - (size_t)(gzip - accept.data) : 0;
    return gzip &&
           !(rest >= 8 && memcmp(gzip, "gzip;q=0", 8) == 0 && (rest == 8 || gzip[8] != '.'));
}

/* The client has it (If-None-Match, RFC 9110, section 13.1.2). */
static bool is_known(struct slice known, const char *etag)
{
    return known.size && memmem(known.data, known.size, etag, strlen(etag));
}

bool gallery_page_serve(struct gallery_call *call, struct slice path)
{
    const struct page_file *file = file_find(path);
    if (!file)
        return false;
    struct bytes body = {0};
    const bool gzip = takes_gzip(http_call_header(call->http, "accept-encoding"));
    struct http_header headers[GALLERY_EXTRA_HEADERS_MAX] = {{"Content-Type", file->type},
                                                             {"Cache-Control", "no-cache"},
                                                             {"ETag", file->etag},
                                                             {"Vary", "Accept-Encoding"},
                                                             {"Content-Encoding", "gzip"}};
    if (is_known(http_call_header(call->http, "if-none-match"), file->etag)) {
        gallery_respond(call, 304, headers, 4, &body);
        return true;
    }
    body = gzip ? bytes_borrow(file->compressed, file->compressed_size)
                : bytes_borrow(file->plain, file->size);
    gallery_respond(call, 200, headers, gzip ? 5 : 4, &body);
    return true;
}
