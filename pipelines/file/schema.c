#include "schema.h"

#include <string.h>

#include "notify_keys.h"
#include "object_store.h"
#include "operation_keys.h"
#include "output_variants.h"
#include "pipeline_file.h"

static const char *const fits[] = {"inside", "cover", "contain", "fill", NULL};
static const char *const crops[] = {"centre", "entropy", "attention", NULL};
static const char *const formats[] = {"keep", "jpeg", "png", "webp", "avif", "tiff",
                                      "gif",  "heic", "jxl", "auto", NULL};
static const char *const candidates[] = {"jpeg", "png", "webp", "avif", "heic", "jxl", NULL};
static const char *const targets[] = {"quality", "ssim", NULL};
static const char *const chromas[] = {"auto", "4:4:4", "4:2:0", NULL};
static const char *const compressions[] = {"deflate", "lzw", "zstd", "jpeg", "none", NULL};
static const char *const gravities[] = {"centre",    "north", "northeast", "east",
                                        "southeast", "south", "southwest", "west",
                                        "northwest", NULL};
static const char *const focal_froms[] = {"fixed", "metadata", "tags", NULL};
static const char *const kept[] = {"icc", "copyright", "exif", "gps", "xmp", "iptc", NULL};
static const char *const placeholders[] = {"thumbhash", "blurhash", "colour", NULL};
static const char *const masks[] = {"none", "circle", "ellipse", NULL};
static const char *const hashes[] = {"dhash", "phash", NULL};
static const char *const frames[] = {"first", "all", NULL};
static const char *const tolerances[] = {"none", "truncated", NULL};
static const char *const labelers[] = {"builtin", "rekognition", NULL};

/* "PutObject", S3 API Reference. */
static const char *const encryptions[] = {"AES256", "aws:kms", "aws:kms:dsse", NULL};
static const char *const storage_classes[] = {"STANDARD",
                                              "STANDARD_IA",
                                              "ONEZONE_IA",
                                              "INTELLIGENT_TIERING",
                                              "GLACIER_IR",
                                              "GLACIER",
                                              "DEEP_ARCHIVE",
                                              "REDUCED_REDUNDANCY",
                                              "OUTPOSTS",
                                              "EXPRESS_ONEZONE",
                                              NULL};
static const char *const acls[] = {
    "private",       "public-read",       "public-read-write",         "authenticated-read",
    "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", NULL};

enum {
    TEXT_MAX = 512,
    BUCKET_MAX = 63,
    TARGET_MAX = 160,
    NAME_MAX_BYTES = 64,
    LIST_MAX = 64,
    MESSAGE_MAX = 8192,
    URL_MAX = 2048,
    PATH_LENGTH_MAX = 4096,
};

#define MATCH(field)   offsetof(struct match_config, field)
#define OUTPUT(field)  offsetof(struct output_config, field)
#define LABELS(field)  offsetof(struct labels_config, field)
#define NOTIFY(field)  offsetof(struct notify_config, field)
#define SERVER(field)  offsetof(struct labeler_config, field)
#define DOING(field)   offsetof(struct output_config, operations.field)
#define FOCAL(field)   offsetof(struct focal_config, field)
#define OVERLAY(field) offsetof(struct overlay_config, field)
#define PAD(field)     offsetof(struct pad_config, field)
#define WHOLE(field)   offsetof(struct pipeline, field)

/* clang-format off */
static const struct schema_key match_keys[] = {
    {.name = "bucket", .type = SCHEMA_BUCKET, .offset = MATCH(bucket), .max = BUCKET_MAX,
     .shown = "any", .help = "only objects of this bucket"},
    {.name = "prefix", .type = SCHEMA_TEXTS, .offset = MATCH(prefixes), .max = LIST_MAX,
     .shown = "any", .help = "only keys that begin with this, or with one of these"},
    {.name = "suffix", .type = SCHEMA_TEXTS, .offset = MATCH(suffixes), .max = LIST_MAX,
     .shown = "any", .help = "only keys that end with this, or with one of these; case-insensitive"},
    {.name = NULL},
};

