/* What notifications contain: identifiers, documents, subjects and texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify_content.h"
#include "text_template.h"

/* The record's members are not const, because a parsed one owns its strings. */
static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static struct pipeline_notify notify;
static struct envelope_record record;
static struct rendition renditions[2];
static struct render_item item;
static struct notify_facts facts;
static bool no_credentials;

static int64_t credentials_expire_s;

static int presign(struct object_store *store, const struct object_presign *what, char **url,
                   struct object_validity *valid, struct error *error)
{
    (void)store;
    if (no_credentials)
        return error_set(error, ERR_CREDENTIALS, "no credentials");
    assert_string_equal(what->method, "GET");
    assert_true(
        asprintf(url, "https://%s/%s?%u", what->name.bucket, what->name.key, what->expires_s) > 0);
    *valid = (struct object_validity){facts.now_s + what->expires_s, credentials_expire_s};
    return 0;
}

static int setup(void **state)
{
    static const struct object_store_ops ops = {.presign = presign};
    static struct object_store store = {&ops};
    (void)state;
    no_credentials = false;
    credentials_expire_s = 0;
    notify = (struct pipeline_notify){.kind = NOTIFY_TOPIC, .target = "topic", .link_s = 3600};
    record = (struct envelope_record){
        .bucket = text("photos"), .key = text("in/cat 1.jpg"), .etag = text("etag")};
    renditions[0] = (struct rendition){.key = text("web/cat.png"),
                                       .bucket = text("thumbs"),
                                       .content_type = "image/png",
                                       .body = {.size = 123},
                                       .width = 64,
                                       .height = 48};
    renditions[1] = renditions[0];
    renditions[1].bucket = NULL;
    renditions[1].key = text("web/cat2.png");
    item = (struct render_item){.renditions = renditions, .rendition_count = 2};
    item.labels.entries[0] = (struct label){"Colour", "Blue", 71.25};
    item.labels.count = 1;
    facts = (struct notify_facts){.notify = &notify,
                                  .pipeline = "web",
                                  .record = &record,
                                  .item = &item,
                                  .store = &store,
                                  .now_s = 1764417600};
    return 0;
}

static struct notify_content content;

static void write_content(void)
{
    struct error error = {0};
    notify_content_clear(&content);
    assert_int_equal(notify_content_write(&facts, &content, &error), 0);
}

static int teardown(void **state)
{
    (void)state;
    notify_content_clear(&content);
    return 0;
}

static void assert_text(const char *message, const char *expected)
{
    notify.message = message;
    write_content();
    assert_string_equal(content.text, expected);
}

static void assert_subject(const char *subject, const char *expected)
{
    notify.subject = subject;
    write_content();
    assert_string_equal(content.subject, expected);
    assert_true(strlen(content.subject) <= NOTIFY_SUBJECT_MAX);
}

/* ---- identifiers ---- */

static void id_of(char out[NOTIFY_ID_SIZE])
{
    write_content();
    memcpy(out, content.id, NOTIFY_ID_SIZE);
}

static void the_identifier_is_that_of_a_version_and_an_outcome(void **state)
{
    (void)state;
    char first[NOTIFY_ID_SIZE], again[NOTIFY_ID_SIZE], group[NOTIFY_GROUP_SIZE];
    id_of(first);
    memcpy(group, content.group, sizeof group);
    facts.now_s++;
    facts.etag = "of the response";
    renditions[0].body.size = 7;
    id_of(again);
    assert_string_equal(first, again); /* nothing that may differ between two deliveries counts */

    struct envelope_record kept = record;
    char others[5][NOTIFY_ID_SIZE];
    record.etag = text("other");
    id_of(others[0]);
    record = kept;
    record.version = text("v2");
    id_of(others[1]);
    record = kept;
    facts.pipeline = "mobile";
    id_of(others[2]);
    facts.pipeline = "web";
    facts.reason = facts.detail = "corrupt";
    id_of(others[3]);
    facts.reason = NULL;
    assert_string_equal(content.group, group);
    record.key = text("in/cat 2.jpg");
    id_of(others[4]);
    assert_string_not_equal(content.group, group);
    for (size_t i = 0; i < 5; i++) {
        assert_string_not_equal(others[i], first);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(others[i], others[j]);
    }
}

