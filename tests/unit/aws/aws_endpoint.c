/* The endpoints of services: those of the installed AWS SDKs, and hosts that are recognised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bucket_endpoint.h"
#include "endpoint_host.h"
#include "partition.h"

enum { LINE_SIZE = 512, TEXT_MAX = 1024, FIELDS = 6 };

static enum aws_service service_of(const char *id)
{
    int i = 0;
    while (i < AWS_SERVICE_COUNT && strcmp(aws_service_id((enum aws_service)i), id) != 0)
        i++;
    assert_int_not_equal(i, AWS_SERVICE_COUNT);
    return (enum aws_service)i;
}

/* Ours; "-" where it is refused. */
static char *url_of(enum aws_service service, const char *region, const char *bucket,
                    const struct endpoints *endpoints)
{
    struct buffer text;
    struct error error;
    bool in_path = false;
    buffer_init(&text, TEXT_MAX);
    int code = service == AWS_S3 ? endpoints_check(endpoints, region, &error) : 0;
    if (!code && strcmp(bucket, "-") != 0)
        code = bucket_endpoint_append(endpoints, bucket, region, &in_path, &text);
    else if (!code)
        code = endpoint_append(endpoints, service, region, &text);
    if (code) {
        buffer_clear(&text);
        buffer_text(&text, "-");
    }
    return buffer_take_text(&text);
}

/* service, region, dualstack, fips, bucket, URL */
static void row_check(char *line)
{
    char *fields[FIELDS], *state = NULL;
    line[strcspn(line, "\n")] = '\0';
    fields[0] = strtok_r(line, "\t", &state);
    for (int i = 1; i < FIELDS; i++)
        assert_non_null(fields[i] = strtok_r(NULL, "\t", &state));
    const bool dualstack = strcmp(fields[2], "true") == 0;
    const struct endpoints endpoints = {
        .dualstack = dualstack, .s3_dualstack = dualstack, .fips = strcmp(fields[3], "true") == 0};
    const enum aws_service service = service_of(fields[0]);
    char *ours = url_of(service, fields[1], fields[4], &endpoints);
    if (strcmp(ours, fields[5]) != 0)
        fail_msg("%s in %s, dualstack %s, fips %s, %s: %s instead of %s", fields[0], fields[1],
                 fields[2], fields[3], fields[4], ours, fields[5]);
    free(ours);
    /* The host of the URL is recognised, and its region with it. */
    if (strcmp(fields[4], "-") == 0 && strcmp(fields[5], "-") != 0) {
        const struct endpoint_host host =
            endpoint_host_read(service, slice_of(fields[5] + strlen("https://")));
        assert_true(slice_equal_text(host.region, fields[1]));
        assert_int_equal(host.dualstack, dualstack);
    }
}

static void rows_check(const char *command, size_t least)
{
    char line[LINE_SIZE];
    size_t count = 0;
    FILE *rows = popen(command, "re");
    assert_non_null(rows);
    while (fgets(line, sizeof line, rows)) {
        row_check(line);
        count++;
    }
    assert_int_equal(pclose(rows), 0);
    assert_in_range(count, least, SIZE_MAX);
}

static void endpoints_are_those_of_botocore(void **state)
{
    (void)state;
    rows_check("/usr/bin/python3 tests/unit/aws/endpoint_rows.py", 1000);
}

/* Its rules are newer, and know more partitions. */
static void endpoints_are_those_of_the_javascript_sdk(void **state)
{
    (void)state;
    if (access("tests/js/node_modules/@aws-sdk", F_OK))
        skip();
    rows_check("node tests/js/endpoint_rows.mjs", 2000);
}

