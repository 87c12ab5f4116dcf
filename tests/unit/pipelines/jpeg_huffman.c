/* Our Huffman decoder beside libjpeg's: the same coefficients, and nothing is accepted that libjpeg
 * does not accept. The files have random coefficients, with codes of each length. */
#include "pipeline_support.h"

#include <stdio.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "jpeg_blocks.h"
#include "plan.h"

enum { BLOCKS_MAX = 8192, COMPONENTS = 3 };

struct picture {
    struct plan_size size;
    int across, down; /* sampling factors of the first component */
    unsigned restart; /* MCUs between restart markers */
    unsigned density; /* coefficients that are not 0, of 64 */
    unsigned bits;    /* of a coefficient, at most */
    bool own_codes;   /* instead of those of the standard */
};

static uint64_t random_state;

static unsigned random_below(unsigned limit)
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

static void block_fill(JCOEF *block, const struct picture *picture)
{
    for (unsigned i = 0; i < JPEG_BLOCK; i++) {
        bool there = random_below(JPEG_BLOCK) < picture->density;
        block[i] = there ? random_value(picture->bits) : 0;
    }
}

static JDIMENSION blocks_of(JDIMENSION side, int factor, int factor_max)
{
    const JDIMENSION each = (JDIMENSION)(DCTSIZE * factor_max);
    return (side + each - 1) / each * (JDIMENSION)factor;
}

static void arrays_request(struct jpeg_compress_struct *jpeg, const struct picture *picture,
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

static void arrays_fill(struct jpeg_compress_struct *jpeg, const struct picture *picture,
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

static struct slice jpeg_of(const struct picture *picture)
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

static void slice_free(struct slice file)
{
    free((void *)(uintptr_t)file.data);
}

static void check(const struct picture *picture)
{
    struct slice file = jpeg_of(picture);
    struct jpeg_blocks ours, theirs;
    assert_true(jpeg_blocks_read(file, false, BLOCKS_MAX, &theirs));
    assert_true(jpeg_blocks_read(file, true, BLOCKS_MAX, &ours));
    if (!jpeg_blocks_same(&ours, &theirs))
        fail_msg("%u × %u, %d × %d, restart %u, density %u, bits %u", picture->size.width,
                 picture->size.height, picture->across, picture->down, picture->restart,
                 picture->density, picture->bits);
    free(ours.values);
    free(theirs.values);
    slice_free(file);
}

static void each_coefficient_is_that_of_libjpeg(void **state)
{
    (void)state;
    static const int factors[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}};
    static const unsigned restarts[] = {0, 1, 5};
    static const struct plan_size sizes[] = {{1, 1}, {33, 17}, {200, 120}};
    random_state = 1;
    for (unsigned density = 0; density <= JPEG_BLOCK; density += 16) {
        for (unsigned bits = 1; bits <= 10; bits += 3) { /* baseline JPEG has no more */
            for (unsigned i = 0; i < 24; i++) {
                const int *factor = factors[i % 4];
                check(&(struct picture){sizes[i % 3], factor[0], factor[1], restarts[i / 8],
                                        density, bits, i % 2});
            }
        }
    }
}

/* More bytes are coded than are looked at at once, and every 256th is 0xff. */
static void large_pictures_are_read_to_their_end(void **state)
{
    (void)state;
    random_state = 2;
    check(&(struct picture){{512, 384}, 2, 2, 0, 40, 10, true});
    check(&(struct picture){{512, 384}, 2, 2, 32, 40, 10, true});
    check(&(struct picture){{512, 384}, 2, 1, 0, JPEG_BLOCK, 3, false});
}

enum { FEW = 64 };

static bool is_accepted_rightly(struct slice file)
{
    struct jpeg_blocks ours, theirs;
    if (!jpeg_blocks_read(file, true, FEW, &ours))
        return true;
    bool right = jpeg_blocks_read(file, false, FEW, &theirs) && jpeg_blocks_same(&ours, &theirs);
    free(ours.values);
    free(theirs.values);
    return right;
}

/* Each bit changed, and each byte left out or followed by another. */
static void what_is_damaged_is_refused_or_read_as_by_libjpeg(void **state)
{
    (void)state;
    for (unsigned restart = 0; restart <= 2; restart++) {
        random_state = 3;
        struct slice file = jpeg_of(&(struct picture){{32, 32}, 2, 2, restart, 20, 6, true});
        char *changed = malloc(file.size + 1);
        assert_non_null(changed);
        for (size_t at = 0; at < file.size; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                memcpy(changed, file.data, file.size);
                changed[at] = (char)(changed[at] ^ (1 << bit));
                assert_true(is_accepted_rightly((struct slice){changed, file.size}));
            }
            memcpy(changed + at, file.data + at + 1, file.size - at - 1);
            assert_true(is_accepted_rightly((struct slice){changed, file.size - 1}));
            memcpy(changed, file.data, at + 1);
            memcpy(changed + at + 1, file.data + at, file.size - at);
            assert_true(is_accepted_rightly((struct slice){changed, file.size + 1}));
        }
        free(changed);
        slice_free(file);
    }
}

/* At each place: reading beyond the end would be detected. */
static void what_breaks_off_is_refused(void **state)
{
    (void)state;
    random_state = 4;
    struct slice file = jpeg_of(&(struct picture){{32, 32}, 2, 2, 3, 20, 6, true});
    for (size_t size = 0; size < file.size - 2; size++) { /* the end marker is not read */
        char *part = malloc(size + 1);
        struct jpeg_blocks blocks;
        assert_non_null(part);
        memcpy(part, file.data, size);
        assert_false(jpeg_blocks_read((struct slice){part, size}, true, FEW, &blocks));
        free(part);
    }
    slice_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_coefficient_is_that_of_libjpeg),
        cmocka_unit_test(large_pictures_are_read_to_their_end),
        cmocka_unit_test(what_is_damaged_is_refused_or_read_as_by_libjpeg),
        cmocka_unit_test(what_breaks_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
