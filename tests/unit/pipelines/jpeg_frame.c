/* The size in a JPEG's header, and which sizes have the same blocks. */
#include "pipeline_support.h"

#include "jpeg_frame.h"

enum { FILE_MAX = 256 };

struct file {
    char bytes[FILE_MAX];
    size_t size;
};

static void add(struct file *f, const char *bytes, size_t size)
{
    assert_true(f->size + size <= sizeof f->bytes);
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

#define ADD(file, text) add(file, text, sizeof(text) - 1)

/* Three components; sampling: the factors of the first, the others have 1 x 1. */
static void add_frame(struct file *f, unsigned width, unsigned height, unsigned sampling)
{
    const char frame[] = {(char)0xff,
                          (char)0xc0,
                          0,
                          17,
                          8,
                          (char)(height >> 8),
                          (char)(height & 255),
                          (char)(width >> 8),
                          (char)(width & 255),
                          3,
                          1,
                          (char)sampling,
                          0,
                          2,
                          0x11,
                          1,
                          3,
                          0x11,
                          1};
    add(f, frame, sizeof frame);
    ADD(f, "\xff\xda\0\x08\x01\x01\0\0\x3f\0");
}

static struct file file_of(unsigned width, unsigned height, unsigned sampling)
{
    struct file f = {0};
    ADD(&f, "\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    add_frame(&f, width, height, sampling);
    return f;
}

static bool fits(const struct file *f, unsigned width, unsigned height, unsigned to_width,
                 unsigned to_height)
{
    /* exactly as long as the file, so that reading beyond it is detected */
    char *copy = malloc(f->size ? f->size : 1);
    assert_non_null(copy);
    memcpy(copy, f->bytes, f->size);
    const bool found =
        jpeg_frame_fits((struct slice){copy, f->size}, (struct plan_size){width, height},
                        (struct plan_size){to_width, to_height});
    free(copy);
    return found;
}

static void sizes_within_the_last_block_fit(void **state)
{
    (void)state;
    static const unsigned samplings[] = {0x11, 0x21, 0x12, 0x22, 0x41, 0x44};
    for (size_t i = 0; i < sizeof samplings / sizeof *samplings; i++) {
        const struct file f = file_of(1001, 9, samplings[i]);
        assert_true(fits(&f, 1001, 9, 1001, 9));
        assert_true(fits(&f, 1001, 9, 1004, 12));
        assert_true(fits(&f, 1001, 9, 1008, 16));
        assert_false(fits(&f, 1001, 9, 1009, 16));
        assert_false(fits(&f, 1001, 9, 1008, 17));
    }
}

/* With three samples for four of another component. */
static void sizes_with_more_blocks_of_a_component_do_not_fit(void **state)
{
    (void)state;
    struct file odd = {0};
    ADD(&odd, "\xff\xd8\xff\xc0\0\x0e\x08\0\x09\0\x09\x02\x01\x44\0\x02\x33\x01\xff\xda\0\0");
    assert_false(fits(&odd, 9, 9, 16, 16)); /* 9 * 3 / 4 is one block, 16 * 3 / 4 are two */
    assert_true(fits(&odd, 9, 9, 10, 10));
}

static void other_headers_do_not_fit(void **state)
{
    (void)state;
    const struct file whole = file_of(33, 17, 0x22);
    assert_false(fits(&whole, 32, 17, 40, 24)); /* not its size */
    assert_false(fits(&whole, 33, 16, 40, 24));
    for (size_t size = 0; size < whole.size - 10; size++) { /* without the scan */
        struct file f = whole;
        f.size = size;
        assert_false(fits(&f, 33, 17, 40, 24));
    }
    const struct file none = file_of(33, 17, 0x02); /* a component without samples */
    assert_false(fits(&none, 33, 17, 40, 24));
    const struct file large = file_of(65499, 8, 0x11);
    assert_false(fits(&large, 65499, 8, 65504, 8)); /* libjpeg refuses it */
}

/* What libjpeg skips before the header. */
static void the_header_is_found_behind_anything(void **state)
{
    (void)state;
    struct file f = {0};
    ADD(&f, "\xff\xd8\xff\xff\xff\xe1\0\x06\xff\xc0\0\x11rubbish\xff\0\xff\xd0\xff\x01\xff\xc4\0"
            "\x04\0\0");
    add_frame(&f, 33, 17, 0x22);
    assert_true(fits(&f, 33, 17, 40, 24));
    jpeg_frame_resize(f.bytes, f.size, (struct plan_size){40, 24});
    assert_true(fits(&f, 40, 24, 40, 24));
    struct file late = {0}; /* a header after the scan belongs to another picture */
    ADD(&late, "\xff\xd8\xff\xda\0\x04\0\0");
    add_frame(&late, 33, 17, 0x22);
    assert_false(fits(&late, 33, 17, 40, 24));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_within_the_last_block_fit),
        cmocka_unit_test(sizes_with_more_blocks_of_a_component_do_not_fit),
        cmocka_unit_test(other_headers_do_not_fit),
        cmocka_unit_test(the_header_is_found_behind_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