static const struct schema_key focal_keys[] = {
    {.name = "from", .type = SCHEMA_CHOICE, .offset = FOCAL(from), .fallback = "fixed", .choices = focal_froms,
     .help = "fixed: x and y; metadata: the source's `x-amz-meta-focal`, such as `0.3,0.7`, else x and y; tags: its tag `focal`, such as `0.3:0.7`, else x and y"},
    {.name = "x", .type = SCHEMA_NUMBER, .offset = FOCAL(x), .min = 0, .max = 1, .fallback = "0.5",
     .help = "from the left edge, as a fraction of the upright source's width"},
    {.name = "y", .type = SCHEMA_NUMBER, .offset = FOCAL(y), .min = 0, .max = 1, .fallback = "0.5",
     .help = "from the top edge, as a fraction of the upright source's height"},
    {.name = NULL},
};

static const struct schema_key pad_keys[] = {
    {.name = "top", .type = SCHEMA_INTEGER, .offset = PAD(top), .max = OPERATION_PAD_MAX,
     .fallback = "0", .help = "pixels above the picture"},
    {.name = "right", .type = SCHEMA_INTEGER, .offset = PAD(right), .max = OPERATION_PAD_MAX,
     .fallback = "0", .help = "pixels to the right of it"},
    {.name = "bottom", .type = SCHEMA_INTEGER, .offset = PAD(bottom), .max = OPERATION_PAD_MAX,
     .fallback = "0", .help = "pixels below it"},
    {.name = "left", .type = SCHEMA_INTEGER, .offset = PAD(left), .max = OPERATION_PAD_MAX,
     .fallback = "0", .help = "pixels to the left of it"},
    {.name = NULL},
};

static const struct schema_key overlay_keys[] = {
    {.name = "file", .type = SCHEMA_TEXT, .offset = OVERLAY(file), .max = PATH_LENGTH_MAX, .shown = "none",
     .help = "an image of up to 1 MiB, beside this file or with an absolute path; read at the start and by a reload; exactly one of file, object and text is given"},
    {.name = "object", .type = SCHEMA_TEXT, .offset = OVERLAY(object), .max = OVERLAY_OBJECT_NAME_MAX, .shown = "none",
     .help = "an image of up to 1 MiB in a bucket: `s3://BUCKET/KEY`, or a key in the photo's bucket"},
    {.name = "text", .type = SCHEMA_TEXT, .offset = OVERLAY(text), .max = OVERLAY_TEXT_MAX, .shown = "none",
     .help = "a text"},
    {.name = "font", .type = SCHEMA_TEXT, .offset = OVERLAY(font), .max = NAME_MAX_BYTES, .fallback = "sans",
     .help = "of the text: a family, with a style if needed, such as `DejaVu Sans Bold`"},
    {.name = "size", .type = SCHEMA_INTEGER, .offset = OVERLAY(size), .min = 4, .max = 512, .fallback = "32",
     .help = "of the text, in pixels"},
    {.name = "colour", .type = SCHEMA_COLOUR, .offset = OVERLAY(colour), .fallback = "white",
     .help = "of the text: a name or #rrggbb"},
    {.name = "gravity", .type = SCHEMA_CHOICE, .offset = OVERLAY(gravity), .fallback = "southeast",
     .choices = gravities, .help = "where it lies in the output"},
    {.name = "x", .type = SCHEMA_INTEGER, .offset = OVERLAY(x), .max = OPERATION_PAD_MAX, .fallback = "0",
     .help = "pixels from the left or right edge, whichever gravity names; with tile: between the tiles"},
    {.name = "y", .type = SCHEMA_INTEGER, .offset = OVERLAY(y), .max = OPERATION_PAD_MAX, .fallback = "0",
     .help = "pixels from the top or bottom edge; with tile: between the tiles"},
    {.name = "scale", .type = SCHEMA_NUMBER, .offset = OVERLAY(scale), .min = 0.01, .max = 1, .shown = "its own size",
     .help = "its width, as a part of the output's width"},
    {.name = "opacity", .type = SCHEMA_NUMBER, .offset = OVERLAY(opacity), .min = 0.01, .max = 1, .fallback = "1",
     .help = "1: as it is; less: more transparent"},
    {.name = "tile", .type = SCHEMA_BOOLEAN, .offset = OVERLAY(tile), .fallback = "false",
     .help = "repeat it over the whole output, from the top left corner"},
    {.name = NULL},
};

