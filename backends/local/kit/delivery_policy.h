/*
 * Delivery policies: how often, and after how long, a delivery over HTTP is tried again, and how
 * many there may be in a second.
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
    int retries;   /* in all, after the first attempt */
    int no_delay;  /* the first of them at once, */
    int min_delay; /* then these after min_delay_s, */
    int max_delay; /* the last after max_delay_s, and between them from one to the other: */
    enum delivery_backoff backoff;
    int per_second;         /* deliveries to the subscription at most; 0: as many as there are */
    char content_type[128]; /* of the request; empty: SNS's */
};

enum { DELIVERY_POLICY_TEXT_MAX = 200 };

/* What a topic's and a subscription's attribute make of SNS's default (3 retries, 20 s apart). NULL
 * or empty: not set. ERR_INVALID with why. */
int delivery_policy_read(const char *topic, const char *subscription, struct delivery_policy *out,
                         char why[DELIVERY_POLICY_TEXT_MAX]);

/* Before the given retry (from 1), in milliseconds; -1: there is none. */
int64_t delivery_policy_delay(const struct delivery_policy *policy, int retry);

/* When a delivery may be that is wanted now, where *next is when the next one may be (both in
 * microseconds), which it moves on: they are spread evenly over each second. */
int64_t delivery_policy_slot(const struct delivery_policy *policy, int64_t now, int64_t *next);

/* The attribute EffectiveDeliveryPolicy; NULL without memory. */
json_t *delivery_policy_effective(const struct delivery_policy *policy, bool of_topic);

#endif
