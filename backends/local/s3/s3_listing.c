#include "s3_listing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container_of.h"
#include "hex.h"
#include "s3_multipart.h"
#include "s3_time.h"
#include "s3_xml.h"
#include "uri.h"

enum { RESPONSE_MAX = 16 * 1024 * 1024 };

/* From the request to the response. */

static void listing_free(void *operation)
{
    struct s3_listing *listing = operation;
    listing->kind->clear(listing);
    free(listing);
}

static int listing_run(struct storage_task *task, struct storage *storage)
{
    struct s3_listing *listing = container_of(task, struct s3_listing, task);
    return listing->kind->load(listing, storage, &task->error);
}

static void respond(const struct s3_listing *listing)
{
    const struct s3_listing_kind *kind = listing->kind;
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, kind->root);
    kind->write(listing, &out);
    xml_close(&out, kind->root);
    s3_respond_xml(listing->request, &out);
}

static void listing_done(struct storage_task *task, int code)
{
    struct s3_listing *listing = container_of(task, struct s3_listing, task);
    struct s3_request *request = listing->request;
    if (code)
        listing->kind->fail(request, code, &task->error);
    else if (request->base)
        respond(listing);
    s3_request_release(request);
}

void s3_listing_start(struct s3_request *request, const struct s3_listing_kind *kind)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct s3_listing *listing = s3_operation(request, kind->size, listing_free);
    if (!listing)
        return;
    listing->kind = kind;
    listing->request = request;
    listing->bucket = bucket.id;
    if (!kind->read(listing))
        return;
    listing->task.run = listing_run;
    listing->task.done = listing_done;
    s3_submit(request, &listing->task);
}

/* Parameters. */

bool s3_listing_encoding(struct s3_listing *listing)
{
    const char *encoding = s3_parameter(listing->request, "encoding-type");
    listing->encode = encoding != NULL;
    if (!encoding || strcasecmp(encoding, "url") == 0)
        return true;
    s3_respond_argument(listing->request, "Invalid Encoding Method specified in Request",
                        "encoding-type", slice_of(encoding));
    return false;
}

bool s3_listing_max(struct s3_listing *listing, const char *name, unsigned *max)
{
    return s3_multipart_number(listing->request, name, S3_LISTING_MAX, max);
}

/* Elements. */

void s3_listing_name(const struct s3_listing *listing, struct buffer *out, const char *element,
                     const char *text)
{
    if (!listing->encode) {
        xml_element(out, element, text);
        return;
    }
    xml_open(out, element);
    uri_encode(out, slice_of(text), true);
    xml_close(out, element);
}

void s3_listing_echo(const struct s3_listing *listing, struct buffer *out, const char *element,
                     const char *parameter)
{
    const char *value = s3_parameter(listing->request, parameter);
    s3_listing_name(listing, out, element, value ? value : "");
}

void s3_listing_common_prefix(const struct s3_listing *listing, struct buffer *out,
                              const char *prefix)
{
    xml_open(out, "CommonPrefixes");
    s3_listing_name(listing, out, "Prefix", prefix);
    xml_close(out, "CommonPrefixes");
}

bool s3_listing_attributes(struct s3_listing *listing)
{
    struct slice asked = s3_header(listing->request, "x-amz-optional-object-attributes");
    listing->restores = slice_equal_text(asked, "RestoreStatus");
    if (!asked.data || listing->restores)
        return true;
    s3_respond_argument(listing->request, "Invalid attribute name specified",
                        "x-amz-optional-object-attributes", asked);
    return false;
}

void s3_listing_restore(const struct s3_listing *listing, struct buffer *out, int64_t until_ms)
{
    char time[S3_TIME_SIZE];
    if (!listing->restores || until_ms <= s3_time_now_ms())
        return;
    s3_time_iso(until_ms, time);
    xml_open(out, "RestoreStatus");
    xml_element(out, "IsRestoreInProgress", "false");
    xml_element(out, "RestoreExpiryDate", time);
    xml_close(out, "RestoreStatus");
}

void s3_listing_write_token(struct buffer *out, const char *element, const char *name)
{
    xml_open(out, element);
    for (; *name; name++)
        buffer_format(out, "%02x", (unsigned)(unsigned char)*name);
    xml_close(out, element);
}

char *s3_listing_read_token(const char *token)
{
    size_t size = strlen(token);
    char *text =
        size && size % 2 == 0 && size <= 2 * S3_LISTING_TEXT_MAX ? malloc(size / 2 + 1) : NULL;
    for (size_t i = 0; text && i < size; i += 2) {
        int value = hex_byte(token + i);
        if (value <= 0) {
            free(text);
            return NULL;
        }
        text[i / 2] = (char)value;
    }
    if (text)
        text[size / 2] = '\0';
    return text;
}

void s3_listing_person(struct buffer *out, const char *element, const char *account)
{
    xml_open(out, element);
    xml_element(out, "ID", account);
    xml_close(out, element);
}
