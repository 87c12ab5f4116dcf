/*
 * Layout: ICC.1:2010. A header of 128 bytes (colour space at 16), a count of tags, then for each
 * tag a signature, an offset and a size. The tag 'desc' contains the profile's name: 'desc' type in
 * version 2 (ASCII), 'mluc' in version 4 (UTF-16BE). Everything is big-endian and untrusted.
 */
#include "colour_profile.h"

#include <stdint.h>
#include <string.h>

enum { HEADER = 128, SPACE_AT = 16, TAG = 12, TAGS_MAX = 100, NAME_SIZE = 64 };

static const char *const srgb_names[] = {
    "sRGB IEC61966-2.1",
    "sRGB IEC61966-2-1",
    "IEC 61966-2.1 Default RGB colour space - sRGB",
    "sRGB built-in",
    "sRGB",
    "c2",
};

static uint32_t number_at(struct slice s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.data + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool find_tag(struct slice profile, const char *signature, struct slice *out)
{
    uint32_t count = number_at(profile, HEADER);
    for (uint32_t i = 0; i < count && i < TAGS_MAX; i++) {
        size_t at = HEADER + 4 + (size_t)i * TAG;
        if (at + TAG > profile.size)
            return false;
        if (memcmp(profile.data + at, signature, 4) != 0)
            continue;
        size_t offset = number_at(profile, at + 4), size = number_at(profile, at + 8);
        if (offset > profile.size || size > profile.size - offset)
            return false;
        *out = (struct slice){profile.data + offset, size};
        return true;
    }
    return false;
}

/* step: bytes per character; the last one is the low byte. */
static void copy_name(struct slice tag, size_t offset, size_t size, size_t step, char *out)
{
    size_t length = 0;
    if (offset > tag.size || size > tag.size - offset)
        size = 0;
    for (size_t i = step - 1; i < size && length < NAME_SIZE - 1; i += step)
        out[length++] = tag.data[offset + i];
    out[length] = '\0';
}

static void read_name(struct slice profile, char *out)
{
    struct slice tag;
    out[0] = '\0';
    if (!find_tag(profile, "desc", &tag) || tag.size < 12)
        return;
    if (memcmp(tag.data, "desc", 4) == 0)
        copy_name(tag, 12, number_at(tag, 8), 1, out);
    else if (memcmp(tag.data, "mluc", 4) == 0 && tag.size >= 28)
        copy_name(tag, number_at(tag, 24), number_at(tag, 20), 2, out);
}

bool colour_profile_is_srgb(struct slice profile)
{
    char name[NAME_SIZE];
    if (profile.size < HEADER + 4 || memcmp(profile.data + SPACE_AT, "RGB ", 4) != 0)
        return false;
    read_name(profile, name);
    for (size_t i = 0; i < sizeof srgb_names / sizeof srgb_names[0]; i++) {
        if (strcmp(name, srgb_names[i]) == 0)
            return true;
    }
    return false;
}