static const struct schema_section overlay_section = {.keys = overlay_keys,
                                                      .size = sizeof(struct overlay_config),
                                                      .given_offset = OVERLAY(given),
                                                      .check = overlay_keys_check};
static const struct schema_section focal_section = {.keys = focal_keys, .size = sizeof(struct focal_config), .given_offset = FOCAL(given)};
static const struct schema_section pad_section = {.keys = pad_keys, .size = sizeof(struct pad_config)};

static const struct schema_key output_keys[] = {
    {.name = "key", .type = SCHEMA_TEMPLATE, .effect = EFFECT_STORE, .offset = OUTPUT(key), .required = true,
     .max = OBJECT_KEY_MAX,
     .help = "key of the stored object; placeholders: `{bucket}` `{key}` `{dir}` `{name}` `{image}` `{stem}` `{ext}` `{width}` `{height}` `{pipeline}`"},
    {.name = "bucket", .type = SCHEMA_TARGET, .effect = EFFECT_STORE, .offset = OUTPUT(bucket), .max = TARGET_MAX,
     .shown = "the source's", .help = "bucket of the stored object, or the ARN of an access point"},
    {.name = "width", .type = SCHEMA_INTEGER, .effect = EFFECT_PLAN, .offset = OUTPUT(width), .min = 1,
     .max = PIPELINE_SIDE_MAX, .help = "pixels; without height, the aspect ratio decides the height"},
    {.name = "height", .type = SCHEMA_INTEGER, .effect = EFFECT_PLAN, .offset = OUTPUT(height), .min = 1,
     .max = PIPELINE_SIDE_MAX, .help = "pixels; without width, the aspect ratio decides the width"},
    {.name = "widths", .type = SCHEMA_INTEGERS, .effect = EFFECT_PLAN, .offset = OUTPUT(widths), .min = 1,
     .max = PIPELINE_SIDE_MAX, .shown = "none",
     .help = "one rendition for each; with width and height, those give the aspect ratio; the key has `{width}`"},
    {.name = "dpr", .type = SCHEMA_NUMBERS, .effect = EFFECT_PLAN, .offset = OUTPUT(dprs), .min = 0.5, .max = 5,
     .shown = "none", .help = "device pixel ratios: one rendition for each, of width, height and all that is in pixels times it; the key has `{width}` or `{height}`"},
    {.name = "scale", .type = SCHEMA_NUMBER, .effect = EFFECT_PLAN, .offset = OUTPUT(scale), .min = 0.001, .max = 16,
     .help = "instead of width and height: a factor of the upright source's size"},
    {.name = "fit", .type = SCHEMA_CHOICE, .offset = OUTPUT(fit), .fallback = "inside",
     .choices = fits,
     .help = "inside: whole picture within the box; cover: fills the box, the excess is cut off; contain: whole picture, the rest of the box is background; fill: stretched to the box"},
    {.name = "crop", .type = SCHEMA_CHOICE, .offset = OUTPUT(crop), .fallback = "centre",
     .choices = crops, .help = "the part that cover keeps: the centre, the most detailed part, or the most eye-catching part"},
    {.name = "gravity", .type = SCHEMA_CHOICE, .offset = DOING(gravity), .fallback = "centre",
     .choices = gravities, .help = "the part that cover keeps, or where contain places the picture"},
    {.name = "focal", .type = SCHEMA_SECTION, .offset = DOING(focal), .section = &focal_section,
     .shown = "none", .help = "the point that cover keeps as near to the middle as possible"},
    {.name = "trim", .type = SCHEMA_INTEGER, .offset = DOING(trim), .min = 1, .max = 254, .shown = "none",
     .help = "cut off a border that differs by at most this (of 255) from the pixel in the top left corner, before everything else"},
    {.name = "rotate", .type = SCHEMA_NUMBER, .offset = DOING(rotate), .min = -360, .max = 360,
     .fallback = "0", .help = "degrees clockwise, after the orientation that the source names; the corners that an angle leaves are background"},
    {.name = "flip", .type = SCHEMA_BOOLEAN, .offset = DOING(flip), .fallback = "false",
     .help = "exchange top and bottom, after rotate"},
    {.name = "flop", .type = SCHEMA_BOOLEAN, .offset = DOING(flop), .fallback = "false",
     .help = "exchange left and right, after rotate"},
    {.name = "pad", .type = SCHEMA_SECTION, .offset = DOING(pad), .section = &pad_section,
     .shown = "none", .help = "background around the finished picture, in addition to its size"},
    {.name = "linear", .type = SCHEMA_BOOLEAN, .offset = DOING(linear), .fallback = "false",
     .help = "resize in linear light instead of in the values of the pixels: thin bright lines stay bright; takes longer, and writes 8 bits"},
    {.name = "gamma", .type = SCHEMA_NUMBER, .offset = DOING(gamma), .min = 1, .max = 3, .shown = "none",
     .help = "the same with this exponent instead of the curve of sRGB, such as 2.2"},
    {.name = "normalise", .type = SCHEMA_BOOLEAN, .offset = DOING(normalise), .fallback = "false",
     .help = "stretch the lightness, without the darkest and the lightest percent, to the whole range"},
    {.name = "greyscale", .type = SCHEMA_BOOLEAN, .offset = DOING(greyscale), .fallback = "false",
     .help = "keep only the luminance"},
    {.name = "tint", .type = SCHEMA_COLOUR, .offset = DOING(tint), .shown = "none",
     .help = "keep only the lightness, in the hue of this colour; black and white stay"},
    {.name = "blur", .type = SCHEMA_NUMBER, .offset = DOING(blur), .min = 0.3, .max = OPERATION_BLUR_MAX, .shown = "none",
     .help = "sigma of a Gaussian blur in pixels of the output"},
    {.name = "sharpen", .type = SCHEMA_NUMBER, .offset = DOING(sharpen), .min = 0.1, .max = OPERATION_SHARPEN_MAX, .shown = "none",
     .help = "sigma of the blur that the lightness is compared with, in pixels of the output"},
    {.name = "round", .type = SCHEMA_INTEGER, .offset = DOING(round), .min = 1, .max = OPERATION_ROUND_MAX,
     .shown = "none", .help = "radius of the corners in pixels; outside is background, or transparent"},
    {.name = "mask", .type = SCHEMA_CHOICE, .offset = DOING(mask), .fallback = "none", .choices = masks,
     .help = "the largest circle in the middle, or the ellipse that touches all sides; outside is background, or transparent"},
    {.name = "overlay", .type = SCHEMA_SECTION, .offset = DOING(overlay), .section = &overlay_section,
     .shown = "none", .help = "a picture or text over the finished output: a logo, a watermark"},
    {.name = "enlarge", .type = SCHEMA_BOOLEAN, .effect = EFFECT_PLAN, .offset = OUTPUT(enlarge), .fallback = "false",
     .help = "also enlarge smaller pictures"},
    {.name = "format", .type = SCHEMA_CHOICE, .offset = OUTPUT(format), .fallback = "keep",
     .choices = formats,
     .help = "auto: the smallest of formats; keep: the source's format (HEIC becomes JPEG); 16-bit PNG and TIFF keep their depth only with keep"},
    {.name = "quality", .type = SCHEMA_INTEGER, .offset = OUTPUT(quality), .min = 1, .max = 100,
     .shown = "80; avif, heic 50",
     .help = "for jpeg, webp, avif, heic and jxl, and for tiff with compression: jpeg; the others are lossless"},
    {.name = "formats", .type = SCHEMA_SET, .offset = OUTPUT(candidates), .choices = candidates, .shown = "avif, webp, jpeg",
     .help = "with format: auto, the formats to try; the one with the fewest bytes is stored"},
    {.name = "max_bytes", .type = SCHEMA_BYTES, .offset = OUTPUT(max_bytes), .min = 1024, .max = 67108864, .shown = "none",
     .help = "lower the quality until the output fits; if it does not with min_quality, that is stored, with a warning ([image-output.md](image-output.md#quality-search))"},
    {.name = "target", .type = SCHEMA_CHOICE, .offset = OUTPUT(target), .fallback = "quality", .choices = targets,
     .help = "quality: the same for all pictures; ssim: the lowest quality whose picture is that similar"},
    {.name = "ssim", .type = SCHEMA_NUMBER, .offset = OUTPUT(ssim), .min = 0.5, .max = 0.999, .fallback = "0.95",
     .help = "with target: ssim, the structural similarity of luma that is needed"},
    {.name = "min_quality", .type = SCHEMA_INTEGER, .offset = OUTPUT(min_quality), .min = 1, .max = 100, .fallback = "20",
     .help = "with max_bytes or target: ssim, the lowest quality to try; the highest is quality, or 95 with target: ssim"},
    {.name = "effort", .type = SCHEMA_INTEGER, .offset = OUTPUT(effort), .min = 0, .max = 9,
     .fallback = "-1", .shown = "the encoder's",
     .help = "encoder effort for a smaller file: png and avif 0–9, webp 0–6, gif and jxl 1–9 (higher values count as the maximum), jpeg 0 (a single pass) or more (optimised Huffman tables)"},
    {.name = "progressive", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(progressive),
     .fallback = "false", .help = "progressive jpeg, interlaced png"},
    {.name = "chroma", .type = SCHEMA_CHOICE, .offset = OUTPUT(chroma), .fallback = "auto", .choices = chromas,
     .help = "resolution of the colours for jpeg, avif and heic: 4:4:4 full, 4:2:0 half; auto: 4:4:4 from quality 90; webp has 4:2:0 only"},
    {.name = "lossless", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(lossless), .fallback = "false",
     .help = "every pixel exact: webp and jxl"},
    {.name = "near_lossless", .type = SCHEMA_INTEGER, .offset = OUTPUT(near_lossless), .min = 0, .max = 99,
     .fallback = "-1", .shown = "none",
     .help = "webp without visible loss: lower values change more pixels for a smaller file; 60 is usual"},
    {.name = "palette", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(palette), .fallback = "false",
     .help = "png with a palette instead of full colours: lossy, and much smaller for graphics"},
    {.name = "colours", .type = SCHEMA_INTEGER, .offset = OUTPUT(colours), .min = 2, .max = 256, .shown = "256",
     .help = "size of the palette of png (2, 4, 16 or 256) and gif (a power of two); other values are rounded up"},
    {.name = "compression", .type = SCHEMA_CHOICE, .offset = OUTPUT(compression), .fallback = "deflate",
     .choices = compressions, .help = "of tiff; jpeg is lossy, the others are lossless"},
    {.name = "strip", .type = SCHEMA_BOOLEAN, .offset = OUTPUT(strip), .fallback = "true",
     .help = "true: no metadata, colours converted to sRGB; false: keeps metadata, colour profile and the profile's colours"},
    {.name = "keep", .type = SCHEMA_SET, .offset = OUTPUT(keep), .choices = kept, .shown = "as strip says",
     .help = "instead of strip, the metadata to keep: icc (profile and colours), copyright (and creator), exif (without GPS and maker notes), gps, xmp, iptc ([image-output.md](image-output.md#metadata))"},
    {.name = "background", .type = SCHEMA_COLOUR, .offset = OUTPUT(background),
     .shown = "white, or transparent",
     .help = "a name or #rrggbb: behind transparent pixels if the format has no transparency, and around the picture with contain, pad, rotate, round and mask"},
    {.name = "frames", .type = SCHEMA_CHOICE, .effect = EFFECT_PLAN, .offset = OUTPUT(frames), .fallback = "first",
     .choices = frames, .help = "frames of an animation to keep: first, or all (gif, webp)"},
    {.name = "page", .type = SCHEMA_INTEGER, .effect = EFFECT_PLAN, .offset = OUTPUT(page), .min = 1, .max = OPERATION_PAGE_MAX, .shown = "the first",
     .help = "the page of a tiff, the frame of a gif or webp, or the image of a heic or avif file, counted from 1; a photo without it is rejected ([image-output.md](image-output.md#pages))"},
    {.name = "placeholder", .type = SCHEMA_SET, .effect = EFFECT_STORE, .offset = OUTPUT(placeholder), .choices = placeholders,
     .shown = "none", .help = "metadata of the stored object, and in the manifest: thumbhash (base64), blurhash, colour (dominant, #rrggbb) ([image-output.md](image-output.md#placeholders))"},
    {.name = "manifest", .type = SCHEMA_TEMPLATE, .effect = EFFECT_STORE, .offset = OUTPUT(manifest), .max = OBJECT_KEY_MAX,
     .shown = "none", .help = "key of a JSON object that lists the renditions of all outputs with the same manifest, for srcset ([image-output.md](image-output.md#manifests))"},
    {.name = "manifest_url", .type = SCHEMA_TEXT, .effect = EFFECT_STORE, .offset = OUTPUT(manifest_url), .max = URL_MAX,
     .shown = "none", .help = "what precedes the keys in the manifest's URLs, such as `https://cdn.example.com/`"},
    {.name = "cache_control", .type = SCHEMA_TEXT, .effect = EFFECT_STORE, .offset = OUTPUT(cache_control), .max = TEXT_MAX,
     .shown = "none", .help = "Cache-Control header of the stored object"},
    {.name = "content_disposition", .type = SCHEMA_TEXT, .effect = EFFECT_STORE, .offset = OUTPUT(content_disposition),
     .max = TEXT_MAX, .shown = "none",
     .help = "Content-Disposition header of the stored object: inline or attachment, with or without a file name"},
    {.name = "sse", .type = SCHEMA_WORD, .effect = EFFECT_STORE, .offset = OUTPUT(sse), .choices = encryptions,
     .shown = "the bucket's", .help = "server-side encryption; an upload counts as stored only if the service confirms it"},
    {.name = "kms_key", .type = SCHEMA_TEXT, .effect = EFFECT_STORE, .offset = OUTPUT(kms_key), .max = TEXT_MAX,
     .shown = "the account's key for S3", .help = "id, alias or ARN of the KMS key; with sse: aws:kms or aws:kms:dsse"},
    {.name = "storage_class", .type = SCHEMA_WORD, .effect = EFFECT_STORE, .offset = OUTPUT(storage_class),
     .choices = storage_classes, .shown = "the bucket's", .help = "storage class of the stored object"},
    {.name = "acl", .type = SCHEMA_WORD, .effect = EFFECT_STORE, .offset = OUTPUT(acl), .choices = acls,
     .shown = "the bucket's", .help = "canned ACL; a bucket without ACLs refuses all but bucket-owner-full-control"},
    {.name = "tags", .type = SCHEMA_PAIRS, .effect = EFFECT_STORE, .offset = OUTPUT(tags), .max = OBJECT_TAGS_MAX,
     .shown = "none", .help = "tags of the stored object: up to 10, names of 128 and values of 256 characters"},
    {.name = "metadata", .type = SCHEMA_PAIRS, .effect = EFFECT_STORE, .offset = OUTPUT(metadata), .max = OBJECT_PAIRS_MAX,
     .shown = "none", .help = "metadata of the stored object (x-amz-meta-…): up to 20, 1024 bytes in all"},
    {.name = NULL},
};

