#include "image_icon.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTORY = 6, ENTRY = 16, ENTRIES_MAX = 64, FILE_HEADER = 14, CORE_HEADER = 12 };

static uint32_t number_at(struct slice file, size_t at, size_t size)
{
    uint32_t value = 0;
    if (at > file.size || file.size - at < size)
        return 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint32_t)(unsigned char)file.data[at + i] << (8 * i);
    return value;
}

static uint32_t magnitude(uint32_t number)
{
    return number > INT32_MAX ? 0U - number : number; /* a negative height: top down */
}

static struct plan_size picture_size(struct slice header)
{
    uint32_t size = number_at(header, 0, 4);
    if (size == CORE_HEADER)
        return (struct plan_size){number_at(header, 4, 2), number_at(header, 6, 2)};
    if (size < CORE_HEADER + 4 || size > 1024)
        return (struct plan_size){0, 0};
    return (struct plan_size){magnitude(number_at(header, 4, 4)),
                              magnitude(number_at(header, 8, 4))};
}

struct plan_size bmp_size(struct slice file)
{
    if (file.size < FILE_HEADER + CORE_HEADER)
        return (struct plan_size){0, 0};
    return picture_size((struct slice){file.data + FILE_HEADER, file.size - FILE_HEADER});
}

static struct plan_size png_size(struct slice png)
{
    struct plan_size size = {0, 0};
    for (size_t i = 0; i < 4 && png.size >= 24; i++) {
        size.width = size.width << 8 | (unsigned char)png.data[16 + i];
        size.height = size.height << 8 | (unsigned char)png.data[20 + i];
    }
    return size;
}

static bool picture_read(struct slice file, size_t entry, struct icon_picture *out)
{
    static const char signature[] = "\x89PNG\r\n\x1a\n";
    size_t at = DIRECTORY + entry * ENTRY;
    size_t size = number_at(file, at + 8, 4), begin = number_at(file, at + 12, 4);
    if (size < CORE_HEADER || begin > file.size || file.size - begin < size)
        return false;
    *out = (struct icon_picture){.entry = entry, .data = {file.data + begin, size}};
    out->png = size > 8 && memcmp(out->data.data, signature, 8) == 0;
    out->size = out->png ? png_size(out->data) : picture_size(out->data);
    if (!out->png)
        out->size.height /= 2; /* with the mask */
    return out->size.width && out->size.height;
}

static uint64_t area(const struct icon_picture *picture)
{
    return (uint64_t)picture->size.width * picture->size.height;
}

/* Of pictures of one size, the one with more data has more colours. */
static bool is_better(const struct icon_picture *one, const struct icon_picture *other)
{
    return area(one) > area(other) ||
           (area(one) == area(other) && one->data.size > other->data.size);
}

bool icon_read(struct slice file, struct icon_picture *out)
{
    size_t count = number_at(file, 4, 2);
    struct icon_picture picture;
    *out = (struct icon_picture){.entry = 0};
    for (size_t i = 0; i < count && i < ENTRIES_MAX; i++) {
        if (!picture_read(file, i, &picture)) /* it may have been the largest */
            return false;
        if (is_better(&picture, out))
            *out = picture;
    }
    return out->data.data != NULL;
}

size_t icon_write(struct slice file, const struct icon_picture *picture, char *to)
{
    static const char head[] = {0, 0, 1, 0, 1, 0, /* where the data begins: */ ICON_HEAD, 0, 0, 0};
    memcpy(to, head, DIRECTORY);
    memcpy(to + DIRECTORY, file.data + DIRECTORY + picture->entry * ENTRY, ENTRY - 4);
    memcpy(to + ICON_HEAD - 4, head + DIRECTORY, 4);
    memcpy(to + ICON_HEAD, picture->data.data, picture->data.size);
    return ICON_HEAD + picture->data.size;
}
