#include "jpeg_random.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "jpeg_blocks.h"

enum { COMPONENTS = 3 };

static uint64_t random_state;

void random_begin(unsigned seed)
{
    random_state = seed;
}

unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)((random_state >> 33) % limit);
}

/* All lengths are equally frequent. */
static JCOEF random_value(unsigned bits)
{
    const unsigned size = 1 + random_below(bits), top = 1U << (size - 1);
    const int value = (int)(top + random_below(top));
    return (JCOEF)(random_below(2) ? value : -value);
}

static void block_fill(JCOEF *block, const struct random_jpeg *picture)
{
    for (unsigned i = 0; i < JPEG_BLOCK; i++) {
        const bool inside = i / DCTSIZE < picture->corner && i % DCTSIZE < picture->corner;
        const bool there = random_below(JPEG_BLOCK) < picture->density && inside;
        block[i] = there ? random_value(picture->bits) : 0;
    }
}

static JDIMENSION blocks_of(JDIMENSION side, int factor, int factor_max)
{
    const JDIMENSION each = (JDIMENSION)(DCTSIZE * factor_max);
    return (side + each - 1) / each * (JDIMENSION)factor;
}

static void arrays_request(struct jpeg_compress_struct *jpeg, const struct random_jpeg *picture,
                           jvirt_barray_ptr *arrays)
{
    for (int i = 0; i < COMPONENTS; i++) {
        const jpeg_component_info *c = &jpeg->comp_info[i];
        arrays[i] = jpeg->mem->request_virt_barray(
            (j_common_ptr)jpeg, JPOOL_IMAGE, TRUE,
            blocks_of(picture->size.width, c->h_samp_factor, picture->across),
            blocks_of(picture->size.height, c->v_samp_factor, picture->down),
            (JDIMENSION)c->v_samp_factor);
    }
}

static void arrays_fill(struct jpeg_compress_struct *jpeg, const struct random_jpeg *picture,
                        jvirt_barray_ptr *arrays)
{
    for (int i = 0; i < COMPONENTS; i++) {
        const jpeg_component_info *c = &jpeg->comp_info[i];
        const JDIMENSION across = blocks_of(picture->size.width, c->h_samp_factor, picture->across);
        const JDIMENSION down = blocks_of(picture->size.height, c->v_samp_factor, picture->down);
        for (JDIMENSION y = 0; y < down; y++) {
            JBLOCKARRAY row =
                jpeg->mem->access_virt_barray((j_common_ptr)jpeg, arrays[i], y, 1, TRUE);
            for (JDIMENSION x = 0; x < across; x++)
                block_fill(row[0][x], picture);
        }
    }
}

struct slice random_jpeg_make(const struct random_jpeg *picture)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *file = NULL;
    unsigned long bytes = 0;
    jvirt_barray_ptr arrays[COMPONENTS];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file, &bytes);
    jpeg.image_width = picture->size.width;
    jpeg.image_height = picture->size.height;
    jpeg.input_components = COMPONENTS;
    jpeg.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, picture->quality, TRUE);
    jpeg.comp_info[0].h_samp_factor = picture->across;
    jpeg.comp_info[0].v_samp_factor = picture->down;
    jpeg.restart_interval = picture->restart;
    jpeg.optimize_coding = picture->own_codes;
    arrays_request(&jpeg, picture, arrays);
    jpeg_write_coefficients(&jpeg, arrays);
    arrays_fill(&jpeg, picture, arrays);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct slice){(char *)file, bytes};
}