static const struct schema_key server_keys[] = {
    {.name = "url", .type = SCHEMA_TEXT, .offset = SERVER(url), .required = true, .max = URL_MAX,
     .help = "a model server: it gets a JPEG by POST and responds with labels (docs/labels.md)"},
    {.name = "size", .type = SCHEMA_INTEGER, .offset = SERVER(size), .min = 16, .max = 4096,
     .fallback = "640", .help = "longest side of the JPEG in pixels"},
    {.name = "timeout", .type = SCHEMA_TIME, .offset = SERVER(timeout_ms), .min = 100, .max = 300000,
     .fallback = "10s", .help = "of a request, with its response"},
    {.name = "concurrency", .type = SCHEMA_INTEGER, .offset = SERVER(concurrency), .min = 1,
     .max = 64, .fallback = "4", .help = "requests at the same time"},
    {.name = "max_response", .type = SCHEMA_BYTES, .offset = SERVER(response_max), .min = 1024,
     .max = 8388608, .fallback = "256KiB", .help = "size of a response; a longer one is an error"},
    {.name = "token_env", .type = SCHEMA_NAME, .offset = SERVER(token_env), .max = NAME_MAX_BYTES,
     .shown = "none", .help = "environment variable with a token, sent as `Authorization: Bearer …`"},
    {.name = "token_file", .type = SCHEMA_TEXT, .offset = SERVER(token_file), .max = PATH_LENGTH_MAX,
     .shown = "none", .help = "the same from a file; read at the start and by a reload"},
    {.name = NULL},
};

