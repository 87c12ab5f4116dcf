/*
 * The whole embedded cloud, from the socket to the storage thread, with correctly signed requests
 * of any content. An input is a list of requests as in fuzz_request.h, each preceded by the name of
 * its service ("s3 PUT /photos/a"), separated by lines of three hyphens. They are sent one after
 * another to a new cloud that has a bucket, a queue and a topic. In them "@receipt" and
 * "@subscription" stand for the latest ones in a response, and "@large" for more bytes than the
 * database stores of an object. Every response must be HTTP and no internal error, JSON must be
 * well-formed, and the cloud must close without leaks.
 */
#include "cloud_harness.h"

enum {
    REQUESTS_MAX = 16,
    RESPONSE_MAX = 4 << 20,
    LARGE = 40 * 1024,
    PATIENCE_MS = 50,
};

static const char *const prelude[] = {
    "s3 PUT /photos\n\n",
    "sqs POST /\nX-Amz-Target: AmazonSQS.CreateQueue\n\n{\"QueueName\":\"q\"}",
    ("sns POST /\nContent-Type: application/x-www-form-urlencoded\n\n"
     "Action=CreateTopic&Name=t&Version=2010-03-31"),
};

/* --- placeholders --- */

static struct token {
    const char *name, *begin; /* what stands before it in a response */
    char end;                 /* and what after */
    char value[LARGE + 1];
} tokens[] = {
    {"@receipt", "\"ReceiptHandle\":\"", '"', ""},
    {"@subscription", "<SubscriptionArn>", '<', ""},
    {"@large", NULL, 0, ""},
};
enum { TOKENS = sizeof tokens / sizeof tokens[0] };

static void tokens_reset(void)
{
    for (size_t i = 0; i < TOKENS; i++)
        tokens[i].value[0] = '\0';
    memset(tokens[TOKENS - 1].value, 'x', LARGE);
}

static void tokens_learn(struct slice response)
{
    for (size_t i = 0; i < TOKENS; i++) {
        struct token *token = &tokens[i];
        const char *at = token->begin && response.size ? memmem(response.data, response.size,
                                                                token->begin, strlen(token->begin))
                                                       : NULL;
        if (!at)
            continue;
        at += strlen(token->begin);
        size_t left = (size_t)(response.data + response.size - at);
        const char *end = memchr(at, token->end, left);
        if (end && end - at <= LARGE)
            snprintf(token->value, sizeof token->value, "%.*s", (int)(end - at), at);
    }
}

static const struct token *token_at(struct slice text)
{
    for (size_t i = 0; i < TOKENS; i++) {
        if (slice_starts_with(text, tokens[i].name))
            return &tokens[i];
    }
    return NULL;
}

static void tokens_replace(struct slice text, struct buffer *out)
{
    while (text.size) {
        const struct token *token = token_at(text);
        size_t used = token ? strlen(token->name) : 1;
        if (token)
            buffer_text(out, token->value);
        else
            buffer_byte(out, *text.data);
        text = (struct slice){text.data + used, text.size - used};
    }
}

static void make_request(struct slice text)
{
    struct fuzz_request request;
    struct buffer plain, response;
    buffer_init(&plain, CLOUD_WIRE_MAX);
    buffer_init(&response, RESPONSE_MAX);
    tokens_replace(text, &plain);
    struct slice rest = buffer_slice(&plain), service = fuzz_cut(&rest, ' ');
    fuzz_request_read(&request, rest);
    if (!plain.error)
        cloud_harness_send(&request, service, PATIENCE_MS, &response);
    tokens_learn(buffer_slice(&response));
    buffer_free(&plain);
    buffer_free(&response);
}

static struct slice next_request(struct slice *input)
{
    static const char separator[] = "\n---\n";
    const char *end = memmem(input->data, input->size, separator, sizeof separator - 1);
    const struct slice part = {input->data, end ? (size_t)(end - input->data) : input->size};
    const size_t used = part.size + (end ? sizeof separator - 1 : 0);
    *input = (struct slice){input->data + used, input->size - used};
    return part;
}

const struct cloud_target cloud_target = {
    .begin = tokens_reset,
    .prelude = prelude,
    .prelude_count = sizeof prelude / sizeof prelude[0],
    .next = next_request,
    .parts_max = REQUESTS_MAX,
    .make = make_request,
};
