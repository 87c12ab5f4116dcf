/* Our Huffman decoder beside libjpeg's: the same coefficients, and nothing is accepted that libjpeg
 * does not accept. The files have random coefficients, with codes of each length. */
#include "pipeline_support.h"

#include "jpeg_blocks.h"
#include "jpeg_random.h"

enum { BLOCKS_MAX = 8192 };

static void slice_free(struct slice file)
{
    free((void *)(uintptr_t)file.data);
}

static void check(const struct random_jpeg *picture)
{
    struct slice file = random_jpeg_make(picture);
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
    random_begin(1);
    for (unsigned density = 0; density <= JPEG_BLOCK; density += 16) {
        for (unsigned bits = 1; bits <= 10; bits += 3) { /* baseline JPEG has no more */
            for (unsigned i = 0; i < 24; i++) {
                const int *factor = factors[i % 4];
                check(&(struct random_jpeg){sizes[i % 3], factor[0], factor[1], restarts[i / 8],
                                            density, bits, 8, 75, i % 2});
            }
        }
    }
}

/* More bytes are coded than are looked at at once, and every 256th is 0xff. */
static void large_pictures_are_read_to_their_end(void **state)
{
    (void)state;
    random_begin(2);
    check(&(struct random_jpeg){{512, 384}, 2, 2, 0, 40, 10, 8, 75, true});
    check(&(struct random_jpeg){{512, 384}, 2, 2, 32, 40, 10, 8, 75, true});
    check(&(struct random_jpeg){{512, 384}, 2, 1, 0, JPEG_BLOCK, 3, 8, 75, false});
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
        random_begin(3);
        struct slice file =
            random_jpeg_make(&(struct random_jpeg){{32, 32}, 2, 2, restart, 20, 6, 8, 75, true});
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

/* At each place, also while the 0xff are repeated that may be before a marker: reading beyond the end would
 * be detected. */
static void what_breaks_off_is_refused(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "\xff", "\xff\xff", "\xff\xff\xff"};
    random_begin(4);
    struct slice file =
        random_jpeg_make(&(struct random_jpeg){{32, 32}, 2, 2, 3, 20, 6, 8, 75, true});
    for (size_t size = 0; size <= file.size - 2; size++) { /* the end marker is not read */
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            const size_t more = strlen(ends[i]);
            char *part = malloc(size + more + 1);
            struct jpeg_blocks blocks;
            assert_non_null(part);
            memcpy(part, file.data, size);
            memcpy(part + size, ends[i], more);
            assert_false(jpeg_blocks_read((struct slice){part, size + more}, true, FEW, &blocks));
            free(part);
        }
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
