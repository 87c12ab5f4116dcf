#include "schema.h"

#include "object_store.h"
#include "pipeline_file.h"

static const char *const fits[] = {"inside", "cover", "contain", "fill", NULL};
static const char *const crops[] = {"centre", "entropy", "attention", NULL};
static const char *const formats[] = {"keep", "jpeg", "png", "webp", "avif", "tiff", "gif", NULL};
static const char *const frames[] = {"first", "all", NULL};

enum { TEXT_MAX = 512, BUCKET_MAX = 63, NAME_MAX_BYTES = 64, LIST_MAX = 64 };

#define MATCH(field)  offsetof(struct match_config, field)
#define OUTPUT(field) offsetof(struct output_config, field)
#define LABELS(field) offsetof(struct labels_config, field)
#define WHOLE(field)  offsetof(struct pipeline, field)

/* clang-format off */
static const struct schema_key match_keys[] = {
    {.name = "bucket", .type = SCHEMA_BUCKET, .offset = MATCH(bucket), .max = BUCKET_MAX,
     .shown = "any", .help = "only objects of this bucket"},
    {.name = "prefix", .type = SCHEMA_TEXTS, .offset = MATCH(prefixes), .max = LIST_MAX,
     .shown = "any", .help = "only keys that begin with this, or with one of these"},
    {.name = "suffix", .type = SCHEMA_TEXTS, .offset = MATCH(suffixes), .max = LIST_MAX,
     .shown = "any", .help = "only keys that end with this, or with one of these; case doesn't count"},
    {.name = NULL},
};

static const struct schema_key output_keys[] = {
    {.name = "key", .type = SCHEMA_TEMPLATE, .offset = OUTPUT(key), .required = true,
     .max = OBJECT_KEY_MAX,
     .help = "where it is stored; placeholders: `{bucket}` `{key}` `{dir}` `{name}` `{image}` "
             "`{stem}` `{ext}` `{width}` `{height}` `{pipeline}`"},
    {.name = "bucket", .type = SCHEMA_BUCKET, .offset = OUTPUT(bucket), .max = BUCKET_MAX,
     .shown = "the source's", .help = "bucket that it is stored in"},
    {.name = "width", .type = SCHEMA_INTEGER, .offset = OUTPUT(width), .min = 1,
     .max = PIPELINE_SIDE_MAX, .help = "pixels; without height, the height follows"},
    {.name = "height", .type = SCHEMA_INTEGER, .offset = OUTPUT(height), .min = 1,
     .max = PIPELINE_SIDE_MAX, .help = "pixels; without width, the width follows"},
    {.name = "scale", .type = SCHEMA_NUMBER, .offset = OUTPUT(scale), .min = 0.001, .max = 16,
     .help = "in place of width and height: a factor of the upright source"},
    {.name = "fit", .type = SCHEMA_CHOICE, .offset = OUTPUT(fit), .fallback = "inside",
     .choices = fits,
     .help = "inside: whole picture within the box; cover: fills the box, the rest is cut off; "
             "contain: whole picture, the box's rest is background; fill: stretched to the box"},
    {.name = "crop", .type = SCHEMA_CHOICE, .offset = OUTPUT(crop), .fallback = "centre",
     .choices = crops, .help = "what cover keeps: the centre, the busiest part, or what draws the eye"},
    {.name = "enlarge", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(enlarge), .fallback = "false",
     .help = "make small pictures larger, too"},
    {.name = "format", .type = SCHEMA_CHOICE, .offset = OUTPUT(format), .fallback = "keep",
     .choices = formats,
     .help = "keep is the source's own (HEIC becomes JPEG); 16-bit PNG and TIFF keep their depth "
             "only with it"},
    {.name = "quality", .type = SCHEMA_INTEGER, .offset = OUTPUT(quality), .min = 1, .max = 100,
     .shown = "80; avif 50", .help = "of jpeg, webp and avif; the others are lossless"},
    {.name = "effort", .type = SCHEMA_INTEGER, .offset = OUTPUT(effort), .min = 0, .max = 9,
     .fallback = "-1", .shown = "the encoder's",
     .help = "how hard the encoder works for a small file: png and avif 0–9, webp 0–6, gif 1–9 "
             "(more is taken as the most), jpeg 0 (a single pass) or more (fitted Huffman tables)"},
    {.name = "progressive", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(progressive),
     .fallback = "false", .help = "progressive jpeg, interlaced png"},
    {.name = "strip", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(strip), .fallback = "true",
     .help = "true: no metadata, colours converted to sRGB; false: metadata, colour profile and "
             "the profile's colours are kept"},
    {.name = "background", .type = SCHEMA_COLOUR, .offset = OUTPUT(background),
     .shown = "white, or transparent",
     .help = "a name or #rrggbb: behind transparent pixels where the format has none, and beside "
             "the picture with contain"},
    {.name = "frames", .type = SCHEMA_CHOICE, .offset = OUTPUT(frames), .fallback = "first",
     .choices = frames, .help = "of an animation: first, or all (gif, webp)"},
    {.name = "cache_control", .type = SCHEMA_TEXT, .offset = OUTPUT(cache_control), .max = TEXT_MAX,
     .shown = "none", .help = "Cache-Control header that it is stored with"},
    {.name = NULL},
};