static void hosts_are_recognised(void **state)
{
    (void)state;
    static const struct {
        enum aws_service service;
        const char *host, *region;
        bool vpc, dualstack, fips;
        const char *port;
    } cases[] = {
        {AWS_SQS, "sqs.eu-west-1.amazonaws.com", "eu-west-1", false, false, false, ""},
        {AWS_SQS, "sqs.eu-west-1.amazonaws.com:8443", "eu-west-1", false, false, false, ":8443"},
        {AWS_SQS, "sqs-fips.us-east-2.amazonaws.com", "us-east-2", false, false, true, ""},
        {AWS_SQS, "sqs-fips.us-east-2.api.aws", "us-east-2", false, true, true, ""},
        {AWS_SQS, "sqs.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1", false, true, false,
         ""},
        {AWS_SQS, "sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", false, false, false, ""},
        {AWS_SQS, "sqs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", false, false, false, ""},
        {AWS_SQS, "eu-west-1.queue.amazonaws.com", "eu-west-1", false, false, false, ""},
        {AWS_SQS, "queue.amazonaws.com", "us-east-1", false, false, false, ""},
        {AWS_SQS, "cn-north-1.queue.amazonaws.com.cn", "cn-north-1", false, false, false, ""},
        {AWS_SQS, "vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", true, false, false,
         ""},
        {AWS_SQS, "vpce-0a1-b2-eu-west-1c.sqs.eu-west-1.vpce.amazonaws.com:444", "eu-west-1", true,
         false, false, ":444"},
        {AWS_SQS, "vpce-0a1.sqs-fips.us-gov-west-1.vpce.amazonaws.com", "us-gov-west-1", true,
         false, true, ""},
        {AWS_SQS, "vpce-0a1.sqs.cn-north-1.vpce.amazonaws.com.cn", "cn-north-1", true, false, false,
         ""},
        {AWS_S3, "s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1", false, true, false, ""},
        {AWS_S3, "s3-fips.dualstack.us-east-1.amazonaws.com", "us-east-1", false, true, true, ""},
        {AWS_S3, "bucket.vpce-0a1.s3.eu-west-1.vpce.amazonaws.com", "eu-west-1", true, false, false,
         ""},
        {AWS_S3, "s3.amazonaws.com", "us-east-1", false, false, false, ""},
        {AWS_STS, "sts.amazonaws.com", "us-east-1", false, false, false, ""},
        {AWS_SSO, "portal.sso.eu-west-1.amazonaws.com", "eu-west-1", false, false, false, ""},
        /* other services, other owners of names, and regions of another partition */
        {AWS_SQS, "sns.eu-west-1.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "vpce-0a1.s3.eu-west-1.vpce.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "my.sqs.eu-west-1.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "sqs.eu-west-1.amazonaws.com.example.org", NULL, false, false, false, ""},
        {AWS_SQS, "sqs.eu-west-1.notamazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "sqs.cn-north-1.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "sqs.eu-west-1.amazonaws.com.cn", NULL, false, false, false, ""},
        {AWS_SQS, "sqs..amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, ".queue.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "a.b.queue.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "sqs.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "vpce.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "queue.amazonaws.com.cn", NULL, false, false, false, ""},
        {AWS_SQS, "sqs.EU-WEST-1.amazonaws.com", NULL, false, false, false, ""},
        {AWS_SQS, "127.0.0.1:4566", NULL, false, false, false, ":4566"},
        {AWS_SQS, ":1", NULL, false, false, false, ":1"},
        {AWS_SQS, "", NULL, false, false, false, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct endpoint_host host =
            endpoint_host_read(cases[i].service, slice_of(cases[i].host));
        const bool equal = slice_equal(host.region, slice_of(cases[i].region)) &&
                           host.vpc == cases[i].vpc && host.dualstack == cases[i].dualstack &&
                           host.fips == cases[i].fips && slice_equal_text(host.port, cases[i].port);
        if (!equal)
            fail_msg("%s: %.*s", cases[i].host, (int)host.region.size, host.region.data);
    }
}

static void other_arns_and_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "a/b",
        "arn:aws:s3:::photos",
        "arn:aws:s3::123456789012:accesspoint/m.mrap",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/a.b",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/cats/dogs",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/-cats",
        "arn:aws:s3:eu-west-1:1234:accesspoint/cats",
        "arn:aws:s3:eu-west-1.example.org:123456789012:accesspoint/cats",
        "arn:aws:s3:cn-north-1:123456789012:accesspoint/cats",
        "arn:aws-cn:s3:eu-west-1:123456789012:accesspoint/cats",
        "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/cats",
        "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/cats",
        "arn:aws:sqs:eu-west-1:123456789012:cats",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/"
        "a-name-of-fifty-one-characters-which-is-one-too-many",
    };
    const struct endpoints none = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *url = url_of(AWS_S3, "eu-west-1", names[i], &none);
        if (strcmp(url, "-") != 0)
            fail_msg("%s: %s", names[i], url);
        free(url);
    }
}

static void access_points_at_other_endpoints(void **state)
{
    (void)state;
    static const char arn[] = "arn:aws:s3:eu-west-1:123456789012:accesspoint/cats";
    static const struct {
        const char *endpoint, *url;
    } cases[] = {
        {"https://accesspoint.vpce-1.s3.eu-west-1.vpce.amazonaws.com",
         "https://cats-123456789012.accesspoint.vpce-1.s3.eu-west-1.vpce.amazonaws.com"},
        {"http://localhost:4566/s3", "http://cats-123456789012.localhost:4566/s3"},
        {"http://127.0.0.1:4566", "-"},
        {"http://[::1]:4566", "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct endpoints endpoints = {.urls[AWS_S3] = (char *)(uintptr_t)cases[i].endpoint};
        char *url = url_of(AWS_S3, "us-east-1", arn, &endpoints);
        assert_string_equal(url, cases[i].url);
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_those_of_botocore),
        cmocka_unit_test(endpoints_are_those_of_the_javascript_sdk),
        cmocka_unit_test(hosts_are_recognised),
        cmocka_unit_test(other_arns_and_names_are_refused),
        cmocka_unit_test(access_points_at_other_endpoints),
    };
    return cmocka_run_group_tests_name("aws_endpoint", tests, NULL, NULL);
}
