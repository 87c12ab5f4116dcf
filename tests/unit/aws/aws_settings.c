/* Sources of credentials, region and endpoints, checked in the requests sent. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "profile.h"
#include "scripted_http.h"

static const char *const variables[] = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
    "AWS_ENDPOINT_URL_REKOGNITION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_ENDPOINT_URL_STS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
};

static char directory[64];

static void path_of(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", directory, name);
}

static void file_write(const char *name, const char *text)
{
    char path[128];
    path_of(name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    char path[128];
    strcpy(directory, "/tmp/aws-settings-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    path_of("config", path);
    setenv("AWS_CONFIG_FILE", path, 1);
    path_of("credentials", path);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    path_of("config", path);
    unlink(path);
    path_of("credentials", path);
    unlink(path);
    return rmdir(directory);
}

static void on_done(const struct error *error, void *user)
{
    assert_int_equal(error->code, 0);
    *(bool *)user = true;
}

static void on_head(const struct object_facts *facts, const struct error *error, void *user)
{
    (void)facts;
    on_done(error, user);
}

/* Sends a request to each service with these options. */
static void send_both(const struct backend_settings *options)
{
    bool done = false;
    const struct object_name name = {"photos", "a", NULL, NULL};
    SCRIPT(options, {.status = 200},
           {.status = 200,
            .body = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>"
                    "</PublishResponse>"});
    struct object_store *store = aws_object_store(script.aws);
    assert_int_equal(store->ops->head(store, &name, on_head, &done, NULL), 0);
    script_run(&done);
    done = false;
    struct script_publish publish = {on_done, &done};
    assert_int_equal(script_publish_start(&publish, "arn:aws:sns:eu-west-1:1:t", NULL, "m"), 0);
    script_run(&done);
}

static void assert_signed_by(const char *access_key)
{
    char credential[128];
    snprintf(credential, sizeof credential, "Credential=%s/", access_key);
    assert_non_null(strstr(script_header(0, "authorization"), credential));
}

static void assert_url(size_t request, const char *url)
{
    assert_string_equal(script.requests[request].url, url);
}

static struct error refused(const struct backend_settings *options)
{
    uv_loop_t loop;
    struct aws *aws = NULL;
    struct error error = {0};
    assert_int_equal(uv_loop_init(&loop), 0);
    int code = aws_create(&loop, NULL, options, &aws, &error);
    assert_int_not_equal(code, 0);
    assert_int_equal(code, error.code);
    assert_null(aws);
    assert_int_equal(uv_loop_close(&loop), 0);
    return error;
}

static const struct backend_settings nothing;

static void the_environment_is_read(void **state)
{
    (void)state;
    setenv("AWS_REGION", "eu-north-1", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    file_write("credentials", "[default]\naws_access_key_id = AKIDFILE\n"
                              "aws_secret_access_key = secret\n");
    send_both(&nothing);
    assert_signed_by("AKIDENVIRONMENT");
    assert_string_equal(script_header(0, "x-amz-security-token"), "token");
    assert_url(0, "https://photos.s3.eu-north-1.amazonaws.com/a");
    script_end();
}

/* The AWS SDKs would use another identity. Each of these alone means SSO to botocore (SSOProvider),
 * with an error for what is missing. */
static void other_identities_are_not_replaced_by_keys(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *text;
    } cases[] = {
        {"role_arn = arn:aws:iam::1:role/r", "role_arn"},
        {"web_identity_token_file = /token", "web_identity_token_file"},
        {"sso_session = s", "sso_start_url"},
        {"sso_start_url = https://s", "sso_region"},
        {"sso_role_name = r", "sso_start_url"},
        {"sso_start_url = https://s\nsso_account_id = 1\nsso_role_name = r\n"
         "sso_region = example.org/",
         "sso_region = example.org/, which is not"},
        {"sso_account_id = 111122223333", "sso_start_url"},
    };
    const struct backend_settings with = {.region = "eu-west-1"};
    file_write("credentials", "[default]\naws_access_key_id = AKIDFILE\n"
                              "aws_secret_access_key = secret\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text, "[default]\n%s\n", cases[i].setting);
        file_write("config", text);
        struct error error = refused(&with);
        assert_int_equal(error.code, ERR_INVALID);
        assert_non_null(strstr(error.text, cases[i].text));
    }
    file_write("config", "");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token", 1);
    assert_non_null(strstr(refused(&with).text, "AWS_ROLE_ARN"));
    unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
}

/* ---- credentials that are fetched ---- */

