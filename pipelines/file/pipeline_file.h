/* A pipeline file in memory. Filled by schema.c; immutable once loaded. */
#ifndef THUMBWHEEL_PIPELINE_FILE_H
#define THUMBWHEEL_PIPELINE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "image_format.h"
#include "pipeline.h"
#include "plan.h"
#include "turn.h"

struct schema_reader;
struct yaml_node;

enum { PIPELINE_FILE_MAX = 64 * 1024, PIPELINE_OUTPUTS_MAX = 32, PIPELINE_SIDE_MAX = 16384 };

enum tolerance { TOLERATE_NONE, TOLERATE_TRUNCATED };
/* The order of the schema's choices. */
enum output_mask { MASK_NONE, MASK_CIRCLE, MASK_ELLIPSE };

enum output_frames { FRAMES_FIRST, FRAMES_ALL };
/* In the order of the schema's choices. */
enum metadata_kept {
    KEEP_ICC = 1,
    KEEP_COPYRIGHT = 2,
    KEEP_EXIF = 4,
    KEEP_GPS = 8,
    KEEP_XMP = 16,
    KEEP_IPTC = 32,
    KEEP_ALL = 64 /* strip: false: also what has no name here */
};
enum output_placeholder {
    PLACEHOLDER_THUMBHASH = 1,
    PLACEHOLDER_BLURHASH = 2,
    PLACEHOLDER_COLOUR = 4
};
enum output_target { TARGET_QUALITY, TARGET_SSIM };
enum output_chroma { CHROMA_AUTO, CHROMA_444, CHROMA_420 };
/* In the order of the schema's choices. */
enum output_compression {
    COMPRESSION_DEFLATE,
    COMPRESSION_LZW,
    COMPRESSION_ZSTD,
    COMPRESSION_JPEG,
    COMPRESSION_NONE
};

struct config_texts {
    char **entries;
    size_t count;
};

enum { CONFIG_NUMBERS_MAX = 16 };

struct config_numbers {
    double entries[CONFIG_NUMBERS_MAX];
    size_t count;
};

struct config_pairs {
    struct object_pair *entries; /* own their strings */
    size_t count;
};

struct colour {
    bool given;
    unsigned char red, green, blue;
};

enum focal_from { FOCAL_FIXED, FOCAL_METADATA, FOCAL_TAGS };

/* The point that a crop keeps. */
struct focal_config {
    double x, y; /* fractions of the upright source */
    int from;    /* enum focal_from; if not fixed: x and y are for a source without a point */
    bool given;
};

struct pad_config {
    int top, right, bottom, left; /* pixels */
};

/* A picture that is laid over the output, from a file or of a text. */
struct overlay_config {
    char *file;   /* beside the pipeline file, unless it is absolute */
    char *object; /* s3://BUCKET/KEY, or a key in the source's bucket */
    char *text, *font;
    int size; /* of the text, in pixels */
    struct colour colour;
    int gravity;  /* enum plan_gravity */
    int x, y;     /* pixels from the edges, or between tiles */
    double scale; /* width, as a part of the output's; 0: its own */
    double opacity;
    double enlarged; /* of its own size, by dpr; 0: not */
    bool tile;
    bool given;
    struct slice picture;        /* encoded; owned by the pipeline; overlay_pictures.h */
    struct pipeline_place place; /* of file or text */
};

/* What is done with the picture; zero: nothing. docs/image-operations.md describes the order. */
struct operations_config {
    int trim;      /* threshold */
    double rotate; /* degrees clockwise */
    bool flip, flop;
    int gravity; /* enum plan_gravity */
    struct focal_config focal;
    struct pad_config pad;
    double gamma; /* exponent of the light in which the picture is resized */
    bool linear;
    bool normalise, greyscale;
    struct colour tint;
    double blur, sharpen; /* sigma in pixels */
    int round;            /* radius in pixels */
    int mask;             /* enum output_mask */
    struct overlay_config overlay;
};

struct match_config {
    char *bucket; /* NULL: any */
    struct config_texts prefixes;
    struct config_texts suffixes;
};

struct output_config {
    char *key; /* a template that key_template_check accepts */
    char *bucket;
    int width, height; /* 0: not given */
    double scale;      /* 0: not given */
    int fit;           /* enum plan_fit */
    int crop;          /* enum plan_crop */
    bool enlarge;
    int format;     /* enum image_format */
    int candidates; /* of FORMAT_AUTO: bits of enum image_format */
    int max_bytes;  /* 0: any size */
    int target;     /* enum output_target */
    double ssim;
    int min_quality;
    struct operations_config operations;
    int quality; /* 0: the format's default */
    int effort;  /* -1: the format's default */
    bool progressive;
    int chroma; /* enum output_chroma */
    bool lossless;
    int near_lossless; /* -1: not given; a lower value changes more pixels */
    bool palette;
    int colours;     /* of the palette; 0: the most */
    int compression; /* enum output_compression */
    bool strip;      /* nothing is kept */
    int keep;        /* bits of enum metadata_kept */
    struct colour background;
    int frames; /* enum output_frames */
    int page;   /* from 1; 0: not given */
    struct config_numbers widths,
        dprs;                      /* output_variants.c has applied them to the members above */
    size_t entry, variant;         /* of the list in the file; among the outputs of its entry */
    double dpr;                    /* of this variant; 0: none */
    int placeholder;               /* bits of enum output_placeholder */
    char *manifest, *manifest_url; /* NULL: none */
    char *cache_control, *content_disposition, *sse, *kms_key, *storage_class, *acl;
    struct config_pairs metadata, tags;
    struct object_settings settings; /* borrow from the fields above */
    struct pipeline_place place;     /* of the key */
};

