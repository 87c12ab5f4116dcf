/*
 * XML that a client sends to the embedded S3: documents, notification configurations, tags. A
 * document that was accepted reads back the same after it is written.
 */
#include "s3_xml.h"

#include "fuzz.h"
#include "message_attributes.h"
#include "s3_notification_xml.h"
#include "s3_tags.h"

enum { OUT_MAX = 16 << 20 };

static void write_node(const struct s3_xml_node *node, struct buffer *out)
{
    require(node->name && node->text);
    xml_open(out, node->name);
    xml_text(out, slice_of(node->text));
    for (const struct s3_xml_node *child = node->first; child; child = child->next)
        write_node(child, out);
    xml_close(out, node->name);
}

static bool same_node(const struct s3_xml_node *a, const struct s3_xml_node *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a->name, b->name) == 0 && strcmp(a->text, b->text) == 0 &&
           same_node(a->first, b->first) && same_node(a->next, b->next);
}

static void check_document(struct slice text)
{
    struct s3_xml_node *root = NULL, *again = NULL;
    struct error error = {0};
    struct buffer out;
    if (s3_xml_parse(text, &root, &error)) {
        require(!root && error.code && *error.text);
        return;
    }
    buffer_init(&out, OUT_MAX);
    write_node(root, &out);
    require(!out.error);
    require(!s3_xml_parse(buffer_slice(&out), &again, &error));
    require(same_node(root, again));
    s3_xml_free(again);
    buffer_free(&out);
    s3_xml_free(root);
}

static void check_notification(struct slice text)
{
    struct notification notification = {0}, again = {0};
    const char *message = NULL;
    struct buffer out;
    if (s3_notification_parse(text, &notification, &message) != S3_OK) {
        require(!notification.count);
        return;
    }
    buffer_init(&out, OUT_MAX);
    s3_notification_write(&notification, &out);
    require(!out.error);
    require(s3_notification_parse(buffer_slice(&out), &again, &message) == S3_OK);
    require(again.count == notification.count);
    for (size_t i = 0; i < again.count; i++)
        require(strcmp(again.rules[i].target, notification.rules[i].target) == 0 &&
                strcmp(again.rules[i].prefix, notification.rules[i].prefix) == 0);
    notification_clear(&again);
    notification_clear(&notification);
    buffer_free(&out);
}

static void check_tags(struct slice text)
{
    char *tags = NULL, *again = NULL;
    struct error error = {0};
    struct buffer out;
    if (s3_tags_from_xml(text, 10, &tags, NULL, &error))
        return;
    buffer_init(&out, OUT_MAX);
    buffer_text(&out, "<Tagging><TagSet>");
    require(!s3_tags_to_xml(tags, &out));
    buffer_text(&out, "</TagSet></Tagging>");
    require(!s3_tags_from_xml(buffer_slice(&out), 10, &again, NULL, &error));
    require(strcmp(tags, again) == 0);
    free(again);
    require(!s3_tags_from_query(slice_of(tags), &again, &error));
    require(strcmp(tags, again) == 0);
    free(again);
    free(tags);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    char *copy = fuzz_copy(text);
    text.data = copy;
    check_document(text);
    check_notification(text);
    check_tags(text);
    free(copy);
    return 0;
}
