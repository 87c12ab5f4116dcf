/*
 * Decides which objects a pipeline accepts, and whether one pipeline's outputs could be another's
 * input.
 *
 * The loop check tests whether the set of keys that a template can produce intersects the set that
 * a filter accepts. It is conservative only where necessary: the value of a placeholder is unknown,
 * but a name has no slash, a width consists of digits, and a key that begins or ends like the
 * source's key is subject to the source's filter.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "key_template.h"
#include "pipeline_file.h"

static bool has_prefix(const char *key, const struct config_texts *prefixes)
{
    for (size_t i = 0; i < prefixes->count; i++) {
        if (strncmp(key, prefixes->entries[i], strlen(prefixes->entries[i])) == 0)
            return true;
    }
    return prefixes->count == 0;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text), wanted = strlen(suffix);
    return size >= wanted && strcasecmp(text + size - wanted, suffix) == 0;
}

static bool has_suffix(const char *key, const struct config_texts *suffixes)
{
    for (size_t i = 0; i < suffixes->count; i++) {
        if (ends_with(key, suffixes->entries[i]))
            return true;
    }
    return suffixes->count == 0;
}

bool pipeline_matches(const struct pipeline *pipeline, const char *bucket, const char *key)
{
    const struct match_config *match = &pipeline->match;
    size_t size = strlen(key);
    if (size == 0 || key[size - 1] == '/') /* a folder marker is not an image */
        return false;
    return (!match->bucket || strcmp(match->bucket, bucket) == 0) &&
           has_prefix(key, &match->prefixes) && has_suffix(key, &match->suffixes);
}

/* An output or sidecar, with what is known about its sources. */
struct pipeline_target {
    const struct pipeline *from;
    const char *bucket; /* NULL: the source's */
    const char *key;
    const char *ext; /* NULL: not known before the source is */
};

/* The value of a piece if it is certain, else NULL. */
static const char *known_text(const struct pipeline_target *t, enum key_part part)
{
    if (part == KEY_PIPELINE)
        return t->from->name;
    if (part == KEY_BUCKET)
        return t->from->match.bucket;
    if (part == KEY_EXT)
        return t->ext;
    return NULL;
}

static bool may_begin(const struct pipeline_target *t, const char *cursor, const char *prefix);

/* Whether any value of an unknown piece, with the rest of the template, can begin with prefix. */
static bool may_begin_unknown(const struct pipeline_target *t, enum key_part part, const char *rest,
                              const char *prefix)
{
    for (;; prefix++) {
        if (may_begin(t, rest, prefix))
            return true;
        if (!*prefix)
            return false;
        bool digits = part == KEY_WIDTH || part == KEY_HEIGHT;
        bool slashes = part == KEY_KEY || part == KEY_DIR;
        if ((digits && !isdigit((unsigned char)*prefix)) || (!slashes && *prefix == '/'))
            return false;
    }
}

/* Whether a piece with the known value `text` of `size` bytes is compatible with prefix; then the
 * rest of the template must match the rest of the prefix. */
static bool may_begin_known(const struct pipeline_target *t, const char *text, size_t size,
                            const char *rest, const char *prefix)
{
    size_t wanted = strlen(prefix);
    if (wanted <= size)
        return memcmp(text, prefix, wanted) == 0;
    return memcmp(text, prefix, size) == 0 && may_begin(t, rest, prefix + size);
}

static bool may_begin(const struct pipeline_target *t, const char *cursor, const char *prefix)
{
    struct key_piece piece;
    if (!*prefix)
        return true;
    if (!key_template_next(&cursor, &piece))
        return false;
    if (piece.part == KEY_LITERAL)
        return may_begin_known(t, piece.text.data, piece.text.size, cursor, prefix);
    const char *text = known_text(t, piece.part);
    if (text)
        return may_begin_known(t, text, strlen(text), cursor, prefix);
    /* After an empty directory, the slash is omitted. */
    if (piece.part == KEY_DIR && *cursor == '/' && may_begin(t, cursor + 1, prefix))
        return true;
    return may_begin_unknown(t, piece.part, cursor, prefix);
}

/* Whether a text that ends with `end` can end with suffix: one must be a suffix of the other. */
static bool ends_agree(const char *end, const char *suffix)
{
    return ends_with(end, suffix) || ends_with(suffix, end);
}

