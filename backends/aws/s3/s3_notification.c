#include <string.h>
#include <strings.h>

#include "arn.h"
#include "error.h"
#include "s3_bucket.h"
#include "xml_reader.h"
#include "xml_writer.h"

static const char root[] = "NotificationConfiguration";
static const char own_id[] = "thumbwheel";
static const char created[] = "s3:ObjectCreated:*";

enum { FIELD_MAX = 1100 };

struct merge_reader {
    struct slice document;
    const struct s3_notification *ours;
    struct buffer *others; /* their configurations, unchanged */
    bool is_ours;          /* of the configuration being read */
    bool differs;
    unsigned events;
    char rule[16], prefix[FIELD_MAX], suffix[FIELD_MAX];
    bool fits; /* our configuration was found and is correct */
};

static void field_set(char *field, size_t size, struct slice text)
{
    size_t n = text.size < size ? text.size : size - 1;
    memcpy(field, text.data, n);
    field[n] = '\0';
}

/* The path below a configuration: "Id", "Queue", "Filter/S3Key/FilterRule/Name", … */
static void member_read(struct merge_reader *r, const char *member, struct slice text)
{
    if (strcmp(member, "Id") == 0)
        r->is_ours = slice_equal_text(text, own_id);
    else if (strcmp(member, "Queue") == 0 || strcmp(member, "Topic") == 0)
        r->differs |= !slice_equal_text(text, r->ours->arn);
    else if (strcmp(member, "Event") == 0)
        r->differs |= ++r->events > 1 || !slice_equal_text(text, created);
    else if (strcmp(member, "Filter/S3Key/FilterRule/Name") == 0)
        field_set(r->rule, sizeof r->rule, text);
    else if (strcmp(member, "Filter/S3Key/FilterRule/Value") == 0)
        field_set(strcasecmp(r->rule, "prefix") == 0 ? r->prefix : r->suffix, FIELD_MAX, text);
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b ? b : "") == 0;
}

static int configuration_end(struct merge_reader *r, size_t start, size_t end)
{
    if (!r->is_ours)
        buffer_append(r->others, r->document.data + start, end - start);
    else
        r->fits = !r->differs && r->events == 1 && same(r->prefix, r->ours->prefix) &&
                  same(r->suffix, r->ours->suffix);
    r->is_ours = r->differs = false;
    r->events = 0;
    r->prefix[0] = r->suffix[0] = '\0';
    return r->others->error;
}

/* The name of the root element is ignored, because compatible services use different ones. */
static int notification_element(void *user, const char *path, struct slice text, size_t start,
                                size_t end)
{
    struct merge_reader *r = user;
    const char *configuration = strchr(path, '/');
    if (!configuration)
        return 0;
    const char *member = strchr(configuration + 1, '/');
    if (!member)
        return configuration_end(r, start, end);
    member_read(r, member + 1, text);
    return 0;
}

static void rule_append(struct buffer *out, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    buffer_format(out, "<FilterRule><Name>%s</Name><Value>", name);
    xml_strict_text(out, slice_of(value));
    buffer_text(out, "</Value></FilterRule>");
}

static bool has_text(const char *text)
{
    return text && text[0];
}

static void ours_append(struct buffer *out, const struct s3_notification *ours)
{
    const char *kind =
        slice_equal_text(arn_part(ours->arn, ARN_SERVICE), "sns") ? "Topic" : "Queue";
    buffer_format(out, "<%sConfiguration><Id>%s</Id><%s>", kind, own_id, kind);
    xml_strict_text(out, slice_of(ours->arn));
    buffer_format(out, "</%s><Event>%s</Event>", kind, created);
    if (has_text(ours->prefix) || has_text(ours->suffix)) {
        buffer_text(out, "<Filter><S3Key>");
        rule_append(out, "prefix", ours->prefix);
        rule_append(out, "suffix", ours->suffix);
        buffer_text(out, "</S3Key></Filter>");
    }
    buffer_format(out, "</%sConfiguration>", kind);
}

int s3_notification_merge(struct slice current, const struct s3_notification *ours,
                          struct buffer *out, bool *fits)
{
    struct buffer others;
    buffer_init(&others, AWS_RESPONSE_MAX);
    struct merge_reader reader = {.document = current, .ours = ours, .others = &others};
    int code = current.size ? xml_read(current, NULL, notification_element, &reader) : 0;
    *fits = reader.fits;
    if (!code && !reader.fits) {
        buffer_format(out, "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", root);
        buffer_append(out, others.data, others.size);
        ours_append(out, ours);
        code = buffer_format(out, "</%s>", root);
    }
    buffer_free(&others);
    return code;
}
