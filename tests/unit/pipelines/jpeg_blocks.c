#include "jpeg_blocks.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>
/* after jpeglib.h, which it needs */
#include <jpegint.h>

#include "jpeg_huffman.h"

struct reading {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    size_t blocks_max;
    struct jpeg_blocks *out;
    JSAMPLE *samples; /* of one row of MCUs */
    JSAMPROW rows[MAX_COMPONENTS][2 * DCTSIZE];
};

static void give_up(j_common_ptr jpeg)
{
    struct reading *reading = jpeg->client_data;
    longjmp(reading->failed, 1);
}

static void take_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        give_up(jpeg);
}

static void block_keep(j_decompress_ptr jpeg, jpeg_component_info *component, JCOEFPTR coefficients,
                       JSAMPARRAY rows, JDIMENSION column)
{
    struct reading *reading = jpeg->client_data;
    struct jpeg_blocks *out = reading->out;
    (void)component;
    (void)rows;
    (void)column;
    if (out->count == reading->blocks_max)
        give_up((j_common_ptr)jpeg);
    memcpy(out->values + out->count * JPEG_BLOCK, coefficients, JPEG_BLOCK * sizeof *coefficients);
    out->count++;
}

static bool is_usual(const struct jpeg_decompress_struct *jpeg)
{
    bool usual = jpeg->num_components == jpeg->comps_in_scan && !jpeg->progressive_mode &&
                 !jpeg->arith_code && jpeg->data_precision == 8;
    for (int i = 0; i < jpeg->num_components; i++)
        usual = usual && jpeg->comp_info[i].v_samp_factor <= 2;
    return usual;
}

static void rows_make(struct reading *reading)
{
    const struct jpeg_decompress_struct *jpeg = &reading->jpeg;
    const size_t width = ((size_t)jpeg->image_width + 2 * DCTSIZE) * 4;
    reading->samples = malloc(width);
    for (int i = 0; reading->samples && i < jpeg->num_components; i++) {
        for (int row = 0; row < 2 * DCTSIZE; row++)
            reading->rows[i][row] = reading->samples; /* block_keep writes nothing */
    }
    if (!reading->samples)
        give_up((j_common_ptr)&reading->jpeg);
}

static bool read_all(struct reading *reading, struct slice file, bool ours)
{
    struct jpeg_decompress_struct *jpeg = &reading->jpeg;
    if (setjmp(reading->failed))
        return false;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, (const unsigned char *)file.data, file.size);
    jpeg_read_header(jpeg, TRUE);
    if (!is_usual(jpeg))
        return false;
    jpeg->raw_data_out = TRUE;
    jpeg_start_decompress(jpeg);
    if (ours)
        jpeg_huffman_use(jpeg);
    for (int i = 0; i < jpeg->num_components; i++)
        jpeg->idct->inverse_DCT[i] = block_keep;
    rows_make(reading);
    JSAMPARRAY planes[MAX_COMPONENTS];
    for (int i = 0; i < MAX_COMPONENTS; i++)
        planes[i] = reading->rows[i];
    while (jpeg->output_scanline < jpeg->output_height)
        jpeg_read_raw_data(jpeg, planes, 2 * DCTSIZE);
    return true;
}

bool jpeg_blocks_read(struct slice file, bool ours, size_t blocks_max, struct jpeg_blocks *out)
{
    struct reading *reading = calloc(1, sizeof *reading);
    *out = (struct jpeg_blocks){malloc(blocks_max * JPEG_BLOCK * sizeof *out->values), 0};
    bool read = false;
    if (reading && out->values) {
        reading->jpeg.err = jpeg_std_error(&reading->errors);
        reading->jpeg.client_data = reading;
        reading->errors.error_exit = give_up;
        reading->errors.emit_message = take_message;
        reading->blocks_max = blocks_max;
        reading->out = out;
        read = read_all(reading, file, ours);
        jpeg_destroy_decompress(&reading->jpeg);
        free(reading->samples);
    }
    free(reading);
    if (!read) {
        free(out->values);
        *out = (struct jpeg_blocks){NULL, 0};
    }
    return read;
}

bool jpeg_blocks_same(const struct jpeg_blocks *a, const struct jpeg_blocks *b)
{
    return a->count == b->count &&
           !memcmp(a->values, b->values, a->count * JPEG_BLOCK * sizeof *a->values);
}
