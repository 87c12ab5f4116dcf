/* Keys of outputs from templates. */
#include "pipeline_support.h"

#include "key_template.h"
#include "object_store.h"

static const struct {
    const char *template, *key, *expected;
} cases[] = {
    {"web/WebImage-{name}", "ingest/a.jpg", "web/WebImage-a.jpg"},
    {"{bucket}/{pipeline}/{width}x{height}", "a", "photos/web/640x480"},
    {"{stem}.{ext}", "ingest/holiday.JPG", "holiday.webp"},
    {"{stem}.{ext}", "archive.tar.gz", "archive.tar.webp"},
    {"{stem}", "no-extension", "no-extension"},
    {"{stem}", "a.b/no-extension", "no-extension"},
    {"{stem}", "dir/.hidden", ".hidden"},
    {"w/W-{image}", "ingest/cat.webp", "w/W-cat.webp"},
    {"w/W-{image}", "ingest/cat.WEBP", "w/W-cat.WEBP"},
    {"w/W-{image}", "ingest/cat.png", "w/W-cat.png.webp"},
    {"w/W-{image}", "a.webp/cat", "w/W-cat.webp"},
    {"w/W-{image}", "a/webp", "w/W-webp.webp"},
    {"w/W-{image}", "a/.webp", "w/W-.webp.webp"},
    {"w/W-{image}", "a/cat.", "w/W-cat..webp"},
    {"w/W-{image}", "a/cat.v1.2", "w/W-cat.v1.2.webp"},
    {"{key}.webp", "a/b/c.png", "a/b/c.png.webp"},
    {"{dir}/x", "a/b/c.png", "a/b/x"},
    {"{dir}/x", "c.png", "x"},
    {"{dir}/{dir}/x", "c.png", "x"},
    {"out/{dir}/x", "c.png", "out/x"},
    {"out-{dir}/x", "c.png", "out-/x"},
    {"{dir}", "a/b", "a"},
    {"{name}", "東京 夜景+%.jpg", "東京 夜景+%.jpg"},
    {"plain", "a", "plain"},
};

static void templates_become_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct key_values values = {.bucket = "photos",
                                    .key = cases[i].key,
                                    .pipeline = "web",
                                    .ext = "webp",
                                    .width = 640,
                                    .height = 480};
        struct error error = {0};
        char *key = NULL;
        assert_int_equal(key_template_check(cases[i].template, &error), 0);
        assert_int_equal(key_template_expand(cases[i].template, &values, &key, &error), 0);
        assert_string_equal(key, cases[i].expected);
        free(key);
    }
}

/* JPEG and TIFF have several extensions, each of which says what the file is. */
static void an_image_keeps_any_extension_of_its_format(void **state)
{
    (void)state;
    static const struct {
        const char *key, *ext, *expected;
    } names[] = {{"a.jpg", "jpg", "a.jpg"},       {"a.JPG", "jpg", "a.JPG"},
                 {"a.jpeg", "jpg", "a.jpeg"},     {"a.JFIF", "jpg", "a.JFIF"},
                 {"a.gif", "jpg", "a.gif.jpg"},   {"a.heic", "jpg", "a.heic.jpg"},
                 {"a", "jpg", "a.jpg"},           {"a.png.jpg", "jpg", "a.png.jpg"},
                 {"a.tiff", "tif", "a.tiff"},     {"a.tif", "tif", "a.tif"},
                 {"a.jpg", "json", "a.jpg.json"}, {"a.json", "json", "a.json.json"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct key_values values = {.bucket = "b", .key = names[i].key, .ext = names[i].ext};
        struct error error = {0};
        char *key = NULL;
        assert_int_equal(key_template_expand("{image}", &values, &key, &error), 0);
        assert_string_equal(key, names[i].expected);
        free(key);
    }
}

static void a_key_is_at_most_as_long_as_s3_allows(void **state)
{
    (void)state;
    char source[OBJECT_KEY_MAX + 1];
    struct key_values values = {.bucket = "b", .key = source, .pipeline = "p", .ext = "jpg"};
    struct error error = {0};
    char *key = NULL;
    memset(source, 'a', OBJECT_KEY_MAX);
    source[OBJECT_KEY_MAX] = '\0';
    assert_int_equal(key_template_expand("{key}", &values, &key, &error), 0);
    assert_int_equal(strlen(key), OBJECT_KEY_MAX);
    free(key);
    assert_int_equal(key_template_expand("x{key}", &values, &key, &error), ERR_NAME_TOO_LONG);
    assert_null(key);
    assert_non_null(strstr(error.text, "1024"));
}

static void an_empty_key_is_refused(void **state)
{
    (void)state;
    struct key_values values = {.bucket = "b", .key = "top.jpg", .pipeline = "p", .ext = "jpg"};
    struct error error = {0};
    char *key = NULL;
    assert_int_equal(key_template_expand("{dir}", &values, &key, &error), ERR_INVALID);
    assert_null(key);
}

static void wrong_templates_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",         "{",         "}",           "a}",       "{name", "{{name}}", "{}", "{Name}",
        "{a{name}", "../{name}", "a/../{name}", "./{name}", "a/..",  "/{name}",  "."};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error error = {0};
        assert_int_equal(key_template_check(wrong[i], &error), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_become_keys),
        cmocka_unit_test(an_image_keeps_any_extension_of_its_format),
        cmocka_unit_test(a_key_is_at_most_as_long_as_s3_allows),
        cmocka_unit_test(an_empty_key_is_refused),
        cmocka_unit_test(wrong_templates_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