static const struct schema_section server_section = {.keys = server_keys, .size = sizeof(struct labeler_config), .check = pipeline_check_server};

static const struct schema_key labels_keys[] = {
    {.name = "labeler", .type = SCHEMA_VARIANT, .offset = LABELS(labeler), .fallback = "builtin",
     .choices = labelers, .section = &server_section,
     .help = "the built-in labeler, Amazon Rekognition (DetectLabels, which costs money), or a model server"},
    {.name = "tags", .type = SCHEMA_BOOLEAN, .offset = LABELS(tags), .fallback = "true",
     .help = "the labels become tags of the source object (S3 allows ten)"},
    {.name = "sidecar", .type = SCHEMA_TEMPLATE, .offset = LABELS(sidecar), .max = OBJECT_KEY_MAX,
     .shown = "none", .help = "key of a JSON object with all labels; placeholders as in `key`"},
    {.name = "bucket", .type = SCHEMA_TARGET, .offset = LABELS(bucket), .max = TARGET_MAX,
     .shown = "the source's", .help = "bucket of the sidecar, or the ARN of an access point"},
    {.name = "min_confidence", .type = SCHEMA_NUMBER, .offset = LABELS(min_confidence), .min = 0,
     .max = 100, .fallback = "50", .help = "percent; labels with less are omitted"},
    {.name = "max", .type = SCHEMA_INTEGER, .offset = LABELS(max), .min = 1, .max = LABELS_MAX,
     .fallback = "20", .help = "maximum number of labels, highest confidence first"},
    {.name = "hash", .type = SCHEMA_SET, .offset = LABELS(hashes), .choices = hashes, .shown = "none",
     .help = "perceptual hashes as labels, which differ in few of 64 bits if pictures look alike; of the built-in labeler"},
    {.name = "rate", .type = SCHEMA_NUMBER, .offset = LABELS(rate), .min = 0.1, .max = 10000,
     .shown = "`5` for rekognition", .help = "requests to the labeling service per second, of this pipeline"},
    {.name = NULL},
};