static const struct schema_key labels_keys[] = {
    {.name = "labeler", .type = SCHEMA_NAME, .offset = LABELS(labeler), .fallback = "builtin",
     .max = NAME_MAX_BYTES, .help = "builtin, or the name of a service"},
    {.name = "tags", .type = SCHEMA_BOOLEAN, .offset = LABELS(tags), .fallback = "true",
     .help = "the labels become tags of the source object (S3 keeps ten)"},
    {.name = "sidecar", .type = SCHEMA_TEMPLATE, .offset = LABELS(sidecar), .max = OBJECT_KEY_MAX,
     .shown = "none", .help = "key of a JSON object with all labels; placeholders as in `key`"},
    {.name = "bucket", .type = SCHEMA_BUCKET, .offset = LABELS(bucket), .max = BUCKET_MAX,
     .shown = "the source's", .help = "bucket of the sidecar"},
    {.name = "min_confidence", .type = SCHEMA_NUMBER, .offset = LABELS(min_confidence), .min = 0,
     .max = 100, .fallback = "50", .help = "percent; labels below it are left out"},
    {.name = "max", .type = SCHEMA_INTEGER, .offset = LABELS(max), .min = 1, .max = LABELS_MAX,
     .fallback = "20", .help = "at most so many labels, the surest first"},
    {.name = NULL},
};

static const struct schema_section match_section = {match_keys, sizeof(struct match_config), 0, NULL};
static const struct schema_section output_section = {
    output_keys, sizeof(struct output_config), 0, pipeline_check_output};
static const struct schema_section labels_section = {
    labels_keys, sizeof(struct labels_config), LABELS(given), pipeline_check_labels};

static const struct schema_key pipeline_keys[] = {
    {.name = "name", .type = SCHEMA_NAME, .offset = WHOLE(name), .required = true,
     .max = NAME_MAX_BYTES, .help = "of the pipeline; letters, digits, dots, hyphens, underscores"},
    {.name = "queue", .type = SCHEMA_TEXT, .offset = WHOLE(queue), .required = true,
     .max = TEXT_MAX, .help = "name, URL or ARN of the queue that it works on"},
    {.name = "weight", .type = SCHEMA_INTEGER, .offset = WHOLE(weight), .min = 1, .max = 100,
     .fallback = "1", .help = "share of slots and workers, relative to the other pipelines"},
    {.name = "visibility", .type = SCHEMA_INTEGER, .offset = WHOLE(visibility_s), .min = 1,
     .max = 43200, .shown = "the queue's", .help = "seconds that a received message stays hidden; renewed while it is worked on"},
    {.name = "match", .type = SCHEMA_SECTION, .offset = WHOLE(match), .section = &match_section,
     .shown = "everything", .help = "which objects are its to work on"},
    {.name = "outputs", .type = SCHEMA_SECTIONS, .offset = WHOLE(outputs),
     .section = &output_section, .max = PIPELINE_OUTPUTS_MAX, .shown = "none",
     .help = "a list: the renditions that each image becomes"},
    {.name = "labels", .type = SCHEMA_SECTION, .offset = WHOLE(labels), .section = &labels_section,
     .shown = "none", .help = "labels for each image; a pipeline has outputs, labels, or both"},
    {.name = NULL},
};
/* clang-format on */

const struct schema_section schema_pipeline = {pipeline_keys, sizeof(struct pipeline), 0, NULL};

static const char *type_shown(const struct schema_key *key)
{
    switch (key->type) {
    case SCHEMA_TEXTS:
        return "text or list";
    case SCHEMA_INTEGER:
        return "whole number";
    case SCHEMA_NUMBER:
        return "number";
    case SCHEMA_BOOLEAN:
        return "true, false";
    case SCHEMA_COLOUR:
        return "colour";
    case SCHEMA_SECTION:
        return "map";
    case SCHEMA_SECTIONS:
        return "list of maps";
    case SCHEMA_TEMPLATE:
        return "template";
    default:
        return "text";
    }
}

static void print_type(FILE *stream, const struct schema_key *key)
{
    if (key->type == SCHEMA_CHOICE) {
        for (size_t i = 0; key->choices[i]; i++)
            fprintf(stream, "%s%s", i ? ", " : "", key->choices[i]);
        return;
    }
    fputs(type_shown(key), stream);
    if (key->type == SCHEMA_INTEGER || key->type == SCHEMA_NUMBER)
        fprintf(stream, ", %g–%g", key->min, key->max);
}

static void print_default(FILE *stream, const struct schema_key *key)
{
    if (key->required)
        fputs("required", stream);
    else if (key->shown)
        fputs(key->shown, stream);
    else if (key->fallback)
        fprintf(stream, "`%s`", key->fallback);
}

static void print_section(FILE *stream, const char *prefix, const struct schema_section *section)
{
    for (const struct schema_key *key = section->keys; key->name; key++) {
        fprintf(stream, "| `%s%s` | ", prefix, key->name);
        print_type(stream, key);
        fputs(" | ", stream);
        print_default(stream, key);
        fprintf(stream, " | %s |\n", key->help);
        if (key->section) {
            char inner[SCHEMA_PATH_MAX];
            snprintf(inner, sizeof inner, "%s%s%s.", prefix, key->name,
                     key->type == SCHEMA_SECTIONS ? "[]" : "");
            print_section(stream, inner, key->section);
        }
    }
}

int schema_print(FILE *stream)
{
    fputs("| key | value | default | meaning |\n|---|---|---|---|\n", stream);
    print_section(stream, "", &schema_pipeline);
    return fflush(stream) || ferror(stream) ? ERR_IO : 0;
}
