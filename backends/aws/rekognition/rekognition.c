/*
 * The image of a request is, in this order: the JPEG that the render made; the object's name, if
 * Rekognition can read the bucket; the object's bytes. If Rekognition refuses the named object,
 * because it cannot access it or dislikes its format or size, its bytes are sent once, if they are
 * few enough.
 */
#include "rekognition.h"

#include <stdlib.h>
#include <string.h>

#include "aws_request.h"
#include "container_of.h"
#include "label_reply.h"
#include "rekognition_request.h"

enum { URL_MAX = 1024 };

struct label_call {
    struct label_request request;
    struct aws *aws;
    const struct label_input *input;
    struct aws_request *call;
    bool named; /* the object is named in the pending request */
    labels_known *done;
    void *user;
};

static const struct label_members members = {
    .name = "Name",
    .confidence = "Confidence",
    .parents = "Parents",
    .aliases = "Aliases",
    .categories = "Categories",
    .instances = "Instances",
    .box = "BoundingBox",
    .left = "Left",
    .top = "Top",
    .width = "Width",
    .height = "Height",
};

static struct aws *aws_of(struct labeler *labeler)
{
    return container_of(labeler, struct aws, rekognition);
}

static void on_reply(const struct aws_reply *reply, void *user);

static int call_start(struct label_call *label, struct buffer *body, const char *url)
{
    static const struct http_header headers[] = {
        {"content-type", "application/x-amz-json-1.1"},
        {"x-amz-target", "RekognitionService.DetectLabels"},
    };
    struct aws *aws = label->aws;
    struct aws_call call = {
        .service = AWS_REKOGNITION,
        .operation = "DetectLabels",
        .method = "POST",
        .resource = label->input->name->key,
        .url = url,
        .trace = label->input->name->trace,
        .region = endpoint_region(&aws->endpoints, AWS_REKOGNITION, aws->region),
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
        .body = buffer_take(body),
        .response_max = label->input->settings->response_max,
        .done = on_reply,
        .user = label,
    };
    return aws_request_start(aws, &call, &label->call);
}

/* image empty: the object is named. */
static int ask(struct label_call *label, struct slice image)
{
    struct buffer body, url;
    buffer_init(&url, URL_MAX);
    label->named = image.size == 0;
    int code = rekognition_request_write(label->input, image, &body);
    if (code)
        goto out;
    endpoint_append(&label->aws->endpoints, AWS_REKOGNITION, label->aws->region, &url);
    code = buffer_byte(&url, '/');
    if (code)
        goto out;
    code = call_start(label, &body, url.data);
out:
    buffer_free(&body);
    buffer_free(&url);
    return code;
}

static void finish(struct label_call *label, const struct label_reply *reply,
                   const struct error *error)
{
    label->done(&reply->labels, reply->details, error, label->user);
    free(label);
}

static bool may_send_bytes(const struct label_call *label, const struct aws_reply *reply)
{
    static const char *const codes[] = {"InvalidS3ObjectException", "InvalidImageFormatException",
                                        "ImageTooLargeException"};
    if (!label->named || label->input->source.size > REKOGNITION_BYTES_MAX)
        return false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(codes[i], reply->fault.code) == 0)
            return true;
    }
    return false;
}

static void on_reply(const struct aws_reply *reply, void *user)
{
    struct label_call *label = user;
    struct label_reply labels = {.details = NULL};
    struct error error = reply->error;
    const char *flaw = "";
    label->call = NULL;
    if (error.code && may_send_bytes(label, reply) && ask(label, label->input->source) == 0)
        return;
    if (!error.code) {
        int code = label_reply_read(json_object_get(reply->object, "Labels"), &members,
                                    label->input->settings, &labels, &flaw);
        if (code)
            aws_error_unreadable(&error, &reply->subject, code, flaw);
    }
    finish(label, &labels, &error);
    json_decref(labels.details);
}

static bool rekognition_reads(struct labeler *labeler, const char *bucket)
{
    const struct aws *aws = aws_of(labeler);
    char region[REGION_SIZE_MAX];
    /* With its own endpoint, S3 may be another service than the one that Rekognition reads. */
    if (!aws->endpoints.urls[AWS_S3] != !aws->endpoints.urls[AWS_REKOGNITION] ||
        bucket_region_of(aws, bucket, region) || strchr(bucket, ':'))
        return false;
    return strcmp(region, endpoint_region(&aws->endpoints, AWS_REKOGNITION, aws->region)) == 0;
}

static int rekognition_label(struct labeler *labeler, const struct label_input *input,
                             labels_known *done, void *user, struct label_request **out)
{
    struct label_call *label = calloc(1, sizeof *label);
    if (!label)
        return ERR_MEMORY;
    label->request.labeler = labeler;
    label->aws = aws_of(labeler);
    label->input = input;
    label->done = done;
    label->user = user;
    struct slice image = input->image;
    if (!image.size && !rekognition_reads(labeler, input->name->bucket))
        image = input->source;
    int code = ask(label, image);
    if (code)
        free(label);
    else
        *out = &label->request;
    return code;
}

static void rekognition_cancel(struct label_request *request)
{
    struct label_call *label = container_of(request, struct label_call, request);
    aws_request_cancel(label->call);
    free(label);
}

const struct labeler_ops rekognition_ops = {
    .label = rekognition_label, .cancel = rekognition_cancel, .reads = rekognition_reads};
