/*
 * The two protocols of SQS as they are read, and the attributes in them. The first line is the
 * action's name (JSON) or the query (Query), the rest the body; each input is read both ways.
 */
#include <jansson.h>

#include "call_protocol.h"
#include "http_private.h"
#include "message_attributes.h"
#include "queue_attributes.h"
#include "sqs_api.h"
#include "sqs_call.h"

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    json_object_seed(1);
    return 0;
}

static void check_message(json_t *input)
{
    struct service_error error = {0};
    size_t bytes = 0;
    char digest[MD5_HEX_SIZE];
    json_t *attributes = json_object_get(input, "MessageAttributes");
    if (message_attributes_check(attributes, &bytes, &error) == 0 && attributes)
        require(!message_attributes_md5(attributes, digest));
}

static void check_queue(json_t *input)
{
    struct queue_attributes from, changed, again;
    struct service_error error = {0};
    json_t *changes = json_object_get(input, "Attributes"), *all = json_object();
    const char *name = json_string_value(json_object_get(input, "QueueName"));
    require(!queue_attributes_init(&from, name ? name : "queue"));
    if (json_is_object(changes) && queue_attributes_change(&from, changes, &changed, &error) == 0) {
        require(!queue_attributes_differ(&changed, changes));
        require(!queue_attributes_add(&changed, all));
        if (queue_attributes_change(&from, changes, &again, &error) == 0)
            queue_attributes_free(&again);
        queue_attributes_free(&changed);
    }
    json_decref(all);
    queue_attributes_free(&from);
}

static void check_input(json_t *input)
{
    struct service_error error = {0};
    int number = 3;
    require(json_is_object(input));
    if (sqs_input_int(input, "VisibilityTimeout", 0, 43200, &number, &error) == 0)
        require(number >= 0 && number <= 43200);
    check_message(input);
    check_queue(input);
}

static void read_as(const struct call_protocol *protocol, struct http_call *call, struct slice body)
{
    struct cloud_request request = {.call = call, .service = &cloud_sqs};
    struct service_error error = {0};
    const char *name = NULL;
    json_t *input = NULL;
    request.body = bytes_borrow(body.data, body.size);
    int code = protocol->read_name(&request, cloud_sqs.api, &name, &input, &error);
    if (!code && !input)
        code = protocol->read_input(&request, &input, &error);
    require(code >= 0 && code < SQS_CODE_COUNT); /* there is enough memory */
    error.code = code;
    if (!code) {
        require(name);
        check_input(input);
    } else {
        require(*service_error_text(sqs_wire_errors, &error));
    }
    json_decref(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = {(const char *)data, size}, line = fuzz_line(&body);
    struct http_call *call = calloc(1, sizeof *call + sizeof call->fields[0]);
    char *target = NULL;
    require(call && asprintf(&target, "AmazonSQS.%.*s", (int)line.size, line.data) >= 0);
    call->query = line;
    call->field_count = 1;
    call->fields[0] = (struct http_field){SLICE_LITERAL("X-Amz-Target"), slice_of(target)};
    char *copy = fuzz_copy(body);
    read_as(&protocol_json_1_0, call, (struct slice){copy, body.size});
    read_as(&protocol_query, call, (struct slice){copy, body.size});
    free(copy);
    free(target);
    free(call);
    return 0;
}