/* Whether a source name that ends with `own` can give an {image} of this format that ends with
 * suffix. */
static bool image_may_end(enum image_format format, const char *ext, const char *own,
                          const char *suffix)
{
    char end[OBJECT_KEY_MAX + 16];
    snprintf(end, sizeof end, "%s.%s", own, ext);
    if (ends_agree(end, suffix))
        return true;
    for (size_t i = 0; image_format_ext(format, i); i++) { /* the name remains unchanged */
        snprintf(end, sizeof end, ".%s", image_format_ext(format, i));
        const char *known = strlen(own) > strlen(end) ? own : end;
        if (ends_agree(own, end) && ends_agree(known, suffix))
            return true;
    }
    return false;
}

static bool images_may_end(const struct pipeline_target *t, const char *own, const char *suffix)
{
    if (t->ext)
        return image_may_end(image_format_of_ext(slice_of(t->ext)), t->ext, own, suffix);
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        const char *ext = image_format_ext(format, 0);
        if (ext && image_may_end(format, ext, own, suffix))
            return true;
    }
    return false;
}

/* The last piece of the template, as text: the certain end of each key. */
static bool may_end(const struct pipeline_target *t, const char *suffix)
{
    struct key_piece piece = {0}, last = {0};
    char literal[OBJECT_KEY_MAX + 1];
    for (const char *cursor = t->key; key_template_next(&cursor, &piece);)
        last = piece;
    if (last.part == KEY_LITERAL) {
        memcpy(literal, last.text.data, last.text.size);
        literal[last.text.size] = '\0';
        return ends_agree(literal, suffix);
    }
    const char *text = known_text(t, last.part);
    if (text)
        return ends_agree(text, suffix);
    const struct config_texts *own = &t->from->match.suffixes;
    bool image = last.part == KEY_IMAGE;
    if (own->count == 0 && image)
        return images_may_end(t, "", suffix);
    if ((last.part != KEY_NAME && last.part != KEY_KEY && !image) || own->count == 0)
        return true;
    for (size_t i = 0; i < own->count; i++) {
        const char *end = own->entries[i];
        if (image ? images_may_end(t, end, suffix) : ends_agree(end, suffix))
            return true;
    }
    return false;
}

/* The names of access points, which may be of any bucket: ARNs, and aliases that S3 generates. */
static bool names_access_point(const char *bucket)
{
    return strncmp(bucket, "arn:", 4) == 0 || ends_with(bucket, "-s3alias");
}

static bool may_share_bucket(const struct pipeline_target *t, const struct match_config *filter)
{
    const char *bucket = t->bucket ? t->bucket : t->from->match.bucket;
    return !bucket || !filter->bucket || names_access_point(bucket) ||
           names_access_point(filter->bucket) || strcmp(bucket, filter->bucket) == 0;
}

/* NULL: depends on the source. */
static const char *ext_of(const struct pipeline *pipeline, size_t index)
{
    if (index >= pipeline->outputs.count)
        return "json";
    return image_format_facts((enum image_format)pipeline->outputs.entries[index].format)->ext;
}

int pipeline_check_loop(const struct pipeline *from, size_t index, const struct pipeline *to,
                        struct error *error)
{
    const struct pipeline_output output = pipeline_output(from, index);
    const struct pipeline_target t = {from, output.bucket, output.key, ext_of(from, index)};
    const struct match_config *filter = &to->match;
    const char *prefix = filter->prefixes.count ? NULL : "";
    const char *suffix = filter->suffixes.count ? NULL : "";
    if (!output.key || !may_share_bucket(&t, filter))
        return 0;
    for (size_t i = 0; !prefix && i < filter->prefixes.count; i++) {
        if (may_begin(&t, t.key, filter->prefixes.entries[i]))
            prefix = filter->prefixes.entries[i];
    }
    for (size_t i = 0; !suffix && i < filter->suffixes.count; i++) {
        if (may_end(&t, filter->suffixes.entries[i]))
            suffix = filter->suffixes.entries[i];
    }
    if (!prefix || !suffix)
        return 0;
    return error_set(error, ERR_LOOP,
                     "it can match the filter of pipeline %s (%s: prefix \"%.60s\", suffix "
                     "\"%.40s\")",
                     to->name, to->file, prefix, suffix);
}