static void without_version_and_etag_the_fetched_one_counts(void **state)
{
    (void)state;
    char first[NOTIFY_ID_SIZE], other[NOTIFY_ID_SIZE];
    record.etag = NULL;
    facts.etag = "one";
    id_of(first);
    facts.etag = "two";
    id_of(other);
    assert_string_not_equal(first, other);
    facts.etag = NULL; /* of an object that is missing */
    id_of(other);
}

/* ---- documents ---- */

static void the_document_of_a_done_photo(void **state)
{
    (void)state;
    record.version = text("v1");
    item.sidecar_key = text("tags/cat.json");
    write_content();
    json_t *root = json_loads(content.document, 0, NULL);
    json_t *expected = json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:[{s:s, s:s, s:s, s:s, s:i, s:i, s:i}, "
        "{s:s, s:s, s:s, s:s, s:i, s:i, s:i}, {s:s, s:s, s:s, s:s}], s:[{s:s, s:s, s:f}], s:s}",
        "type", "photo.done", "timestamp", "2025-11-29T12:00:00Z", "id", content.id, "pipeline",
        "web", "source", "bucket", "photos", "key", "in/cat 1.jpg", "version", "v1", "etag", "etag",
        "outputs", "bucket", "thumbs", "key", "web/cat.png", "content_type", "image/png", "link",
        "https://thumbs/web/cat.png?3600", "size", 123, "width", 64, "height", 48, "bucket",
        "photos", "key", "web/cat2.png", "content_type", "image/png", "link",
        "https://photos/web/cat2.png?3600", "size", 123, "width", 64, "height", 48, "bucket",
        "photos", "key", "tags/cat.json", "content_type", "application/json", "link",
        "https://photos/tags/cat.json?3600", "labels", "name", "Colour", "value", "Blue",
        "confidence", 71.25, "links_expire", "2025-11-29T13:00:00Z");
    assert_true(json_equal(root, expected));
    json_decref(root);
    json_decref(expected);
}

static void the_document_of_a_rejected_photo(void **state)
{
    (void)state;
    facts.reason = "image-corrupt";
    facts.detail = "it is \"corrupt\"";
    write_content();
    json_t *root = json_loads(content.document, 0, NULL);
    json_t *expected =
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:s}", "type", "photo.rejected",
                  "timestamp", "2025-11-29T12:00:00Z", "id", content.id, "pipeline", "web",
                  "source", "bucket", "photos", "key", "in/cat 1.jpg", "etag", "etag", "reason",
                  "image-corrupt", "detail", "it is \"corrupt\"");
    assert_true(json_equal(root, expected));
    json_decref(root);
    json_decref(expected);
}

static void links_need_credentials_and_end_with_them(void **state)
{
    (void)state;
    struct error error = {0};
    no_credentials = true;
    notify_content_clear(&content);
    assert_int_equal(notify_content_write(&facts, &content, &error), ERR_CREDENTIALS);
    no_credentials = false;
    credentials_expire_s = facts.now_s + 60; /* which ends the links earlier */
    assert_text("{expires}", "2025-11-29T12:01:00Z");
    notify.message = NULL;
    no_credentials = true;
    notify.link_s = 0;
    write_content();
    assert_null(strstr(content.document, "link"));
}

/* ---- texts ---- */

static void every_placeholder_has_its_value(void **state)
{
    (void)state;
    assert_text("{bucket}|{key}|{dir}|{name}|{stem}|{pipeline}|{outcome}",
                "photos|in/cat 1.jpg|in|cat 1.jpg|cat 1|web|done");
    assert_text("{image}|{output}|{link}|{expires}",
                "cat.png|s3://thumbs/web/cat.png|https://thumbs/web/cat.png?3600|"
                "2025-11-29T13:00:00Z");
    assert_text("{links}", "https://thumbs/web/cat.png?3600\nhttps://photos/web/cat2.png?3600");
    assert_text("{outputs}", "s3://thumbs/web/cat.png (64 x 48, 123 bytes)\n"
                             "s3://photos/web/cat2.png (64 x 48, 123 bytes)");
    assert_text("{labels}{reason}{detail} {{x}}", "Colour: Blue {x}");
    facts.reason = "r";
    facts.detail = "d";
    assert_text("{outcome}{reason}{detail}{link}{image}", "rejectedrd");
    notify.rejected_message = "other";
    assert_text("{reason}", "other");
}