struct output_list {
    struct output_config *entries;
    size_t count;
};

/* One of the names, or a model server. */
struct labeler_config {
    char *name; /* NULL: a server */
    char *url;
    char *token_env, *token_file;
    int size; /* pixels */
    int timeout_ms;
    int concurrency;
    int response_max;            /* bytes */
    struct pipeline_place place; /* of the token's source */
};

/* In the order of the schema's choices. */
enum label_hash { LABEL_DHASH = 1, LABEL_PHASH = 2 };

struct labels_config {
    struct labeler_config labeler;
    bool tags;
    char *sidecar; /* a template, or NULL */
    char *bucket;  /* of the sidecar; NULL: the source's */
    double min_confidence;
    int hashes; /* bits of enum label_hash */
    int max;
    double rate;                      /* 0: not given */
    bool given;                       /* the pipeline has labels */
    struct pipeline_place place;      /* of the sidecar */
    struct labeler_settings settings; /* borrow from the fields above, and own the token */
    struct output_config image;       /* the JPEG for a service */
};

struct notify_config {
    char *topic, *queue, *event_bus, *url, *secret;
    bool given; /* the pipeline notifies */
    bool allow_http;
    char *subject, *message, *rejected_subject, *rejected_message; /* NULL: the default */
    int link_s;                                                    /* 0: no links */
    struct config_texts on;                                        /* empty: the default */
    struct pipeline_notify seam; /* borrows from the fields above */
    struct pipeline_place place; /* of the target */
};

struct pipeline {
    atomic_uint users;
    struct pipeline_facts facts;
    uint64_t id; /* unique in this process, also among released pipelines */
    char *file;
    struct bytes text; /* text of the file, for the decoder processes */

    char *name;
    char *queue;
    int weight;
    int visibility_s;
    int tolerate; /* enum tolerance */
    struct match_config match;
    struct output_list outputs;
    size_t manifests[PIPELINE_OUTPUTS_MAX]; /* of each, the first output that is listed in it */
    size_t manifest_count;
    struct labels_config labels;
    struct notify_config notify;
    struct bytes pictures[PIPELINE_OUTPUTS_MAX]; /* of overlays */
    size_t picture_count;
    struct pipeline_overlay overlays[PIPELINE_OUTPUTS_MAX]; /* overlay_objects.h */
    char *overlay_buckets[PIPELINE_OUTPUTS_MAX];            /* own their strings */
};

/* The sidecar's index among the outputs (struct pipeline_ops): after the images and manifests. */
size_t pipeline_sidecar_index(const struct pipeline *pipeline);

/* Whether this machine's libvips can write a format. */
typedef bool pipeline_can_write(enum image_format format);

/* The seam's load. can_write NULL: formats are not checked, and nothing here needs libvips. */
int pipeline_load_all(const char *path, pipeline_can_write *can_write, struct pipeline **out,
                      struct problem_list *problems);
/* The same from a file's text, without can_write; file is the name for the error, which is the
 * first problem. */
int pipeline_parse(const char *file, struct slice text, struct pipeline **out, struct error *error);
/* Moves the first problem to *error and clears the list. Returns the code of that problem, or 0. */
int pipeline_first_problem(struct problem_list *problems, int code, struct error *error);
struct pipeline *pipeline_retain(struct pipeline *pipeline);
void pipeline_release(struct pipeline *pipeline);
struct pipeline_output pipeline_output(const struct pipeline *pipeline, size_t index);

int pipeline_output_key(const struct pipeline *pipeline, size_t index, const char *bucket,
                        const char *key, char **out);

/* Checks a section of the schema; filled is the struct that was read. */
void pipeline_check_output(struct schema_reader *r, const struct yaml_node *node, void *filled);
void pipeline_check_labels(struct schema_reader *r, const struct yaml_node *node, void *filled);
void pipeline_check_server(struct schema_reader *r, const struct yaml_node *node, void *filled);

/* match.c */
bool pipeline_matches(const struct pipeline *pipeline, const char *bucket, const char *key);
int pipeline_check_loop(const struct pipeline *from, size_t index, const struct pipeline *to,
                        struct error *error);

#endif
