/* The stored forms of labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "label_document.h"

static void pairs_free(struct object_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)pairs[i].name);
        free((char *)(uintptr_t)pairs[i].value);
    }
    free(pairs);
}

static void a_document_names_its_source_and_labels(void **state)
{
    (void)state;
    struct envelope_record record = {.bucket = (char[]){"photos"}, .key = (char[]){"a \"b\".jpg"}};
    struct image_facts image = {.width = 6000, .height = 4000, .frames = 1, .format = "jpeg"};
    struct label_set labels = {.count = 2};
    labels.entries[0] = (struct label){"Landscape", "", 100};
    labels.entries[1] = (struct label){"Camera", "Example 5", 99.96};
    const struct label_document document = {
        .record = &record, .etag = "etag", .image = &image, .labels = &labels};
    struct bytes out = {0}, again = {0};
    assert_int_equal(label_document_write(&document, &out), 0);
    assert_int_equal(label_document_write(&document, &again), 0);
    assert_int_equal(out.size, again.size);
    assert_memory_equal(out.data, again.data, out.size);

    json_t *root = json_loadb(out.data, out.size, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(root, "key")), "a \"b\".jpg");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "image"), "width")),
                     6000);
    json_t *camera = json_array_get(json_object_get(root, "labels"), 1);
    assert_string_equal(json_string_value(json_object_get(camera, "value")), "Example 5");
    assert_float_equal(json_number_value(json_object_get(camera, "confidence")), 100.0, 0.01);
    json_decref(root);
    bytes_free(&out);
    bytes_free(&again);
}

static void tags_of_others_are_kept_and_ten_is_the_limit(void **state)
{
    (void)state;
    const struct object_pair existing[] = {{"project", "x"}, {"Label 0", "stale"}};
    struct label_set labels = {.count = 12};
    for (size_t i = 0; i < labels.count; i++)
        snprintf(labels.entries[i].name, LABEL_NAME_MAX, "Label %zu", i);
    struct object_pair *tags;
    size_t count;
    assert_int_equal(label_tags_merge(existing, 2, &labels, &tags, &count), 0);
    assert_int_equal(count, OBJECT_TAGS_MAX);
    assert_string_equal(tags[0].name, "project");
    assert_string_equal(tags[1].name, "Label 0");
    assert_string_equal(tags[1].value, "0.0"); /* the new label's confidence, not the stale value */
    assert_string_equal(tags[9].name, "Label 8");
    pairs_free(tags, count);
}

static void a_full_set_of_others_leaves_no_room(void **state)
{
    (void)state;
    struct object_pair existing[OBJECT_TAGS_MAX];
    char names[OBJECT_TAGS_MAX][8];
    for (size_t i = 0; i < OBJECT_TAGS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "t%zu", i);
        existing[i] = (struct object_pair){names[i], "v"};
    }
    struct label_set labels = {.count = 1, .entries = {{"Landscape", "", 100}}};
    struct object_pair *tags;
    size_t count;
    assert_int_equal(label_tags_merge(existing, OBJECT_TAGS_MAX, &labels, &tags, &count), 0);
    assert_int_equal(count, OBJECT_TAGS_MAX);
    assert_string_equal(tags[9].name, "t9");
    pairs_free(tags, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_names_its_source_and_labels),
        cmocka_unit_test(tags_of_others_are_kept_and_ten_is_the_limit),
        cmocka_unit_test(a_full_set_of_others_leaves_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