static void defaults_suit_mail(void **state)
{
    (void)state;
    write_content();
    assert_string_equal(content.subject, "cat 1.jpg: done");
    assert_string_equal(content.text, "The pipeline web has stored the outputs of "
                                      "s3://photos/in/cat 1.jpg:\n\n"
                                      "s3://thumbs/web/cat.png (64 x 48, 123 bytes)\n"
                                      "s3://photos/web/cat2.png (64 x 48, 123 bytes)\n\n"
                                      "Open them until 2025-11-29T13:00:00Z:\n\n"
                                      "https://thumbs/web/cat.png?3600\n"
                                      "https://photos/web/cat2.png?3600\n");
    facts.reason = "image-corrupt";
    facts.detail = "a detail";
    write_content();
    assert_string_equal(content.subject, "cat 1.jpg: rejected");
    assert_non_null(strstr(content.text, "Reason: image-corrupt\na detail\n"));
}

static void a_key_never_begins_a_line(void **state)
{
    (void)state;
    record.key = text("in/a\r\nSubject: b\x7f.jpg");
    renditions[0].key = text("web/a\nb.png");
    assert_text("{key}|{output}", "in/a  Subject: b .jpg|s3://thumbs/web/a b.png");
    assert_text("{outputs}", "s3://thumbs/web/a b.png (64 x 48, 123 bytes)\n"
                             "s3://photos/web/cat2.png (64 x 48, 123 bytes)");
}

static void a_subject_is_what_sns_accepts(void **state)
{
    (void)state;
    static char longest[128];
    memset(longest, 'x', sizeof longest - 1);
    assert_subject("{name}", "cat 1.jpg");
    assert_subject("  {name}  ", "cat 1.jpg");
    record.key = text("Gr\xc3\xb6\xc3\x9f"
                      "e \xf0\x9f\x90\x88.jpg");
    assert_subject("{name}", "Gr??e ?.jpg");
    record.key = text("a\r\nb");
    assert_subject("{key}", "a  b");
    record.key = longest;
    write_content();
    assert_int_equal(strlen(content.subject), NOTIFY_SUBJECT_MAX);
    assert_subject("{reason}", "thumbwheel: done"); /* never empty */
}

/* ---- templates ---- */

static void templates_are_checked(void **state)
{
    (void)state;
    static const char *const names[] = {"link", "links", "key"};
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"plain", NULL},
        {"{link}{links} {{key}}", NULL},
        {"{lnk}", "unknown placeholder {lnk}; did you mean {link}?"},
        {"{of}", "unknown placeholder {of}; the placeholders are {link} {links} {key}"},
        {"{}", "unknown placeholder {}; the placeholders are"},
        {"a {link", "unmatched brace at \"{link\""},
        {"a } b", "unmatched brace at \"} b\""},
        {"{a{link}", "unmatched brace at \"{a{link}\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = {0};
        int code = text_template_check(cases[i].text, names, 3, &error);
        assert_int_equal(code, cases[i].error ? ERR_INVALID : 0);
        if (cases[i].error && !strstr(error.text, cases[i].error))
            fail_msg("%s: %s", cases[i].text, error.text);
    }
    assert_true(text_template_uses("a {link}", "link"));
    assert_false(text_template_uses("a {{link}} {links}", "link"));
}

#define CONTENT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT(the_identifier_is_that_of_a_version_and_an_outcome),
        CONTENT(without_version_and_etag_the_fetched_one_counts),
        CONTENT(the_document_of_a_done_photo),
        CONTENT(the_document_of_a_rejected_photo),
        CONTENT(links_need_credentials_and_end_with_them),
        CONTENT(every_placeholder_has_its_value),
        CONTENT(defaults_suit_mail),
        CONTENT(a_key_never_begins_a_line),
        CONTENT(a_subject_is_what_sns_accepts),
        CONTENT(templates_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