#define ASSUMED(key, expires)                                                                      \
    {                                                                                              \
        .status = 200,                                                                             \
        .body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" key             \
                "</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token"       \
                "</SessionToken><Expiration>" expires                                              \
                "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"              \
    }

static void role_write(void)
{
    file_write("config", "[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/r\n"
                         "source_profile = default\naws_access_key_id = AKIDSOURCE\n"
                         "aws_secret_access_key = secret\n");
}

/* ---- keys that are rotated ---- */

static void file_write_settled(const char *name, const char *text)
{
    char path[128];
    const struct timespec long_ago[] = {{1000000000, 0}, {1000000000, 0}};
    file_write(name, text);
    path_of(name, path);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

#define REFUSED                                                                                    \
    {                                                                                              \
        .status = 403, .body = "<ErrorResponse><Error><Code>ExpiredToken</Code>"                   \
                               "<Message>no</Message></Error></ErrorResponse>"                     \
    }
#define PUBLISHED                                                                                  \
    {                                                                                              \
        .status = 200,                                                                             \
        .body = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>"         \
                "</PublishResponse>"                                                               \
    }

static void on_published(const struct error *error, void *user)
{
    (void)error;
    *(bool *)user = true;
}

static void publish(void)
{
    bool done = false;
    struct script_publish publish = {on_published, &done};
    assert_int_equal(script_publish_start(&publish, "arn:aws:sns:eu-west-1:1:t", NULL, "m"), 0);
    script_run(&done);
}

static void assert_request_signed_by(size_t request, const char *access_key)
{
    char credential[128];
    snprintf(credential, sizeof credential, "Credential=%s/", access_key);
    assert_non_null(strstr(script_header(request, "authorization"), credential));
}

static const char OLD_KEYS[] = "[default]\naws_access_key_id = AKIDOLD\n"
                               "aws_secret_access_key = secret\naws_session_token = old\n",
                  NEW_KEYS[] = "[default]\naws_access_key_id = AKIDNEW\n"
                               "aws_secret_access_key = secret\naws_session_token = new\n";

static const struct backend_settings in_ireland = {.region = "eu-west-1"};

static void rotated_keys_are_read_when_the_old_ones_are_refused(void **state)
{
    (void)state;
    file_write_settled("credentials", OLD_KEYS);
    SCRIPT(&in_ireland, REFUSED, PUBLISHED);
    file_write_settled("credentials", NEW_KEYS);
    publish();
    assert_request_signed_by(0, "AKIDOLD");
    assert_request_signed_by(1, "AKIDNEW");
    assert_string_equal(script_header(1, "x-amz-security-token"), "new");
    script_end();
}

#define ROLE_KEYS "aws_access_key_id = AKIDNEW\naws_secret_access_key = secret\n"

static void a_file_that_is_half_written_changes_nothing(void **state)
{
    (void)state;
    static const char *const halves[] = {"", "[default]\naws_access_key_id = AKIDNEW\n",
                                         "[default]\naws_access_key_i",
                                         "[default]\nrole_arn = arn:aws:iam::1:role/r\n" ROLE_KEYS};
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        file_write_settled("credentials", OLD_KEYS);
        SCRIPT(&in_ireland, REFUSED, PUBLISHED);
        file_write_settled("credentials", halves[i]);
        publish();
        assert_request_signed_by(1, "AKIDOLD");
        assert_string_equal(script_header(1, "x-amz-security-token"), "old");
        script_end();
    }
}

static void assert_sent_to(size_t request, const char *service, const char *access_key)
{
    assert_non_null(strstr(script.requests[request].url, service));
    assert_request_signed_by(request, access_key);
}

/* Two requests wait for one AssumeRole. */
static void requests_wait_for_credentials_that_are_fetched_once(void **state)
{
    (void)state;
    bool first = false, second = false;
    role_write();
    SCRIPT(&nothing, ASSUMED("AKIDROLE", "2099-01-01T00:00:00Z"), PUBLISHED, PUBLISHED);
    struct script_publish one = {on_published, &first}, two = {on_published, &second};
    assert_int_equal(script_publish_start(&one, "arn:aws:sns:eu-west-1:1:t", NULL, "m"), 0);
    assert_int_equal(script_publish_start(&two, "arn:aws:sns:eu-west-1:1:t", NULL, "m"), 0);
    script_run(&first);
    script_run(&second);
    assert_sent_to(0, "https://sts.eu-west-1.amazonaws.com/", "AKIDSOURCE");
    assert_sent_to(1, "sns", "AKIDROLE");
    assert_sent_to(2, "sns", "AKIDROLE");
    assert_string_equal(script_header(2, "x-amz-security-token"), "token");
    script_end();
}

static void a_request_that_waits_for_credentials_can_be_cancelled(void **state)
{
    (void)state;
    bool done = false;
    role_write();
    SCRIPT(&nothing, {.never = true});
    struct script_publish one = {on_published, &done};
    assert_int_equal(script_publish_start(&one, "arn:aws:sns:eu-west-1:1:t", NULL, "m"), 0);
    while (!script.sent)
        uv_run(&script.loop, UV_RUN_ONCE);
    script_end();
    assert_false(done);
}

static void a_request_is_sent_again_with_the_credentials_that_replace_expired_ones(void **state)
{
    (void)state;
    role_write();
    SCRIPT(&nothing, ASSUMED("AKIDONE", "2099-01-01T00:00:00Z"), PUBLISHED, REFUSED,
           ASSUMED("AKIDTWO", "2099-01-01T00:00:00Z"), PUBLISHED);
    publish();
    publish();
    assert_sent_to(2, "sns", "AKIDONE");
    assert_sent_to(3, "sts", "AKIDSOURCE");
    assert_sent_to(4, "sns", "AKIDTWO");
    script_end();
}

static void keys_that_stay_refused_are_an_error(void **state)
{
    (void)state;
    file_write_settled("credentials", OLD_KEYS);
    SCRIPT(&in_ireland, REFUSED, REFUSED, REFUSED);
    publish();
    script_end();
}

static void keys_of_the_environment_do_not_change(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    SCRIPT(&in_ireland, REFUSED);
    file_write_settled("credentials", NEW_KEYS);
    publish();
    script_end();
}

static void a_file_is_settled_a_second_after_its_last_change(void **state)
{
    (void)state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct profile profile = {.modified_ms = (int64_t)now.tv_sec * 1000 + 60000};
    assert_true(profile_is_settled(&profile)); /* a clock's fault */
    profile.modified_ms -= 60000 - 900;
    assert_false(profile_is_settled(&profile));
    profile.modified_ms -= 2000;
    assert_true(profile_is_settled(&profile));
}

static void default_profile(void **state)
{
    (void)state;
    file_write("credentials", "[default]\naws_access_key_id = AKIDFILE\n"
                              "aws_secret_access_key = secret\n");
    file_write("config", "[default]\nregion = eu-west-3\n");
    send_both(&nothing);
    assert_signed_by("AKIDFILE");
    assert_null(script_header(0, "x-amz-security-token"));
    assert_url(0, "https://photos.s3.eu-west-3.amazonaws.com/a");
    script_end();
}

static const char two_profiles[] = "[default]\naws_access_key_id = AKIDDEFAULT\n"
                                   "aws_secret_access_key = secret\n"
                                   "[dev]\naws_access_key_id = AKIDDEV\n"
                                   "aws_secret_access_key = secret\naws_session_token = t\n";

static void profile_by_variable(void **state)
{
    (void)state;
    setenv("AWS_PROFILE", "dev", 1);
    file_write("credentials", two_profiles);
    file_write("config", "[default]\nregion = eu-west-3\n[profile dev]\nregion = us-west-1\n");
    send_both(&nothing);
    assert_signed_by("AKIDDEV");
    assert_string_equal(script_header(0, "x-amz-security-token"), "t");
    assert_url(0, "https://photos.s3.us-west-1.amazonaws.com/a");
    script_end();
}

/* A profile that the caller names takes precedence over keys in the environment, as in the AWS
 * CLI. */
static void profile_by_option(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_REGION", "eu-north-1", 1);
    file_write("credentials", two_profiles);
    const struct backend_settings options = {.profile = "dev"};
    send_both(&options);
    assert_signed_by("AKIDDEV");
    script_end();
}

static void keys_in_config_file(void **state)
{
    (void)state;
    setenv("AWS_PROFILE", "dev", 1);
    file_write("config", "[profile dev]\nregion = us-west-1\naws_access_key_id = AKIDCONFIG\n"
                         "aws_secret_access_key = secret\n");
    send_both(&nothing);
    assert_signed_by("AKIDCONFIG");
    script_end();
}

static void keys_in_environment(void)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
}

static void endpoints_are_resolved(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1/", 1);
    setenv("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:2", 1);
    send_both(&nothing);
    assert_url(0, "http://127.0.0.1:1/photos/a");
    assert_url(1, "http://127.0.0.1:2/");
    script_end();
}

static void endpoints_in_files(void **state)
{
    (void)state;
    keys_in_environment();
    file_write("config", "[default]\nregion = eu-west-1\nservices = here\n"
                         "endpoint_url = http://127.0.0.1:1\n"
                         "[services here]\ns3 =\n  endpoint_url = http://127.0.0.1:3\n");
    send_both(&nothing);
    assert_url(0, "http://127.0.0.1:3/photos/a");
    assert_url(1, "http://127.0.0.1:1/");
    script_end();
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    send_both(&nothing);
    assert_url(0, "https://photos.s3.eu-west-1.amazonaws.com/a");
    script_end();
}

/* The order of botocore: a variable for the service, one for all, the file's services section, and
 * the profile. */
static void the_environment_comes_before_the_files(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    file_write("config", "[default]\nregion = eu-west-1\nservices = here\n"
                         "endpoint_url = http://127.0.0.1:4\n"
                         "[services here]\ns3 =\n  endpoint_url = http://127.0.0.1:3\n");
    send_both(&nothing);
    assert_url(0, "http://127.0.0.1:1/photos/a");
    assert_url(1, "http://127.0.0.1:1/");
    script_end();
    setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2", 1);
    send_both(&nothing);
    assert_url(0, "http://127.0.0.1:2/photos/a");
    assert_url(1, "http://127.0.0.1:1/");
    script_end();
}

static void endpoints_are_ignored_by_the_profile_and_not_if_given(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    file_write("config", "[default]\nregion = eu-west-1\nservices = missing\n"
                         "ignore_configured_endpoint_urls = True\n");
    send_both(&nothing);
    assert_url(0, "https://photos.s3.eu-west-1.amazonaws.com/a");
    assert_url(1, "https://sns.eu-west-1.amazonaws.com/");
    script_end();
    send_both(&(struct backend_settings){.endpoint = "http://127.0.0.1:5"});
    assert_url(0, "http://127.0.0.1:5/photos/a");
    script_end();
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", 1); /* the variable comes first */
    assert_non_null(strstr(refused(&nothing).text, "[services missing]"));
}

static void variants_of_endpoints(void **state)
{
    (void)state;
    keys_in_environment();
    file_write("config", "[default]\nregion = us-east-1\nuse_dualstack_endpoint = true\n");
    send_both(&nothing);
    assert_url(0, "https://photos.s3.dualstack.us-east-1.amazonaws.com/a");
    assert_url(1, "https://sns.eu-west-1.api.aws/");
    script_end();
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "false", 1);
    setenv("AWS_USE_FIPS_ENDPOINT", "True", 1);
    send_both(&nothing);
    assert_url(0, "https://photos.s3-fips.us-east-1.amazonaws.com/a");
    assert_url(1, "https://sns-fips.eu-west-1.amazonaws.com/");
    script_end();
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    file_write("config", "[default]\nregion = us-east-1\nuse_fips_endpoint = true\n"
                         "s3 =\n  use_dualstack_endpoint = true\n");
    send_both(&nothing); /* S3's own setting, older than the variable */
    assert_url(0, "https://photos.s3.dualstack.us-east-1.amazonaws.com/a");
    assert_url(1, "https://sns.eu-west-1.amazonaws.com/");
    script_end();
}

