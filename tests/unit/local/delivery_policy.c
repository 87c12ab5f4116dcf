/* Delivery policies: the default of SNS, the phases of the Developer Guide, and invalid ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "delivery_policy.h"
#include "error.h"

static struct delivery_policy read_policy(const char *topic, const char *subscription)
{
    struct delivery_policy policy;
    char why[DELIVERY_POLICY_TEXT_MAX] = "";
    if (delivery_policy_read(topic, subscription, &policy, why))
        fail_msg("%s", why);
    return policy;
}

static void the_default_is_three_retries_twenty_seconds_apart(void **state)
{
    struct delivery_policy policy = read_policy(NULL, "");
    (void)state;
    for (int retry = 1; retry <= 3; retry++)
        assert_int_equal(delivery_policy_delay(&policy, retry), 20000);
    assert_int_equal(delivery_policy_delay(&policy, 4), -1);
}

/* "Immediate retry, pre-backoff, backoff, post-backoff" */
static void the_phases_follow_each_other(void **state)
{
    struct delivery_policy policy = read_policy(
        NULL, "{\"healthyRetryPolicy\": {\"minDelayTarget\": 1, \"maxDelayTarget\": 5, "
              "\"numRetries\": 10,"
              " \"numNoDelayRetries\": 2, \"numMinDelayRetries\": 1, \"numMaxDelayRetries\": 2,"
              " \"backoffFunction\": \"linear\"}}");
    static const int64_t delays[] = {0, 0, 1000, 1000, 2000, 3000, 4000, 5000, 5000, 5000, -1};
    (void)state;
    for (int retry = 1; retry <= 11; retry++)
        assert_int_equal(delivery_policy_delay(&policy, retry), delays[retry - 1]);
}

static void each_function_goes_from_the_least_to_the_most(void **state)
{
    static const char *const names[] = {"linear", "arithmetic", "geometric", "exponential"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"healthyRetryPolicy\": {\"minDelayTarget\": 10, \"maxDelayTarget\": 110,"
                 " \"numRetries\": 11, \"backoffFunction\": \"%s\"}}",
                 names[i]);
        struct delivery_policy policy = read_policy(NULL, text);
        assert_int_equal(delivery_policy_delay(&policy, 1), 10000);
        assert_int_equal(delivery_policy_delay(&policy, 11), 110000);
        for (int retry = 2; retry <= 11; retry++)
            assert_true(delivery_policy_delay(&policy, retry) >=
                        delivery_policy_delay(&policy, retry - 1));
        if (i == 0)
            assert_int_equal(delivery_policy_delay(&policy, 6), 60000);
        else
            assert_true(delivery_policy_delay(&policy, 6) < 60000);
    }
}

static void a_subscription_overrides_its_topic_unless_it_may_not(void **state)
{
    const char *own = "{\"healthyRetryPolicy\": {\"numRetries\": 7}}";
    (void)state;
    assert_int_equal(
        read_policy("{\"http\": {\"defaultHealthyRetryPolicy\": {\"numRetries\": 5}}}", own)
            .retries,
        7);
    assert_int_equal(
        read_policy("{\"http\": {\"defaultHealthyRetryPolicy\": {\"numRetries\": 5}}}", NULL)
            .retries,
        5);
    assert_int_equal(read_policy("{\"http\": {\"defaultHealthyRetryPolicy\": {\"numRetries\": 5},"
                                 " \"disableSubscriptionOverrides\": true}}",
                                 own)
                         .retries,
                     5);
}

/* "maxReceivesPerSecond: the maximum average number of deliveries per second, per subscription" */
static void a_throttle_spreads_deliveries_over_each_second(void **state)
{
    struct delivery_policy policy =
        read_policy("{\"http\": {\"defaultThrottlePolicy\": {\"maxReceivesPerSecond\": 3}}}",
                    "{\"throttlePolicy\": {\"maxReceivesPerSecond\": 4}}");
    int64_t next = 0;
    (void)state;
    for (int64_t i = 0; i < 9; i++)
        assert_int_equal(delivery_policy_slot(&policy, 5000000, &next), 5000000 + i * 250000);
    assert_int_equal(delivery_policy_slot(&policy, 9000000, &next), 9000000);
    assert_int_equal(delivery_policy_slot(&policy, 9000001, &next), 9250000);
    policy = read_policy(NULL, "{\"throttlePolicy\": {\"maxReceivesPerSecond\": null}}");
    for (int i = 0; i < 3; i++)
        assert_int_equal(delivery_policy_slot(&policy, 5000000, &next), 5000000);
}

static void values_out_of_bounds_are_refused(void **state)
{
    static const char *const wrong[] = {
        "x",
        "[]",
        "{\"healthyRetryPolicy\": 3}",
        "{\"healthyRetryPolicy\": {\"numRetries\": 101}}",
        "{\"healthyRetryPolicy\": {\"numRetries\": -1}}",
        "{\"healthyRetryPolicy\": {\"numRetries\": \"3\"}}",
        "{\"healthyRetryPolicy\": {\"minDelayTarget\": 0}}",
        "{\"healthyRetryPolicy\": {\"minDelayTarget\": 21}}",
        "{\"healthyRetryPolicy\": {\"maxDelayTarget\": 3601}}",
        "{\"healthyRetryPolicy\": {\"numRetries\": 2, \"numNoDelayRetries\": 3}}",
        "{\"healthyRetryPolicy\": {\"maxDelayTarget\": 3600, \"minDelayTarget\": 3600}}",
        "{\"healthyRetryPolicy\": {\"backoffFunction\": \"random\"}}",
        "{\"healthyRetryPolicy\": {\"retries\": 1}}",
        "{\"throttlePolicy\": {\"maxReceivesPerSecond\": 0}}",
        "{\"throttlePolicy\": {\"maxReceivesPerSecond\": 1.5}}",
        "{\"throttlePolicy\": {\"most\": 1}}",
        "{\"throttlePolicy\": 1}",
        "{\"requestPolicy\": {\"headerContentType\": \"a\\r\\nX: y\"}}",
        "{\"http\": {}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct delivery_policy policy;
        char why[DELIVERY_POLICY_TEXT_MAX] = "";
        if (delivery_policy_read(NULL, wrong[i], &policy, why) != ERR_INVALID || !why[0])
            fail_msg("%s is taken", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_three_retries_twenty_seconds_apart),
        cmocka_unit_test(the_phases_follow_each_other),
        cmocka_unit_test(each_function_goes_from_the_least_to_the_most),
        cmocka_unit_test(a_subscription_overrides_its_topic_unless_it_may_not),
        cmocka_unit_test(a_throttle_spreads_deliveries_over_each_second),
        cmocka_unit_test(values_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