static const struct schema_key notify_keys[] = {
    {.name = "topic", .type = SCHEMA_TEXT, .offset = NOTIFY(topic), .max = TEXT_MAX, .shown = "none",
     .help = "ARN of an SNS topic; exactly one of topic, queue, event_bus and url is given"},
    {.name = "queue", .type = SCHEMA_TEXT, .offset = NOTIFY(queue), .max = TEXT_MAX, .shown = "none",
     .help = "name, URL or ARN of an SQS queue, or address of a queue of RabbitMQ, which no pipeline reads"},
    {.name = "event_bus", .type = SCHEMA_TEXT, .offset = NOTIFY(event_bus), .max = TEXT_MAX,
     .shown = "none", .help = "name or ARN of an EventBridge bus: default, for example"},
    {.name = "url", .type = SCHEMA_TEXT, .offset = NOTIFY(url), .max = URL_MAX, .shown = "none",
     .help = "https URL for a POST that is signed as Standard Webhooks describes; http on loopback, too"},
    {.name = "secret", .type = SCHEMA_TEXT, .offset = NOTIFY(secret), .max = TEXT_MAX, .shown = "none",
     .help = "required with url: env:NAME or file:PATH, where the signing secret (whsec_…) is; never the secret itself"},
    {.name = "allow_http", .type = SCHEMA_BOOLEAN, .offset = NOTIFY(allow_http), .fallback = "false",
     .help = "with url: allow http to other hosts than loopback; the content, with its links, can be read on the way"},
    {.name = "subject", .type = SCHEMA_SUBJECT, .offset = NOTIFY(subject), .max = TEXT_MAX,
     .shown = "`{name}: done`, `{name}: rejected`",
     .help = "with topic: subject of the mail; placeholders: `{bucket}` `{key}` `{dir}` `{name}` `{stem}` `{pipeline}` `{outcome}` `{image}` `{output}` `{outputs}` `{link}` `{links}` `{expires}` `{labels}` `{reason}` `{detail}`"},
    {.name = "message", .type = SCHEMA_MESSAGE, .offset = NOTIFY(message), .max = MESSAGE_MAX,
     .shown = "the outputs and links, or the reason", .help = "with topic: text of the mail; placeholders as in `subject`"},
    {.name = "rejected_subject", .type = SCHEMA_SUBJECT, .offset = NOTIFY(rejected_subject), .max = TEXT_MAX,
     .shown = "subject", .help = "with topic: subject of the mail about a rejection"},
    {.name = "rejected_message", .type = SCHEMA_MESSAGE, .offset = NOTIFY(rejected_message), .max = MESSAGE_MAX,
     .shown = "message", .help = "with topic: text of the mail about a rejection"},
    {.name = "link", .type = SCHEMA_DURATION, .offset = NOTIFY(link_s), .min = 1,
     .max = NOTIFY_LINK_MAX_S, .shown = "no links", .help = "how long presigned links to the outputs are valid"},
    {.name = "on", .type = SCHEMA_TEXTS, .offset = NOTIFY(on), .max = 2, .shown = "`done`",
     .help = "what is announced: done, rejected, or both"},
    {.name = NULL},
};

