#include "jpeg_planes.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "error.h"
#include "jpeg_huffman.h"
#include "jpeg_sparse.h"
#include "resample.h"

enum { ROWS_MAX = RESAMPLE_TURN };

/* libjpeg leaves its functions by error_exit alone, so everything that has to be released is here. */
struct planes_decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    struct resampler *resampler;
    unsigned char *samples; /* of one row of blocks, for all components */
    JSAMPROW rows[RESAMPLE_PLANES][ROWS_MAX];
    unsigned pushed[RESAMPLE_PLANES]; /* lines */
};

static struct planes_decoder *decoder_of(j_common_ptr jpeg)
{
    return jpeg->client_data;
}

static void give_up(j_common_ptr jpeg)
{
    longjmp(decoder_of(jpeg)->failed, 1);
}

/* level -1: a warning, such as one about damaged data; others are notes. */
static void take_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        give_up(jpeg);
}

static bool is_usual(const struct jpeg_decompress_struct *jpeg)
{
    return jpeg->num_components == RESAMPLE_PLANES && jpeg->jpeg_color_space == JCS_YCbCr &&
           jpeg->data_precision == 8 && !jpeg->progressive_mode && !jpeg->arith_code &&
           jpeg->comps_in_scan == RESAMPLE_PLANES;
}

static bool is_one_or_two(int factor)
{
    return factor == 1 || factor == 2;
}

/* Brightness has all samples, and colour the same number or half of it. */
static bool is_sampled_usually(const struct jpeg_decompress_struct *jpeg)
{
    const jpeg_component_info *y = jpeg->comp_info;
    bool usual = is_one_or_two(y->h_samp_factor) && is_one_or_two(y->v_samp_factor);
    for (int i = 1; i < RESAMPLE_PLANES; i++) {
        const jpeg_component_info *c = &jpeg->comp_info[i];
        usual =
            usual && c->h_samp_factor <= y->h_samp_factor && c->v_samp_factor <= y->v_samp_factor;
    }
    return usual;
}

/* Of a component, as libjpeg decodes it: the last sample of a line or column may be a part of one. */
static struct resample_source source_of(const struct jpeg_decompress_struct *jpeg,
                                        const jpeg_component_info *component)
{
    double across = (double)component->h_samp_factor / jpeg->max_h_samp_factor;
    double down = (double)component->v_samp_factor / jpeg->max_v_samp_factor;
    double scaled = (double)component->DCT_scaled_size / DCTSIZE;
    return (struct resample_source){
        .size = {component->downsampled_width, component->downsampled_height},
        .extent = {jpeg->image_width * across * scaled, jpeg->image_height * down * scaled},
        .bands = 1,
    };
}

static size_t row_bytes(const jpeg_component_info *component)
{
    size_t blocks = component->width_in_blocks + (size_t)component->h_samp_factor; /* a whole MCU */
    return blocks * (size_t)component->DCT_scaled_size;
}

static size_t row_count(const jpeg_component_info *component)
{
    return (size_t)component->v_samp_factor * (size_t)component->DCT_scaled_size;
}

static int rows_make(struct planes_decoder *d)
{
    size_t bytes = 0;
    for (int i = 0; i < RESAMPLE_PLANES; i++)
        bytes += row_bytes(&d->jpeg.comp_info[i]) * row_count(&d->jpeg.comp_info[i]);
    d->samples = malloc(bytes);
    if (!d->samples)
        return ERR_MEMORY;
    unsigned char *next = d->samples;
    for (int i = 0; i < RESAMPLE_PLANES; i++) {
        const jpeg_component_info *component = &d->jpeg.comp_info[i];
        for (size_t row = 0; row < row_count(component); row++, next += row_bytes(component))
            d->rows[i][row] = next;
    }
    return 0;
}

static int begin(struct planes_decoder *d, struct slice file, struct plan_size size,
                 unsigned shrink)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg_mem_src(jpeg, (const unsigned char *)file.data, file.size);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->image_width != size.width || jpeg->image_height != size.height || !is_usual(jpeg) ||
        !is_sampled_usually(jpeg))
        return ERR_UNSUPPORTED;
    jpeg->scale_num = 1;
    jpeg->scale_denom = shrink;
    jpeg->raw_data_out = TRUE;
    jpeg_start_decompress(jpeg);
    jpeg_huffman_use(jpeg);
    jpeg_sparse_use(jpeg);
    return 0;
}

static int resampler_make(struct planes_decoder *d, struct plan_size to, unsigned char *out)
{
    struct resample_source sources[RESAMPLE_PLANES];
    for (int i = 0; i < RESAMPLE_PLANES; i++)
        sources[i] = source_of(&d->jpeg, &d->jpeg.comp_info[i]);
    d->resampler = resampler_new_ycc(sources, to, out);
    return d->resampler ? 0 : ERR_MEMORY;
}

/* The last row of blocks reaches beyond the picture. */
static void push_rows(struct planes_decoder *d)
{
    for (size_t i = 0; i < RESAMPLE_PLANES; i++) {
        const jpeg_component_info *component = &d->jpeg.comp_info[i];
        size_t rows = row_count(component);
        for (size_t row = 0; row < rows && d->pushed[i] < component->downsampled_height; row++) {
            resampler_push_plane(d->resampler, i, d->rows[i][row]);
            d->pushed[i]++;
        }
    }
}

static int decode(struct planes_decoder *d, struct slice file, struct plan_size size,
                  unsigned shrink, struct plan_size to, unsigned char *out)
{
    if (setjmp(d->failed))
        return ERR_UNSUPPORTED;
    jpeg_create_decompress(&d->jpeg);
    int code = begin(d, file, size, shrink);
    if (code || (code = rows_make(d)) || (code = resampler_make(d, to, out)))
        return code;
    JSAMPARRAY planes[RESAMPLE_PLANES] = {d->rows[0], d->rows[1], d->rows[2]};
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        jpeg_read_raw_data(&d->jpeg, planes, ROWS_MAX);
        push_rows(d);
    }
    return 0;
}

int jpeg_planes_resize(struct slice file, struct plan_size size, unsigned shrink,
                       struct plan_size to, unsigned char *out)
{
    struct planes_decoder *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_MEMORY;
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->jpeg.client_data = d;
    d->errors.error_exit = give_up;
    d->errors.emit_message = take_message;
    int code = decode(d, file, size, shrink, to, out);
    jpeg_destroy_decompress(&d->jpeg);
    resampler_free(d->resampler);
    free(d->samples);
    free(d);
    return code;
}
