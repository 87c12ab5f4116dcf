/* Metadata that is small in the file and large in memory, in each container format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "image_metadata.h"

enum { TEXT = 4 << 20, ENTRIES = 2000, VALUE = 20000 };

/* ---- bytes ---- */

static void add(struct buffer *out, const void *data, size_t size)
{
    assert_int_equal(buffer_append(out, data, size), 0);
}

static void add_number(struct buffer *out, uint32_t value, size_t size, bool little)
{
    for (size_t i = 0; i < size; i++) {
        size_t shift = 8 * (little ? i : size - 1 - i);
        char byte = (char)(value >> shift);
        add(out, &byte, 1);
    }
}

#define ADD_TEXT(out, text) add(out, text, sizeof(text) - 1)

static void begin(struct buffer *out)
{
    buffer_init(out, 64 << 20);
}

/* Frees it. */
static void check(struct buffer *image, enum image_format format, int code)
{
    struct error error = {0};
    int got = image_check_metadata(buffer_slice(image), format, &error);
    assert_int_equal(got, code);
    if (code)
        assert_non_null(strstr(error.text, "image"));
    buffer_free(image);
}

/* Truncated at every length: whatever the result, nothing is read beyond the end. */
static void cut(const struct buffer *image, enum image_format format)
{
    struct slice all = {image->data, image->size};
    for (size_t size = 0; size < all.size; size += 1 + size / 64) {
        struct error error;
        char *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, all.data, size);
        image_check_metadata((struct slice){copy, size}, format, &error);
        free(copy);
    }
}

/* ---- PNG ---- */

static void png_begin(struct buffer *out)
{
    begin(out);
    ADD_TEXT(out, "\x89PNG\r\n\x1a\n");
}

static void png_chunk(struct buffer *out, const char *type, const void *data, size_t size)
{
    add_number(out, (uint32_t)size, 4, false);
    add(out, type, 4);
    add(out, data, size);
    ADD_TEXT(out, "crc!");
}

static void png_packed(struct buffer *out, const char *type, struct slice head, size_t size)
{
    uLongf packed_size = compressBound(size);
    char *text = calloc(1, size);
    Bytef *packed = malloc(packed_size);
    struct buffer chunk;
    assert_non_null(text);
    assert_non_null(packed);
    assert_int_equal(compress(packed, &packed_size, (Bytef *)text, size), Z_OK);
    begin(&chunk);
    add(&chunk, head.data, head.size);
    add(&chunk, packed, packed_size);
    png_chunk(out, type, chunk.data, chunk.size);
    buffer_free(&chunk);
    free(packed);
    free(text);
}

static void compressed_text_is_measured_as_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        struct slice head;
    } kinds[] = {
        {"zTXt", {"Comment\0\0", 9}},
        {"iTXt", {"XML:com.adobe.xmp\0\1\0\0\0", 22}},
        {"iTXt", {"Title\0\1\0en\0Title\0", 17}},
        {"iCCP", {"profile\0\0", 9}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (size_t count = 3; count <= 50; count += 47) {
            struct buffer image;
            png_begin(&image);
            for (size_t k = 0; k < count; k++)
                png_packed(&image, kinds[i].type, kinds[i].head, TEXT);
            assert_true(image.size < METADATA_MAX / 8);
            check(&image, FORMAT_PNG, count > 4 ? ERR_LIMIT : 0);
        }
    }
}

static void text_after_the_pixels_counts(void **state)
{
    (void)state;
    struct buffer image;
    png_begin(&image);
    png_chunk(&image, "IDAT", "", 0);
    for (int i = 0; i < 5; i++)
        png_packed(&image, "zTXt", (struct slice){"Comment\0\0", 9}, TEXT);
    check(&image, FORMAT_PNG, ERR_LIMIT);
}

static void plain_text_counts(void **state)
{
    (void)state;
    char *text = calloc(1, METADATA_MAX);
    assert_non_null(text);
    struct buffer image;
    png_begin(&image);
    png_chunk(&image, "tEXt", text, METADATA_MAX);
    check(&image, FORMAT_PNG, 0);
    png_begin(&image);
    png_chunk(&image, "iTXt", text, METADATA_MAX);
    png_chunk(&image, "tEXt", text, 1);
    check(&image, FORMAT_PNG, ERR_LIMIT);
    free(text);
}

static void chunks_are_counted_but_not_those_of_pixels(void **state)
{
    (void)state;
    struct buffer image;
    png_begin(&image);
    for (int i = 0; i <= METADATA_CHUNKS_MAX; i++)
        png_chunk(&image, "IDAT", "", 0);
    for (int i = 0; i < METADATA_CHUNKS_MAX; i++)
        png_chunk(&image, "tEXt", "a", 1);
    check(&image, FORMAT_PNG, 0);
    png_begin(&image);
    for (int i = 0; i <= METADATA_CHUNKS_MAX; i++)
        png_chunk(&image, "spAM", "", 0);
    check(&image, FORMAT_PNG, ERR_LIMIT);
}

/* ---- EXIF ---- */