static const struct schema_section match_section = {.keys = match_keys, .size = sizeof(struct match_config)};
const struct schema_section schema_output = {
    .keys = output_keys, .size = sizeof(struct output_config), .check = pipeline_check_output,
    .variants = output_variants, .vary = output_vary};
static const struct schema_section labels_section = {.keys = labels_keys, .size = sizeof(struct labels_config), .given_offset = LABELS(given), .check = pipeline_check_labels};

static const struct schema_section notify_section = {.keys = notify_keys, .size = sizeof(struct notify_config), .given_offset = NOTIFY(given), .check = notify_keys_check};

static const struct schema_key pipeline_keys[] = {
    {.name = "name", .type = SCHEMA_NAME, .offset = WHOLE(name), .required = true,
     .max = NAME_MAX_BYTES, .help = "name of the pipeline: letters, digits, dots, hyphens, underscores"},
    {.name = "queue", .type = SCHEMA_TEXT, .offset = WHOLE(queue), .required = true,
     .max = TEXT_MAX, .help = "name, URL or ARN of the queue to read; amqp://HOST/VHOST/QUEUE: a queue of RabbitMQ"},
    {.name = "weight", .type = SCHEMA_INTEGER, .offset = WHOLE(weight), .min = 1, .max = 100,
     .fallback = "1", .help = "share of slots and workers, relative to the other pipelines"},
    {.name = "visibility", .type = SCHEMA_INTEGER, .offset = WHOLE(visibility_s), .min = 1,
     .max = 43200, .shown = "the queue's", .help = "seconds that a received message stays hidden; extended while it is processed"},
    {.name = "match", .type = SCHEMA_SECTION, .offset = WHOLE(match), .section = &match_section,
     .shown = "everything", .help = "the objects that the pipeline processes"},
    {.name = "tolerate", .type = SCHEMA_CHOICE, .offset = WHOLE(tolerate), .fallback = "none",
     .choices = tolerances,
     .help = "none: an image with missing pixels is rejected; truncated: a jpeg, png, gif or animation that breaks off is processed as far as it goes ([formats.md](formats.md))"},
    {.name = "outputs", .type = SCHEMA_SECTIONS, .offset = WHOLE(outputs),
     .section = &schema_output, .max = PIPELINE_OUTPUTS_MAX, .shown = "none",
     .help = "the renditions to make of each image"},
    {.name = "labels", .type = SCHEMA_SECTION, .offset = WHOLE(labels), .section = &labels_section,
     .shown = "none", .help = "labels for each image; a pipeline has outputs, labels, or both"},
    {.name = "notify", .type = SCHEMA_SECTION, .offset = WHOLE(notify), .section = &notify_section,
     .shown = "none", .help = "who is told that all outputs of a photo are stored, or that it was rejected ([notifications.md](notifications.md))"},
    {.name = NULL},
};
/* clang-format on */

const struct schema_section schema_pipeline = {.keys = pipeline_keys,
                                               .size = sizeof(struct pipeline)};