static void variants_that_cannot_be(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_REGION", "eu-west-1", 1);
    setenv("AWS_USE_FIPS_ENDPOINT", "yes", 1);
    assert_non_null(strstr(refused(&nothing).text, "\"yes\"; it must be true or false"));
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1", 1);
    assert_non_null(
        strstr(refused(&nothing).text, "AWS_USE_FIPS_ENDPOINT and an endpoint for SQS"));
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
    assert_non_null(strstr(refused(&nothing).text, "AWS_USE_DUALSTACK_ENDPOINT and"));
    unsetenv("AWS_ENDPOINT_URL_SQS");
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    setenv("AWS_REGION", "cn-north-1", 1);
    assert_non_null(strstr(refused(&nothing).text, "S3 has no FIPS endpoint in cn-north-1"));
}

/* An endpoint in a VPC is of one region, whatever region is set. */
static void a_topic_is_called_in_its_own_region(void **state)
{
    (void)state;
    send_both(&script_options);
    assert_url(0, "https://photos.s3.eu-central-1.amazonaws.com/a");
    assert_url(1, "https://sns.eu-west-1.amazonaws.com/");
    assert_non_null(strstr(script_header(1, "authorization"), "/eu-west-1/sns/aws4_request"));
    script_end();
}

static void requests_are_signed_for_the_region_of_the_endpoint(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_REGION", "eu-west-1", 1);
    setenv("AWS_ENDPOINT_URL_S3", "https://bucket.vpce-1-2.s3.us-east-2.vpce.amazonaws.com", 1);
    setenv("AWS_ENDPOINT_URL_SNS", "https://vpce-1-2.sns.us-west-2.vpce.amazonaws.com", 1);
    send_both(&nothing);
    assert_url(0, "https://bucket.vpce-1-2.s3.us-east-2.vpce.amazonaws.com/photos/a");
    assert_non_null(strstr(script_header(0, "authorization"), "/us-east-2/s3/aws4_request"));
    assert_url(1, "https://vpce-1-2.sns.us-west-2.vpce.amazonaws.com/");
    assert_non_null(strstr(script_header(1, "authorization"), "/us-west-2/sns/aws4_request"));
    script_end();
}

