#include "upload_name.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

enum { TYPE_MAX = 100 };

/* ---- segments ---- */

static struct slice trim(struct slice segment)
{
    while (segment.size && segment.data[0] == ' ') {
        segment.data++;
        segment.size--;
    }
    while (segment.size && segment.data[segment.size - 1] == ' ')
        segment.size--;
    return segment;
}

static bool is_name(struct slice segment)
{
    return segment.size && !slice_equal_text(segment, ".") && !slice_equal_text(segment, "..");
}

/* C0, DEL, and C1 in UTF-8 (U+0080 to U+009F: 0xc2 0x80 to 0xc2 0x9f) do not belong in a name. */
static size_t control_size(const char *text, size_t size)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < ' ' || c[0] == 0x7f || c[0] == '\\')
        return 1;
    return size > 1 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

static void segment_append(struct buffer *out, struct slice segment)
{
    for (size_t i = 0; i < segment.size;) {
        const size_t control = control_size(segment.data + i, segment.size - i);
        buffer_byte(out, control ? '_' : segment.data[i]);
        i += control ? control : 1;
    }
}

/* The path in its plain form. */
static int path_append(struct buffer *out, const char *path)
{
    size_t names = 0;
    while (*path) {
        const size_t size = strcspn(path, "/");
        const struct slice segment = trim((struct slice){path, size});
        if (is_name(segment)) {
            if (names++)
                buffer_byte(out, '/');
            segment_append(out, segment);
        }
        path += size + (path[size] == '/');
    }
    return names ? out->error : ERR_INVALID;
}

/* ---- the number ---- */

/* Where the extension of the last segment begins, or the end. */
static size_t extension_at(const char *key)
{
    const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
    const char *dot = strrchr(name, '.');
    return (size_t)(dot && dot != name ? dot - key : (long)strlen(key));
}

int upload_name_make(const char *prefix, const char *path, unsigned attempt,
                     char out[UPLOAD_KEY_SIZE])
{
    struct buffer plain;
    char number[16] = "";
    buffer_init(&plain, 2 * OBJECT_KEY_MAX);
    const int code = path_append(&plain, path);
    if (code) {
        buffer_free(&plain);
        return code;
    }
    if (attempt > 1)
        snprintf(number, sizeof number, "-%u", attempt);
    const size_t at = extension_at(plain.data);
    const int size = snprintf(out, UPLOAD_KEY_SIZE, "%s%.*s%s%s", prefix, (int)at, plain.data,
                              number, plain.data + at);
    buffer_free(&plain);
    return size > OBJECT_KEY_MAX ? ERR_LIMIT : 0;
}

/* ---- the type ---- */

const char *upload_type(const char *type)
{
    static const char prefix[] = "image/";
    const char *rest = type + sizeof prefix - 1;
    const bool is_image = strncmp(type, prefix, sizeof prefix - 1) == 0 && *rest &&
                          strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789.+-") == strlen(rest);
    return is_image && strlen(type) <= TYPE_MAX && strcmp(rest, "svg+xml") != 0
               ? type
               : "application/octet-stream";
}
