/* What is kept of a labeling service's response, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "label_reply.h"

static const struct label_members members = {
    .name = "name",
    .confidence = "confidence",
    .parents = "parents",
    .aliases = "aliases",
    .categories = "categories",
    .instances = "instances",
    .left = "left",
    .top = "top",
    .width = "width",
    .height = "height",
};
static const struct labeler_settings settings = {.min_confidence = 50, .max = 3};

static int read_text(const char *text, struct label_reply *out)
{
    const char *flaw;
    json_t *labels = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(labels);
    int code = label_reply_read(labels, &members, &settings, out, &flaw);
    json_decref(labels);
    assert_true(!code == !*flaw);
    return code;
}

static void the_best_labels_are_kept_in_order(void **state)
{
    (void)state;
    struct label_reply reply;
    assert_int_equal(
        read_text("[{\"name\":\"a\",\"confidence\":50},{\"name\":\"b\",\"confidence\":9},"
                  "{\"name\":\"c\",\"confidence\":90.5,\"parents\":[\"p\",{\"name\":\"q\"}],"
                  "\"more\":1},{\"name\":\"d\",\"confidence\":50},"
                  "{\"name\":\"e\",\"confidence\":50}]",
                  &reply),
        0);
    assert_int_equal(reply.labels.count, 3);
    assert_string_equal(reply.labels.entries[0].name, "c");
    assert_string_equal(reply.labels.entries[1].name, "a");
    assert_string_equal(reply.labels.entries[2].name, "d");
    assert_int_equal(json_array_size(reply.details), 3);
    json_t *parents = json_object_get(json_array_get(reply.details, 0), "parents");
    assert_string_equal(json_string_value(json_array_get(parents, 1)), "q");
    assert_int_equal(json_object_size(json_array_get(reply.details, 0)), 1);
    assert_int_equal(json_object_size(json_array_get(reply.details, 1)), 0);
    json_decref(reply.details);
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    struct label_reply reply;
    const char *flaw;
    json_t *names = json_array(), *boxes = json_array();
    for (int i = 0; i < 2 * REPLY_INSTANCES_MAX; i++) {
        json_array_append_new(names, json_string("n"));
        json_array_append_new(boxes, json_pack("{s:f,s:f,s:f,s:i}", "left", 0.1, "top", -0.01,
                                               "width", 1.0, "height", 1));
    }
    json_t *labels = json_pack("[{s:s,s:i,s:o,s:o}]", "name", "a", "confidence", 60, "aliases",
                               names, "instances", boxes);
    assert_int_equal(label_reply_read(labels, &members, &settings, &reply, &flaw), 0);
    json_t *details = json_array_get(reply.details, 0);
    assert_int_equal(json_array_size(json_object_get(details, "aliases")), REPLY_NAMES_MAX);
    assert_int_equal(json_array_size(json_object_get(details, "instances")), REPLY_INSTANCES_MAX);
    json_decref(labels);
    json_decref(reply.details);
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1",
        "{}",
        "[1]",
        "[{\"confidence\":60}]",
        "[{\"name\":\"a\"}]",
        "[{\"name\":\"\",\"confidence\":60}]",
        "[{\"name\":1,\"confidence\":60}]",
        "[{\"name\":\"a\\u0007\",\"confidence\":60}]",
        "[{\"name\":\"a\\u007f\",\"confidence\":60}]",
        "[{\"name\":\"a\\u0090\",\"confidence\":60}]",
        "[{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\","
        "\"confidence\":60}]",
        "[{\"name\":\"a\",\"confidence\":\"60\"}]",
        "[{\"name\":\"a\",\"confidence\":-1}]",
        "[{\"name\":\"a\",\"confidence\":100.1}]",
        "[{\"name\":\"a\",\"confidence\":60,\"parents\":\"b\"}]",
        "[{\"name\":\"a\",\"confidence\":60,\"parents\":[1]}]",
        "[{\"name\":\"a\",\"confidence\":60,\"aliases\":[{}]}]",
        "[{\"name\":\"a\",\"confidence\":60,\"categories\":[\"\\n\"]}]",
        "[{\"name\":\"a\",\"confidence\":60,\"instances\":[1]}]",
        "[{\"name\":\"a\",\"confidence\":60,\"instances\":[{\"left\":0,\"top\":0,\"width\":9,"
        "\"height\":1}]}]",
        /* a label that would not be kept anyway */
        "[{\"name\":\"a\",\"confidence\":60},{\"name\":\"b\\n\",\"confidence\":1}]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct label_reply reply;
        if (read_text(texts[i], &reply) != ERR_PROTOCOL)
            fail_msg("%s was accepted", texts[i]);
        assert_null(reply.details);
        assert_int_equal(reply.labels.count, 0);
    }
}

static void more_labels_than_any_service_has_are_refused(void **state)
{
    (void)state;
    struct label_reply reply;
    const char *flaw;
    json_t *labels = json_array();
    for (int i = 0; i < REPLY_LABELS_MAX; i++)
        json_array_append_new(labels, json_pack("{s:s,s:i}", "name", "a", "confidence", i % 101));
    assert_int_equal(label_reply_read(labels, &members, &settings, &reply, &flaw), 0);
    assert_int_equal(reply.labels.count, 3);
    assert_true(reply.labels.entries[2].confidence == 100);
    json_decref(reply.details);
    json_array_append_new(labels, json_pack("{s:s,s:i}", "name", "a", "confidence", 1));
    assert_int_equal(label_reply_read(labels, &members, &settings, &reply, &flaw), ERR_PROTOCOL);
    json_decref(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_labels_are_kept_in_order),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(more_labels_than_any_service_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