/* Entries that all name the same value. */
static void exif(struct buffer *out, bool little, unsigned entries, unsigned value)
{
    unsigned begin_of_value = 8 + 2 + 12 * entries + 4;
    char *zeros = calloc(1, value);
    assert_non_null(zeros);
    add(out, little ? "II*\0" : "MM\0*", 4);
    add_number(out, 8, 4, little);
    add_number(out, entries, 2, little);
    for (unsigned i = 0; i < entries; i++) {
        add_number(out, 0x8298, 2, little);
        add_number(out, 2, 2, little);
        add_number(out, value, 4, little);
        add_number(out, begin_of_value, 4, little);
    }
    add_number(out, 0, 4, little);
    add(out, zeros, value);
    free(zeros);
}

static void exif_values_count_as_often_as_they_are_named(void **state)
{
    (void)state;
    for (int bomb = 0; bomb < 2; bomb++) {
        for (int little = 0; little < 2; little++) {
            struct buffer block, image;
            int code = bomb ? ERR_LIMIT : 0;
            unsigned entries = bomb ? ENTRIES : 40;
            begin(&block);
            ADD_TEXT(&block, "Exif\0\0");
            exif(&block, little, entries, VALUE);

            png_begin(&image);
            png_chunk(&image, "eXIf", block.data + 6, block.size - 6);
            check(&image, FORMAT_PNG, code);

            begin(&image);
            ADD_TEXT(&image, "\xff\xd8\xff\xfe\0\4ab junk \xff\xff\xe1");
            add_number(&image, (uint32_t)block.size + 2, 2, false);
            add(&image, block.data, block.size);
            ADD_TEXT(&image, "\xff\xda\0\2");
            cut(&image, FORMAT_JPEG);
            check(&image, FORMAT_JPEG, code);

            begin(&image);
            ADD_TEXT(&image, "RIFF1234WEBPVP8X\3\0\0\0abc\0EXIF");
            add_number(&image, (uint32_t)block.size, 4, true);
            add(&image, block.data, block.size);
            cut(&image, FORMAT_WEBP);
            check(&image, FORMAT_WEBP, code);

            begin(&image);
            ADD_TEXT(&image, "\0\0\0\x18"
                             "ftypheic and so on");
            add(&image, block.data, block.size);
            check(&image, FORMAT_HEIF, code);

            begin(&image);
            add(&image, block.data + 6, block.size - 6);
            cut(&image, FORMAT_TIFF);
            check(&image, FORMAT_TIFF, code);
            buffer_free(&block);
        }
    }
}

/* A directory that names itself, and blocks that begin everywhere, end. */
static void circles_end(void **state)
{
    (void)state;
    struct buffer image;
    begin(&image);
    ADD_TEXT(&image, "II*\0\x08\0\0\0\0\0\x08\0\0\0");
    check(&image, FORMAT_TIFF, 0);
    begin(&image);
    for (int i = 0; i < 1000000; i++)
        ADD_TEXT(&image, "II*\0\x08\0\0\0\xff\xff");
    check(&image, FORMAT_AVIF, ERR_LIMIT);
}

/* A TIFF image whose pixels, or layers, are one value. */
static void a_large_value_that_is_there_is_no_bomb(void **state)
{
    (void)state;
    struct buffer image;
    begin(&image);
    exif(&image, true, 1, METADATA_MAX + 1);
    check(&image, FORMAT_TIFF, 0);
}

/* Pages without entries, then one whose entries all refer to the same bytes. */
static void a_late_page_of_a_tiff_is_measured_too(void **state)
{
    (void)state;
    enum { PAGES = 70, MANY = 3000, SAME = 16384, START = 8, BARE = 6 };
    static const char zeros[SAME];
    struct error error;
    struct buffer image;
    uint32_t last = START + PAGES * BARE;
    begin(&image);
    ADD_TEXT(&image, "II*\0\x08\0\0\0");
    for (uint32_t i = 1; i <= PAGES; i++) {
        add_number(&image, 0, 2, true);
        add_number(&image, START + i * BARE, 4, true);
    }
    add_number(&image, MANY, 2, true);
    for (uint32_t i = 0; i < MANY; i++) {
        add_number(&image, 0x9000 + i, 2, true);
        add_number(&image, 7, 2, true); /* bytes */
        add_number(&image, SAME, 4, true);
        add_number(&image, last + 6 + MANY * 12, 4, true);
    }
    add_number(&image, 0, 4, true);
    add(&image, zeros, SAME);
    struct slice slice = buffer_slice(&image);
    assert_int_equal(image_check_page_metadata(slice, 0, &error), 0);
    assert_int_equal(image_check_page_metadata(slice, PAGES - 1, &error), 0);
    assert_int_equal(image_check_page_metadata(slice, PAGES, &error), ERR_LIMIT);
    assert_int_equal(image_check_page_metadata(slice, PAGES + 1, &error), 0); /* there is none */
    buffer_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_page_of_a_tiff_is_measured_too),
        cmocka_unit_test(compressed_text_is_measured_as_it_is_read),
        cmocka_unit_test(text_after_the_pixels_counts),
        cmocka_unit_test(plain_text_counts),
        cmocka_unit_test(chunks_are_counted_but_not_those_of_pixels),
        cmocka_unit_test(exif_values_count_as_often_as_they_are_named),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(a_large_value_that_is_there_is_no_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
