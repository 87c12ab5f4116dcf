/* Buckets, and what their documents (provision_entries.c) need as well. */
#include <stdlib.h>
#include <string.h>

#include "provision_private.h"
#include "s3_bucket.h"
#include "xml_reader.h"

const char provision_s3_namespace[] = "http://s3.amazonaws.com/doc/2006-03-01/";

int provision_s3_call(struct provision *p, struct s3_bucket_call call, provision_reply *reply)
{
    call.bucket = provision_now(p)->name;
    call.done = provision_replied;
    call.release = provision_free;
    call.user = p;
    p->reply = reply;
    return s3_bucket_start(p->aws, &call);
}

struct slice provision_body(const struct aws_reply *reply)
{
    return (struct slice){reply->response->body.data, reply->response->body.size};
}

int provision_set_conflict(struct provision *p, struct buffer *text)
{
    free(p->finding.conflict);
    p->finding.conflict = buffer_take_text(text);
    return p->finding.conflict ? 0 : ERR_MEMORY;
}

/* Other stores than AWS have other regions, and their topics are not in one. */
bool provision_to_broker(const struct provision *p)
{
    return p->run->plan->settings.via == PROVISION_RABBITMQ;
}

/* ---- buckets ---- */

static int location_element(void *user, const char *path, struct slice text, size_t start,
                            size_t end)
{
    char *region = user;
    (void)start;
    (void)end;
    if (strcmp(path, "LocationConstraint") == 0 && text.size && text.size < REGION_SIZE_MAX) {
        memcpy(region, text.data, text.size);
        region[text.size] = '\0';
    }
    return 0;
}

/* "", and "EU", are from before regions had names ("GetBucketLocation", S3 API Reference). */
static int location_read(const struct aws_reply *reply, char region[REGION_SIZE_MAX])
{
    strcpy(region, "us-east-1");
    int code = xml_read(provision_body(reply), NULL, location_element, region);
    if (strcmp(region, "EU") == 0)
        strcpy(region, "eu-west-1");
    return code;
}

static int bucket_elsewhere(struct provision *p, const char *region)
{
    struct buffer text;
    buffer_init(&text, 1024);
    buffer_format(&text,
                  "the bucket is in %s: a bucket notifies only queues and topics of its own "
                  "region: use --region %s",
                  region, region);
    return provision_set_conflict(p, &text);
}

static int bucket_denied(struct provision *p)
{
    struct buffer text;
    buffer_init(&text, 1024);
    buffer_text(&text, "the bucket exists, but access to it is denied: it belongs to somebody else "
                       "(choose another name), or the permission s3:GetBucketLocation is missing");
    return provision_set_conflict(p, &text);
}

static int location_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    char region[REGION_SIZE_MAX];
    if (provision_is_absent(error))
        return 0;
    p->finding.exists = true;
    if (error->code == ERR_DENIED && reply->fault.code[0])
        return bucket_denied(p);
    if (error->code)
        return error->code;
    int code = location_read(reply, region);
    if (!code && !provision_now(p)->output && !provision_to_broker(p) &&
        strcmp(region, p->run->place.region) != 0)
        code = bucket_elsewhere(p, region);
    return code;
}

int provision_read_bucket(struct provision *p)
{
    return provision_s3_call(p,
                             (struct s3_bucket_call){.operation = "GetBucketLocation",
                                                     .method = "GET",
                                                     .query = "location="},
                             location_known);
}

static int bucket_created(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)p;
    if (strcmp(reply->fault.code, "BucketAlreadyOwnedByYou") == 0)
        error->code = 0;
    return error->code;
}

int provision_write_bucket(struct provision *p)
{
    struct s3_bucket_call call = {.operation = "CreateBucket", .method = "PUT"};
    struct buffer body;
    buffer_init(&body, 1024);
    /* us-east-1 is the default, which must not be named here. */
    if (!provision_to_broker(p) && strcmp(p->aws->region, "us-east-1") != 0)
        buffer_format(&body,
                      "<CreateBucketConfiguration xmlns=\"%s\"><LocationConstraint>%s"
                      "</LocationConstraint></CreateBucketConfiguration>",
                      provision_s3_namespace, p->aws->region);
    if (body.error)
        return body.error;
    call.body = buffer_take(&body);
    return provision_s3_call(p, call, bucket_created);
}
