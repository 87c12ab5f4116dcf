/* What a dead letter says about itself, the filters over that, and reading an engine's metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dead_letter_facts.h"
#include "engine_probe.h"

static char *literal(const char *text)
{
    return (char *)(uintptr_t)text;
}

static enum queue_relation compare(const char *name, const char *other)
{
    const char *colon = strrchr(other, ':');
    return strcmp(name, colon ? colon + 1 : other) == 0 ? QUEUES_MAY_BE_ONE : QUEUES_DIFFER;
}

static const struct dead_letter_origin origin = {"web", "web-queue"};
static const struct dead_letter_origins origins = {&origin, 1, compare};

static struct queue_message message(const char *body, struct queue_attribute *attributes,
                                    size_t count)
{
    return (struct queue_message){.id = literal("id-1"),
                                  .body = literal(body),
                                  .body_size = strlen(body),
                                  .attributes = attributes,
                                  .attribute_count = count,
                                  .sent_ms = 1000,
                                  .receive_count = 1};
}

static bool passes(const struct dead_letter_filter *filter, const struct queue_message *m,
                   int64_t now_ms)
{
    struct dead_letter_facts facts;
    dead_letter_facts_read(m, &origins, &facts);
    const bool result = dead_letter_filter_passes(filter, m, &facts, now_ms);
    dead_letter_facts_clear(&facts);
    return result;
}

static void the_engine_gives_reasons(void **state)
{
    (void)state;
    struct queue_attribute attributes[] = {
        {literal("ThumbwheelReason"), literal("String"), literal("image-corrupt")},
        {literal("ThumbwheelPipeline"), literal("String"), literal("mobile")},
        {literal("ThumbwheelMessageId"), literal("String"), literal("id-0")}};
    struct queue_message m = message("{\"bucket\":\"b\",\"key\":\"in/a.jpg\"}", attributes, 3);
    struct dead_letter_facts facts;
    dead_letter_facts_read(&m, &origins, &facts);
    assert_string_equal(facts.reason, "image-corrupt");
    assert_string_equal(facts.pipeline, "mobile");
    assert_string_equal(facts.bucket, "b");
    assert_string_equal(facts.key, "in/a.jpg");
    assert_int_equal(facts.record_count, 1);
    dead_letter_facts_clear(&facts);
}

/* It may have been rejected once, and moved back with the engine's attributes. */
static void the_redrive_policy_is_a_reason_of_its_own(void **state)
{
    (void)state;
    struct queue_attribute old = {literal("ThumbwheelReason"), literal("String"),
                                  literal("image-corrupt")};
    struct queue_message m = message("{}", &old, 1);
    m.source_arn = literal("arn:aws:sqs:eu-central-1:123456789012:web-queue");
    struct dead_letter_facts facts;
    dead_letter_facts_read(&m, &origins, &facts);
    assert_string_equal(facts.reason, DEAD_LETTER_RECEIVES);
    assert_string_equal(facts.pipeline, "web");
    assert_null(facts.key);
    dead_letter_facts_clear(&facts);
}

static void a_pointer_is_not_a_photo(void **state)
{
    (void)state;
    struct queue_attribute size = {literal("ExtendedPayloadSize"), literal("Number"),
                                   literal("300000")};
    struct queue_message m = message("[\"software.amazon.payloadoffloading.PayloadS3Pointer\","
                                     "{\"s3BucketName\":\"payloads\",\"s3Key\":\"in/x\"}]",
                                     &size, 1);
    struct dead_letter_facts facts;
    dead_letter_facts_read(&m, &origins, &facts);
    assert_true(facts.pointer);
    assert_string_equal(facts.bucket, "payloads");
    dead_letter_facts_clear(&facts);
    assert_false(passes(&(struct dead_letter_filter){.key = "in/"}, &m, 2000));
}

static void filters_are_conditions_of_all(void **state)
{
    (void)state;
    char *ids[] = {literal("show"), literal("id-1")};
    const struct text_list list = {ids, 2};
    struct queue_attribute reason = {literal("ThumbwheelReason"), literal("String"),
                                     literal("image-corrupt")};
    struct queue_message m = message("{\"bucket\":\"b\",\"key\":\"in/x/a.jpg\"}", &reason, 1);
    const struct {
        struct dead_letter_filter filter;
        bool passes;
    } cases[] = {
        {{0}, true},
        {{.reason = "image-corrupt"}, true},
        {{.reason = "image"}, false},
        {{.reason = "image*"}, true},
        {{.key = "in/"}, true},
        {{.key = "x/"}, false},
        {{.key = "*/a.jp?"}, true},
        {{.key = "in/*.png"}, false},
        {{.pipeline = "web"}, false}, /* it is not known */
        {{.older_ms = 999}, true},
        {{.older_ms = 1000}, false},
        {{.ids = &list, .first_id = 1}, true},
        {{.ids = &list, .first_id = 2}, true}, /* there are none */
        {{.reason = "image*", .key = "in/", .ids = &list}, true},
        {{.reason = "image*", .key = "out/", .ids = &list}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(passes(&cases[i].filter, &m, 2000), cases[i].passes);
    assert_true(dead_letter_filter_is_open(&cases[0].filter));
    assert_true(dead_letter_filter_is_open(&cases[12].filter));
    assert_false(dead_letter_filter_is_open(&cases[11].filter));
}

static void an_unknown_age_is_not_old(void **state)
{
    (void)state;
    struct queue_message m = message("x", NULL, 0);
    m.sent_ms = 0;
    assert_false(passes(&(struct dead_letter_filter){.older_ms = 1}, &m, 1000000));
}

static void metrics_are_summed_by_family_and_label(void **state)
{
    (void)state;
    const struct slice page = slice_of("# TYPE a counter\na{x=\"1\",y=\"2\"} 3\na{x=\"2\"} 4.5\n"
                                       "ab 100\na_total 7\nb 9");
    assert_true(engine_metric_sum(page, "a", "") == 7.5);
    assert_true(engine_metric_sum(page, "a", "x=\"1\"") == 3);
    assert_true(engine_metric_sum(page, "b", "") == 9);
    assert_true(engine_metric_sum(page, "c", "") < 0);
    assert_true(engine_metric_sum(slice_of(NULL), "a", "") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_gives_reasons),
        cmocka_unit_test(the_redrive_policy_is_a_reason_of_its_own),
        cmocka_unit_test(a_pointer_is_not_a_photo),
        cmocka_unit_test(filters_are_conditions_of_all),
        cmocka_unit_test(an_unknown_age_is_not_old),
        cmocka_unit_test(metrics_are_summed_by_family_and_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
