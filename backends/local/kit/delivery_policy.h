/*
 * Delivery policies: how often and after which delay a delivery over HTTP is retried, and how many
 * deliveries are allowed per second.
 *
 * Source: "Amazon SNS message delivery retries" and "Creating an HTTP/S delivery policy" in the SNS
 * Developer Guide. Pure; any thread.
 */
#ifndef THUMBWHEEL_LOCAL_DELIVERY_POLICY_H
#define THUMBWHEEL_LOCAL_DELIVERY_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum delivery_backoff {
    BACKOFF_LINEAR,
    BACKOFF_ARITHMETIC,
    BACKOFF_GEOMETRIC,
    BACKOFF_EXPONENTIAL
};

struct delivery_policy {
    int min_delay_s, max_delay_s;
    int retries;   /* total, after the first attempt */
    int no_delay;  /* the first ones without delay, */
    int min_delay; /* then these after min_delay_s, */
    int max_delay; /* the last after max_delay_s; the delays in between follow: */
    enum delivery_backoff backoff;
    int per_second;         /* maximum rate of deliveries to the subscription; 0: unlimited */
    char content_type[128]; /* of the request; empty: the default of SNS */
};

enum { DELIVERY_POLICY_TEXT_MAX = 200 };

/* Applies the attributes of the topic and the subscription to the default of SNS (3 retries, 20 s
 * apart). NULL or empty: not set. ERR_INVALID, with the reason in why. */
int delivery_policy_read(const char *topic, const char *subscription, struct delivery_policy *out,
                         char why[DELIVERY_POLICY_TEXT_MAX]);

/* The delay before the given retry (from 1) in milliseconds; -1: no such retry. */
int64_t delivery_policy_delay(const struct delivery_policy *policy, int retry);

/* When a delivery requested now may be sent. *next, the earliest time of the next one, is advanced;
 * both are in microseconds. Deliveries are spread evenly over each second. */
int64_t delivery_policy_slot(const struct delivery_policy *policy, int64_t now, int64_t *next);

/* The attribute EffectiveDeliveryPolicy; NULL if memory is short. */
json_t *delivery_policy_effective(const struct delivery_policy *policy, bool of_topic);

#endif
