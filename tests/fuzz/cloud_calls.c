/*
 * Sequences of validly signed calls to all services of one embedded cloud. An input is lines as in
 * call_table.h, made one after another with values from earlier responses. Each response is
 * well-formed, and after the last one the cloud has every acknowledged change: created items are
 * listed, deleted ones are not, an object has the bytes that were stored last, and a deleted
 * message is not received again.
 */
#include "call_model.h"

enum {
    CALLS_MAX = 24,
    RESPONSE_MAX = 4 << 20,
    PATIENCE_MS = 8000, /* a response that doesn't come makes the rest of the input worthless */
    POLL_MS = 50,
};

static void exchange(enum call_protocol protocol, const char *action, struct fuzz_request *request,
                     struct buffer *response)
{
    static const char *const services[] = {"sqs", "events", "rekognition", "sns", "sts", "s3"};
    bool polls = !strcmp(action, "ReceiveMessage");
    cloud_harness_send(request, slice_of(services[protocol]), polls ? POLL_MS : PATIENCE_MS,
                       response);
    struct exchanged e = {protocol, action, request, buffer_slice(response)};
    call_check(&e);
    if (!polls || e.response.size)
        call_model_update(&e);
    call_values_learn(e.response);
}

static void put_json(const struct call *call, struct slice choices, struct slice mutations,
                     struct buffer *out)
{
    static const char *const targets[] = {"AmazonSQS", "AWSEvents", "RekognitionService"};
    struct buffer body;
    buffer_init(&body, CLOUD_WIRE_MAX);
    call_expand(call->text, PLACE_JSON, &choices, &body);
    buffer_format(out, "POST /\nX-Amz-Target: %s%s\nContent-Type: application/x-amz-json-1.%d\n\n",
                  targets[call->protocol], strchr(call->name, '.'), call->protocol != CALL_SQS);
    call_mutate_json(buffer_slice(&body), mutations, out);
    buffer_free(&body);
}

static void put_query(const struct call *call, struct slice choices, struct slice mutations,
                      struct buffer *out)
{
    struct buffer body, changed;
    buffer_init(&body, CLOUD_WIRE_MAX);
    buffer_init(&changed, CLOUD_WIRE_MAX);
    call_expand(call->text, PLACE_QUERY, &choices, &body);
    call_mutate_query(buffer_slice(&body), mutations, &changed);
    buffer_format(
        out, "POST /\nContent-Type: application/x-www-form-urlencoded\n\nAction=%s&Version=%s&",
        strchr(call->name, '.') + 1, call->protocol == CALL_SNS ? "2010-03-31" : "2011-06-15");
    buffer_append(out, changed.data, changed.size);
    buffer_free(&body);
    buffer_free(&changed);
}

static void expand_part(struct slice part, enum call_place place, struct slice *choices,
                        struct buffer *out)
{
    char *text = slice_dup(part);
    require(text);
    call_expand(text, place, choices, out);
    free(text);
}

static void put_s3(const struct call *call, struct slice choices, struct slice mutations,
                   struct buffer *out)
{
    struct slice rest = slice_of(call->text), line = fuzz_line(&rest), path = fuzz_cut(&line, '?');
    struct buffer query, changed;
    buffer_init(&query, CLOUD_WIRE_MAX);
    buffer_init(&changed, CLOUD_WIRE_MAX);
    expand_part(path, PLACE_QUERY, &choices, out);
    expand_part(line, PLACE_QUERY, &choices, &query);
    call_mutate_query(buffer_slice(&query), mutations, &changed);
    if (changed.size)
        buffer_byte(out, '?');
    buffer_append(out, changed.data, changed.size);
    buffer_byte(out, '\n');
    while (rest.size && (line = fuzz_line(&rest)).size) {
        expand_part(line, PLACE_HEADER, &choices, out);
        buffer_byte(out, '\n');
    }
    buffer_byte(out, '\n');
    expand_part(rest, rest.size && *rest.data == '<' ? PLACE_XML : PLACE_JSON, &choices, out);
    buffer_free(&query);
    buffer_free(&changed);
}

static void make_call(struct slice line)
{
    struct slice choices = fuzz_cut(&line, '|'), mutations = line, name = fuzz_cut(&choices, ' ');
    const struct call *call = call_find(name);
    struct fuzz_request request;
    struct buffer text, response;
    buffer_init(&text, CLOUD_WIRE_MAX);
    buffer_init(&response, RESPONSE_MAX);
    if (call->protocol == CALL_S3)
        put_s3(call, choices, mutations, &text);
    else if (call->protocol >= CALL_SNS)
        put_query(call, choices, mutations, &text);
    else
        put_json(call, choices, mutations, &text);
    fuzz_request_read(&request, buffer_slice(&text));
    if (!text.error)
        exchange(call->protocol, strchr(call->name, '.') + 1, &request, &response);
    buffer_free(&text);
    buffer_free(&response);
}

/* For the model: a request that is no part of the input. */
static char *ask(const char *service, const char *text, unsigned *status)
{
    struct fuzz_request request;
    struct buffer response;
    enum call_protocol protocol = !strcmp(service, "s3")       ? CALL_S3
                                  : !strcmp(service, "sns")    ? CALL_SNS
                                  : !strcmp(service, "events") ? CALL_EVENTS
                                                               : CALL_SQS;
    buffer_init(&response, RESPONSE_MAX);
    fuzz_request_read(&request, slice_of(text));
    exchange(protocol, "List", &request, &response);
    *status = call_status(buffer_slice(&response));
    char *body = response.size ? slice_dup(call_body(buffer_slice(&response))) : strdup("");
    require(body);
    buffer_free(&response);
    return body;
}

static const char *const prelude[] = {"s3.CreateBucket", "sqs.CreateQueue", "sns.CreateTopic"};

static void begin(void)
{
    call_values_reset();
    call_model_reset();
}

static void verify(void)
{
    call_model_verify(ask);
}

const struct cloud_target cloud_target = {
    .begin = begin,
    .prelude = prelude,
    .prelude_count = sizeof prelude / sizeof prelude[0],
    .next = fuzz_line,
    .parts_max = CALLS_MAX,
    .make = make_call,
    .end = verify,
};
