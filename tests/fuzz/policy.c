/*
 * Resource policies: any text is a policy or refused with a reason; one that was read decides the
 * same each time, denies nothing unless a statement of it does, and can say why it did not allow.
 */
#include "policy.h"

#include "error.h"
#include "fuzz.h"

#define ACCOUNT "111122223333"
#define QUEUE   "arn:aws:sqs:eu-west-1:" ACCOUNT ":photos"
#define TOPIC   "arn:aws:sns:eu-west-1:" ACCOUNT ":uploads"

static const struct policy_request requests[] = {
    {.service = "s3.amazonaws.com",
     .action = "SendMessage",
     .resource = QUEUE,
     .source_arn = "arn:aws:s3:::photos",
     .source_account = ACCOUNT,
     .secure = true},
    {.service = "sns.amazonaws.com",
     .action = "SendMessage",
     .resource = QUEUE,
     .source_arn = TOPIC,
     .secure = true},
    {.account = ACCOUNT, .action = "Publish", .resource = TOPIC},
    {.account = "999999999999", .action = "ReceiveMessage", .resource = QUEUE, .secure = true},
    {.action = "SendMessage", .resource = QUEUE},
};

static void check(const struct policy *policy)
{
    char text[POLICY_REASON_MAX];
    if (policy_gap(policy, text, sizeof text))
        require(*text);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        enum policy_verdict verdict = policy_evaluate(policy, &requests[i]);
        require(verdict == policy_evaluate(policy, &requests[i]));
        require(verdict != POLICY_DENIED || policy_denies(policy));
        if (verdict == POLICY_ALLOWED)
            continue;
        policy_explain(policy, &requests[i], text);
        require(*text && strlen(text) < sizeof text);
    }
}

/* The first byte selects the kind of resource. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    enum policy_kind kind = fuzz_choice(&rest) % 2 ? POLICY_OF_TOPIC : POLICY_OF_QUEUE;
    char *text = slice_dup(rest);
    struct policy *policy = NULL;
    struct error error = {0};
    require(text);
    if (policy_parse(kind, text, &policy, &error))
        require(error.code && *error.text);
    else
        check(policy);
    policy_release(policy);
    free(text);
    return 0;
}
