/*
 * Layout: ICC.1:2010. A header of 128 bytes (colour space at 16), a count of tags, then for each
 * tag a signature, an offset and a size. The tag 'desc' contains the profile's name: 'desc' type in
 * version 2 (ASCII), 'mluc' in version 4 (UTF-16BE). Colours are described by tables (A2B1 for the
 * relative intent, A2B0 for perceptual, A2B2 for saturation), by a matrix with curves, or for grey
 * by a curve. Everything is big-endian and untrusted.
 */
#include "colour_profile.h"

#include <stdint.h>
#include <string.h>

enum {
    HEADER = 128,
    CLASS_AT = 12,
    SPACE_AT = 16,
    MAGIC_AT = 36,
    TAG = 12,
    TAGS_MAX = 100,
    NAME_SIZE = 64
};

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

static bool is_at(struct slice profile, size_t at, const char *signature)
{
    return memcmp(profile.data + at, signature, 4) == 0;
}

/* Of a device: a link between two devices, an abstract effect and a list of named colours do not
 * describe the colours of an image. */
static bool is_of_device(struct slice profile)
{
    return is_at(profile, CLASS_AT, "mntr") || is_at(profile, CLASS_AT, "scnr") ||
           is_at(profile, CLASS_AT, "prtr") || is_at(profile, CLASS_AT, "spac");
}

unsigned colour_profile_channels(struct slice profile)
{
    if (profile.size < HEADER + 4 || !is_at(profile, MAGIC_AT, "acsp") || !is_of_device(profile))
        return 0;
    if (is_at(profile, SPACE_AT, "GRAY"))
        return 1;
    if (is_at(profile, SPACE_AT, "RGB "))
        return 3;
    return is_at(profile, SPACE_AT, "CMYK") ? 4 : 0;
}

static bool has_all(struct slice profile, const char *const *tags)
{
    struct slice tag;
    while (*tags && find_tag(profile, *tags, &tag))
        tags++;
    return !*tags;
}

enum colour_intent colour_profile_intent(struct slice profile)
{
    static const char *const grey[] = {"kTRC", NULL};
    static const char *const matrix[] = {"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC", NULL};
    static const char *const tables[] = {"A2B1", "A2B0", "A2B2"};
    struct slice tag;
    unsigned channels = colour_profile_channels(profile);
    if (channels == 0)
        return INTENT_NONE;
    if ((channels == 1 && has_all(profile, grey)) || (channels == 3 && has_all(profile, matrix)))
        return INTENT_RELATIVE;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (find_tag(profile, tables[i], &tag))
            return (enum colour_intent)(INTENT_RELATIVE + i);
    }
    return INTENT_NONE;
}
