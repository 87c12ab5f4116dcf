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
    const struct object_pair existing[] = {{"project", "x"}, {"Label 0", "12.5"}};
    struct label_set labels = {.count = 12};
    for (size_t i = 0; i < labels.count; i++)
        snprintf(labels.entries[i].name, LABEL_NAME_MAX, "Label %zu", i);
    struct object_pair *tags;
    size_t count;
    assert_int_equal(label_tags_merge(existing, 2, &labels, &tags, &count), 0);
    assert_int_equal(count, OBJECT_TAGS_MAX);
    assert_string_equal(tags[0].name, "project");
    assert_string_equal(tags[1].name, "Label 0");
    assert_string_equal(tags[1].value, "0.0"); /* the new label's confidence, not the stale one */
    assert_string_equal(tags[9].name, "Label 8");
    pairs_free(tags, count);
}

static void tags_of_people_are_not_replaced_by_labels(void **state)
{
    (void)state;
    const struct object_pair existing[] = {
        {"Beach", "in Brittany"}, {"Dark", ""}, {"Camera", "mine"}, {"Model", "old"}};
    struct label_set labels = {
        .count = 4,
        .entries = {
            {"Beach", "", 97}, {"Dark", "", 60}, {"Camera", "Canon", 100}, {"Model", "new", 100}}};
    struct object_pair *tags;
    size_t count;
    assert_int_equal(label_tags_merge(existing, 4, &labels, &tags, &count), 0);
    assert_int_equal(count, 4);
    assert_string_equal(tags[0].value, "in Brittany");
    assert_string_equal(tags[1].value, "");
    assert_string_equal(tags[2].value, "Canon"); /* these names belong to labels with values */
    assert_string_equal(tags[3].value, "new");
    pairs_free(tags, count);
}

static void labels_are_recognised_by_their_form(void **state)
{
    (void)state;
    static const char *const confidences[] = {"0.0", "7.5", "97.3", "100.0"};
    static const char *const others[] = {"",     "97",   "97.35", "100.1", "1000.0",
                                         "-1.0", " 7.5", "7.5 ",  ".5",    "5."};
    for (size_t i = 0; i < sizeof confidences / sizeof *confidences; i++)
        assert_true(label_tag_is_label("Beach", confidences[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(label_tag_is_label("Beach", others[i]));
    assert_true(label_tag_is_label("Dominant Colour", "Blue"));
    assert_false(label_tag_is_label("dominant colour", "Blue"));
    assert_true(label_tag_fits("Ünder the sea: 50/50 @home"));
    assert_false(label_tag_fits("<img onerror>"));
    assert_false(label_tag_fits("a\nb"));
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

static void a_document_has_the_details_of_a_service(void **state)
{
    (void)state;
    struct envelope_record record = {.bucket = (char[]){"photos"}, .key = (char[]){"a.jpg"}};
    struct image_facts image = {.width = 60, .height = 40, .frames = 1, .format = "jpeg"};
    struct label_set labels = {.count = 2, .entries = {{"Car", "", 98.44}, {"Sky", "", 60}}};
    json_t *details = json_pack("[{s:[s],s:[s],s:s},{}]", "parents", "Vehicle", "aliases", "Auto",
                                "name", "not this one");
    const struct label_document document = {.record = &record,
                                            .etag = "etag",
                                            .image = &image,
                                            .labels = &labels,
                                            .labeler = "rekognition",
                                            .details = details};
    struct bytes out = {0};
    assert_int_equal(label_document_write(&document, &out), 0);
    json_t *root = json_loadb(out.data, out.size, 0, NULL);
    json_t *car = json_array_get(json_object_get(root, "labels"), 0);
    assert_string_equal(json_string_value(json_object_get(root, "labeler")), "rekognition");
    assert_string_equal(json_string_value(json_object_get(car, "name")), "Car");
    assert_string_equal(json_string_value(json_array_get(json_object_get(car, "parents"), 0)),
                        "Vehicle");
    assert_int_equal(json_object_size(json_array_get(json_object_get(root, "labels"), 1)), 2);
    json_decref(root);
    json_decref(details);
    bytes_free(&out);
}

static void tags_have_only_characters_that_s3_allows(void **state)
{
    (void)state;
    struct label_set labels = {.count = 7,
                               .entries = {{"Rock & Roll's", "", 90},
                                           {"Stra\u00dfe \u2713", "", 80},
                                           {"\u732b", "a<b>", 70},
                                           {"!?", "", 60},
                                           {"AWS:x", "", 60},
                                           {"Rock Roll(s)", "", 60},
                                           {"\U0001F408 Cat", "", 51}}};
    struct object_pair *tags;
    size_t count;
    const struct object_pair old = {"Rock Rolls", "11.0"};
    assert_int_equal(label_tags_merge(&old, 1, &labels, &tags, &count), 0);
    assert_int_equal(count, 4);
    assert_string_equal(tags[0].name, "Rock Rolls");
    assert_string_equal(tags[0].value, "90.0");
    assert_string_equal(tags[1].name, "Stra\u00dfe");
    assert_string_equal(tags[2].name, "\u732b");
    assert_string_equal(tags[2].value, "ab");
    assert_string_equal(tags[3].name, "Cat");
    pairs_free(tags, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_names_its_source_and_labels),
        cmocka_unit_test(a_document_has_the_details_of_a_service),
        cmocka_unit_test(tags_have_only_characters_that_s3_allows),
        cmocka_unit_test(tags_of_others_are_kept_and_ten_is_the_limit),
        cmocka_unit_test(tags_of_people_are_not_replaced_by_labels),
        cmocka_unit_test(labels_are_recognised_by_their_form),
        cmocka_unit_test(a_full_set_of_others_leaves_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