/* The embedded cloud's client must not use the user's files. */
static void environment_is_ignored(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    file_write("config", "not a config file\n");
    send_both(&script_options);
    assert_signed_by("AKIDEXAMPLE");
    assert_url(0, "https://photos.s3.eu-central-1.amazonaws.com/a");
    script_end();
    assert_int_equal(
        refused(&(struct backend_settings){.region = "eu-west-1", .ignore_environment = true}).code,
        ERR_DENIED);
}

static void nothing_found(void **state)
{
    (void)state;
    setenv("AWS_REGION", "eu-west-1", 1);
    struct error error = refused(&nothing);
    assert_int_equal(error.code, ERR_DENIED);
    assert_non_null(strstr(error.text, "AWS_ACCESS_KEY_ID"));
    unsetenv("AWS_REGION");
    keys_in_environment();
    error = refused(&nothing);
    assert_int_equal(error.code, ERR_INVALID);
    assert_non_null(strstr(error.text, "AWS_REGION"));
}

/* An incomplete key pair never falls through to other keys. */
static void half_a_pair(void **state)
{
    (void)state;
    setenv("AWS_REGION", "eu-west-1", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT", 1);
    file_write("credentials", two_profiles);
    assert_int_equal(refused(&nothing).code, ERR_INVALID);
}

static void bad_settings(void **state)
{
    (void)state;
    keys_in_environment();
    setenv("AWS_REGION", "eu-west-1", 1);
    struct error error = refused(&(struct backend_settings){.profile = "nobody"});
    assert_int_equal(error.code, ERR_INVALID);
    assert_non_null(strstr(error.text, "\"nobody\""));
    static const char *const endpoints[] = {"127.0.0.1:4566", "ftp://127.0.0.1", "http://",
                                            "http://user:pass@127.0.0.1", "http://127.0.0.1/?a=b"};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        assert_int_equal(refused(&(struct backend_settings){.endpoint = endpoints[i]}).code,
                         ERR_INVALID);
    assert_int_equal(refused(&(struct backend_settings){.region = "Frankfurt!"}).code, ERR_INVALID);
    file_write("config", "[default]\nregion: eu-west-1\n");
    error = refused(&nothing);
    assert_int_equal(error.code, ERR_INVALID);
    assert_non_null(strstr(error.text, "config:2"));
}

#define SETTINGS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(the_environment_is_read),
        SETTINGS_TEST(default_profile),
        SETTINGS_TEST(other_identities_are_not_replaced_by_keys),
        SETTINGS_TEST(requests_wait_for_credentials_that_are_fetched_once),
        SETTINGS_TEST(a_request_that_waits_for_credentials_can_be_cancelled),
        SETTINGS_TEST(a_request_is_sent_again_with_the_credentials_that_replace_expired_ones),
        SETTINGS_TEST(profile_by_variable),
        SETTINGS_TEST(profile_by_option),
        SETTINGS_TEST(keys_in_config_file),
        SETTINGS_TEST(endpoints_are_resolved),
        SETTINGS_TEST(endpoints_in_files),
        SETTINGS_TEST(the_environment_comes_before_the_files),
        SETTINGS_TEST(endpoints_are_ignored_by_the_profile_and_not_if_given),
        SETTINGS_TEST(variants_of_endpoints),
        SETTINGS_TEST(variants_that_cannot_be),
        SETTINGS_TEST(a_topic_is_called_in_its_own_region),
        SETTINGS_TEST(requests_are_signed_for_the_region_of_the_endpoint),
        SETTINGS_TEST(environment_is_ignored),
        SETTINGS_TEST(nothing_found),
        SETTINGS_TEST(half_a_pair),
        SETTINGS_TEST(bad_settings),
        SETTINGS_TEST(rotated_keys_are_read_when_the_old_ones_are_refused),
        SETTINGS_TEST(a_file_that_is_half_written_changes_nothing),
        SETTINGS_TEST(keys_that_stay_refused_are_an_error),
        SETTINGS_TEST(keys_of_the_environment_do_not_change),
        SETTINGS_TEST(a_file_is_settled_a_second_after_its_last_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
