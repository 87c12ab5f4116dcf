/*
 * Credentials that expire, as the calls see them that are signed with them: when they are refreshed,
 * what happens while that fails, and which calls wait. The calls are SNS Publish; the credentials
 * are those of a container, of an EC2 instance or of a file. All of it is on the virtual clock, the
 * time of day too.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws.h"
#include "log.h"
#include "scripted_http.h"

#define TOPIC "arn:aws:sns:eu-central-1:123456789012:photos"
#define AGENT "http://127.0.0.1:9/credentials"
#define IMDS  "http://127.0.0.1:8"

enum { EPOCH_S = 1790000000, HOUR_S = 3600, EARLY_S = 600, MANY = 100 };

/* The issuer of credentials AKID1, AKID2, …, and the service that they are for. */
static struct {
    unsigned issued;
    unsigned lifetime_s;
    int status, error; /* of the issuer, instead of credentials; 0: none */
    bool is_late;      /* it issues credentials that have expired */
    unsigned delay_ms;
    unsigned asked; /* requests to the issuer */
    uint64_t asked_at_ms[MANY];
    unsigned sent, revoked; /* requests to the service; it rejects the keys up to this one */
    char signer[32];        /* of the last */
    char body[512];
} world;

static int log_fd;

/* The time of day follows the virtual clock. */
time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (out)
        *out = EPOCH_S + now.tv_sec;
    return EPOCH_S + now.tv_sec;
}

/* ---- the services ---- */

static const struct scripted_response *issue(void)
{
    struct tm tm;
    char expiration[32];
    time_t end = time(NULL) + (world.is_late ? -60 : (time_t)world.lifetime_s);
    strftime(expiration, sizeof expiration, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &tm));
    snprintf(world.body, sizeof world.body,
             "{\"AccessKeyId\":\"AKID%u\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
             "\"Expiration\":\"%s\"}",
             ++world.issued, expiration);
    static struct scripted_response response;
    response =
        (struct scripted_response){.status = 200, .body = world.body, .delay_ms = world.delay_ms};
    return &response;
}

static const struct scripted_response *issuer(const char *url)
{
    static struct scripted_response failure;
    static const struct scripted_response token = {.status = 200, .body = "token"},
                                          role = {.status = 200, .body = "role"};
    static const char roles[] = "/latest/meta-data/iam/security-credentials/";
    if (strcmp(url, IMDS "/latest/api/token") == 0 && !world.error)
        return &token;
    world.asked_at_ms[world.asked++ % MANY] = uv_now(&script.loop);
    failure = (struct scripted_response){.status = world.status, .error = world.error};
    if (world.status || world.error)
        return &failure;
    return strncmp(url, IMDS, sizeof IMDS - 1) == 0 && strcmp(url + sizeof IMDS - 1, roles) == 0
               ? &role
               : issue();
}

static const struct scripted_response *respond(const struct http_request *request)
{
    static const struct scripted_response
        published = {.status = 200,
                     .body = "<PublishResponse><PublishResult><MessageId>m</MessageId>"
                             "</PublishResult></PublishResponse>"},
        expired = {.status = 403,
                   .body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security "
                           "token included in the request is expired</Message></Error>"
                           "</ErrorResponse>"};
    if (strncmp(request->url, "http://127.0.0.1", 16) == 0)
        return issuer(request->url);
    world.sent++;
    for (size_t i = 0; i < request->header_count; i++) {
        const char *key = strstr(request->headers[i].value, "Credential=");
        if (key)
            snprintf(world.signer, sizeof world.signer, "%.*s", (int)strcspn(key + 11, "/"),
                     key + 11);
    }
    return strncmp(world.signer, "AKID", 4) == 0 &&
                   (unsigned)atoi(world.signer + 4) <= world.revoked
               ? &expired
               : &published;
}

/* ---- calls and time ---- */

static void begin(void)
{
    const struct backend_settings options = {.region = "eu-central-1"};
    const unsigned lifetime_s = world.lifetime_s ? world.lifetime_s : HOUR_S;
    memset(&world, 0, sizeof world);
    world.lifetime_s = lifetime_s;
    script_begin(NULL, 0, &options);
    script.respond = respond;
    assert_int_equal(ftruncate(log_fd, 0), 0);
    assert_int_equal(lseek(log_fd, 0, SEEK_SET), 0);
}

static void end(void)
{
    script_end();
    world.lifetime_s = 0;
}

static struct error publish(void)
{
    struct script_outcome seen = {0};
    struct script_publish call = {script_on_done, &seen};
    assert_int_equal(script_publish_start(&call, TOPIC, NULL, "a message"), 0);
    script_run(&seen.done);
    return seen.error;
}

/* Publishes; it must succeed with this key. */
static void publish_as(const char *signer)
{
    struct error error = publish();
    assert_string_equal(error.text, "");
    assert_int_equal(error.code, 0);
    assert_string_equal(world.signer, signer);
}

static void on_passed(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void pass_ms(uint64_t ms)
{
    bool passed = false;
    uv_timer_t timer = {.data = &passed};
    uv_update_time(&script.loop);
    assert_int_equal(uv_timer_init(&script.loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, on_passed, ms, 0), 0);
    script_run(&passed);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&script.loop, UV_RUN_NOWAIT);
}

static void pass_s(unsigned seconds)
{
    pass_ms(seconds * 1000ull);
}

static unsigned lines_with(const char *text)
{
    unsigned count = 0;
    struct stat facts;
    assert_int_equal(fstat(log_fd, &facts), 0);
    char *all = calloc(1, (size_t)facts.st_size + 1);
    assert_non_null(all);
    assert_int_equal(pread(log_fd, all, (size_t)facts.st_size, 0), facts.st_size);
    for (const char *at = all; (at = strstr(at, text)); at += strlen(text))
        count++;
    free(all);
    return count;
}

/* ---- when ---- */

/* How many seconds before their end credentials are refreshed that are valid for so long. The call
 * that begins it does not wait for it. */
static unsigned refreshed_before_end(unsigned lifetime_s, unsigned from_s)
{
    world.lifetime_s = lifetime_s;
    begin();
    publish_as("AKID1");
    pass_s(lifetime_s - from_s);
    unsigned left_s = from_s;
    for (; left_s; left_s--) {
        publish_as("AKID1");
        if (world.asked == 2)
            break;
        pass_s(1);
    }
    pass_ms(1);
    publish_as("AKID2");
    end();
    return left_s;
}

static void assert_refreshed(unsigned lifetime_s, unsigned early_s)
{
    enum { ROUNDS = 12 };
    const unsigned jitter_s = early_s / 5;
    unsigned least = early_s * 2, most = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned left_s = refreshed_before_end(lifetime_s, early_s + jitter_s + 5);
        least = left_s < least ? left_s : least;
        most = left_s > most ? left_s : most;
    }
    assert_in_range(least, early_s - 1, early_s + jitter_s + 1);
    assert_in_range(most, least + 1, early_s + jitter_s + 1); /* not always the same */
}

static void refreshed_ten_minutes_before_the_end_with_jitter(void **state)
{
    (void)state;
    assert_refreshed(HOUR_S, EARLY_S);
    assert_refreshed(12 * HOUR_S, EARLY_S);
}

static void credentials_of_less_than_twenty_minutes_are_refreshed_halfway(void **state)
{
    (void)state;
    assert_refreshed(900, 450);
    assert_refreshed(60, 30);
}

/* ---- one refresh ---- */

struct crowd {
    struct script_outcome outcomes[MANY];
    struct script_publish calls[MANY];
};

static void crowd_start(struct crowd *crowd)
{
    memset(crowd, 0, sizeof *crowd);
    for (size_t i = 0; i < MANY; i++) {
        crowd->calls[i] = (struct script_publish){script_on_done, &crowd->outcomes[i]};
        assert_int_equal(script_publish_start(&crowd->calls[i], TOPIC, NULL, "a message"), 0);
    }
}

static void crowd_succeeds(struct crowd *crowd)
{
    for (size_t i = 0; i < MANY; i++) {
        script_run(&crowd->outcomes[i].done);
        assert_int_equal(crowd->outcomes[i].error.code, 0);
    }
}

static void many_calls_share_one_refresh(void **state)
{
    (void)state;
    static struct crowd crowd;
    begin();
    world.delay_ms = 1500;
    crowd_start(&crowd);
    assert_int_equal(world.sent, 0); /* they wait */
    crowd_succeeds(&crowd);
    assert_int_equal(world.asked, 1);
    assert_int_equal(world.sent, MANY);
    pass_s(HOUR_S - EARLY_S);
    crowd_start(&crowd);
    crowd_succeeds(&crowd);
    assert_string_equal(world.signer, "AKID1");
    pass_s(2);
    crowd_start(&crowd);
    crowd_succeeds(&crowd);
    assert_int_equal(world.asked, 2);
    assert_string_equal(world.signer, "AKID2");
    end();
}

static void rejected_calls_share_one_refresh_and_are_sent_again(void **state)
{
    (void)state;
    static struct crowd crowd;
    begin();
    publish_as("AKID1");
    world.revoked = 1;
    world.delay_ms = 1500;
    crowd_start(&crowd);
    crowd_succeeds(&crowd);
    assert_int_equal(world.asked, 2);
    assert_int_equal(world.sent, 1 + 2 * MANY);
    assert_string_equal(world.signer, "AKID2");
    end();
}

static void a_call_whose_new_credentials_are_rejected_too_fails(void **state)
{
    (void)state;
    begin();
    world.revoked = 1000;
    struct error error = publish();
    assert_int_equal(error.code, ERR_EXPIRED);
    assert_non_null(strstr(error.text, "ExpiredToken"));
    assert_in_range(world.sent, 2, 4);
    assert_true(world.asked <= world.sent);
    end();
}

/* ---- while it fails ---- */

static void old_credentials_are_used_until_their_end_with_a_line_a_minute(void **state)
{
    (void)state;
    begin();
    publish_as("AKID1");
    world.status = 503;
    pass_s(HOUR_S - EARLY_S - 1);
    for (unsigned left_s = EARLY_S; left_s; left_s--) {
        publish_as("AKID1");
        pass_s(1);
    }
    /* At least a minute lies between two, and the next attempt follows within half a minute. */
    assert_in_range(lines_with("credentials could not be refreshed"), EARLY_S / 95,
                    EARLY_S / 60 + 1);
    assert_int_equal(lines_with("no credentials"), 0);
    world.status = 0;
    pass_s(2);
    publish_as("AKID2"); /* it waits for them */
    end();
}

static void assert_readiness(bool ready, const char *text)
{
    struct buffer reasons;
    buffer_init(&reasons, 1024);
    assert_int_equal(aws_is_ready(script.aws, &reasons), ready);
    buffer_byte(&reasons, '\0');
    if (!ready)
        assert_non_null(strstr(reasons.data, text));
    buffer_free(&reasons);
}

/* The orchestrator is to know once calls fail, not while the old credentials do. */
static void expired_credentials_are_not_ready(void **state)
{
    (void)state;
    begin();
    publish_as("AKID1");
    world.status = 503;
    pass_s(HOUR_S - 2);
    assert_readiness(true, "");
    pass_s(2);
    assert_readiness(false, "the credentials have expired");
    world.status = 0;
    publish_as("AKID2");
    assert_readiness(true, "");
    end();
}

static void attempts_become_rarer_while_the_issuer_fails(void **state)
{
    (void)state;
    begin();
    publish_as("AKID1");
    world.status = 503;
    pass_s(HOUR_S - EARLY_S);
    world.asked = 0;
    for (unsigned i = 0; i < EARLY_S - 10; i++) {
        publish_as("AKID1");
        pass_s(1);
    }
    /* A refresh has three attempts; at most half a minute lies between two, on average a quarter. */
    assert_in_range(world.asked, 3 * (EARLY_S - 10) / 31, 3 * 90);
    end();
}

static void calls_wait_for_credentials(void **state)
{
    (void)state;
    begin();
    world.status = 500;
    struct script_outcome seen = {0};
    struct script_publish call = {script_on_done, &seen};
    assert_int_equal(script_publish_start(&call, TOPIC, NULL, "a message"), 0);
    pass_s(25);
    assert_false(seen.done);
    assert_in_range(lines_with("no credentials; requests wait for them"), 1, 1);
    world.status = 0;
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(world.signer, "AKID1");
    end();
}

static void they_wait_for_a_minute(void **state)
{
    (void)state;
    begin();
    world.status = 500;
    uint64_t began_ms = uv_now(&script.loop);
    struct error error = publish();
    assert_int_equal(error.code, ERR_SERVER);
    assert_non_null(strstr(error.text, "HTTP 500"));
    assert_in_range(uv_now(&script.loop) - began_ms, 60000, 61000);
    assert_int_equal(world.sent, 0);
    end();
}

static void credentials_that_arrive_expired_are_not_used(void **state)
{
    (void)state;
    begin();
    world.is_late = true;
    struct script_outcome seen = {0};
    struct script_publish call = {script_on_done, &seen};
    assert_int_equal(script_publish_start(&call, TOPIC, NULL, "a message"), 0);
    pass_s(25);
    assert_false(seen.done);
    assert_int_equal(lines_with("container: the credentials have expired already"), 1);
    world.is_late = false;
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(world.sent, 1);
    end();
}

static void they_do_not_wait_where_that_cannot_help(void **state)
{
    (void)state;
    begin();
    world.status = 403;
    uint64_t began_ms = uv_now(&script.loop);
    assert_int_equal(publish().code, ERR_CREDENTIALS);
    assert_in_range(uv_now(&script.loop) - began_ms, 0, 1000);
    end();
}

/* ---- the instance ---- */

/* Nothing is configured, and the metadata service is the last resort. It may be absent; once it has
 * issued credentials, it is worth waiting for. */
static void an_instance_that_is_silent_at_a_refresh_is_waited_for(void **state)
{
    (void)state;
    begin();
    publish_as("AKID1");
    world.error = ERR_TIMEOUT;
    pass_s(HOUR_S - 100);
    publish_as("AKID1");
    pass_s(101);
    struct script_outcome seen = {0};
    struct script_publish call = {script_on_done, &seen};
    assert_int_equal(script_publish_start(&call, TOPIC, NULL, "a message"), 0);
    pass_s(20);
    assert_false(seen.done);
    world.error = 0;
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    end();
}

static void an_instance_that_never_answered_is_not_waited_for(void **state)
{
    (void)state;
    begin();
    world.error = ERR_TIMEOUT;
    struct error error = publish();
    assert_int_equal(error.code, ERR_CREDENTIALS);
    assert_non_null(strstr(error.text, "hop limit"));
    end();
}

/* ---- a file ---- */

static char file[64];

/* As if a minute ago: a file that was written within the last second is not used yet. */
static void file_write(const char *text)
{
    struct timespec now;
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= 60;
    assert_int_equal(futimens(fd, (struct timespec[]){now, now}), 0);
    close(fd);
}

#define KEYS(name) "[default]\naws_access_key_id = " name "\naws_secret_access_key = s\n"

/* The call that finds out does not wait. */
static void notice(const char *before)
{
    pass_s(31);
    publish_as(before);
    pass_ms(1);
}

static void a_changed_file_is_noticed(void **state)
{
    (void)state;
    file_write(KEYS("ONE"));
    begin();
    publish_as("ONE");
    notice("ONE");
    publish_as("ONE");
    file_write(KEYS("TWO"));
    notice("ONE");
    publish_as("TWO");
    assert_int_equal(lines_with("credentials have changed"), 1);
    end();
}

static void an_incomplete_file_is_not_used(void **state)
{
    (void)state;
    file_write(KEYS("ONE"));
    begin();
    publish_as("ONE");
    file_write("[default]\naws_access_key_id = TWO\n");
    for (unsigned i = 0; i < 6; i++)
        notice("ONE");
    assert_in_range(lines_with("credentials could not be read again"), 3, 4);
    file_write(KEYS("TWO"));
    notice("ONE");
    publish_as("TWO");
    end();
}

static void rejected_keys_of_a_file_are_replaced_at_once(void **state)
{
    (void)state;
    file_write(KEYS("AKID1"));
    begin();
    publish_as("AKID1");
    file_write(KEYS("AKID2"));
    world.revoked = 1;
    publish_as("AKID2");
    end();
}

/* ---- a process ---- */

static void a_credential_process_that_hangs_is_killed_after_a_minute(void **state)
{
    (void)state;
    begin();
    uint64_t began_ms = uv_now(&script.loop);
    assert_int_not_equal(publish().code, 0);
    /* Its end is a matter of real time, which the loop awaits: nothing else is left to do. */
    uv_run(&script.loop, UV_RUN_DEFAULT);
    assert_int_equal(lines_with("credential_process: it ran for more than 60 s and was killed"), 1);
    assert_in_range(uv_now(&script.loop) - began_ms, 60000, 61000);
    end();
}

/* The files are read in the background, and the process fails to start right after that. */
static void a_credential_process_that_cannot_start_is_reported_at_once(void **state)
{
    (void)state;
    begin();
    uint64_t began_ms = uv_now(&script.loop);
    assert_int_equal(publish().code, ERR_CREDENTIALS);
    assert_in_range(uv_now(&script.loop) - began_ms, 0, 1000);
    assert_int_equal(lines_with("credential_process: cannot run "), 1);
    end();
}

/* ---- the tests ---- */

static int variables_clear(void **state)
{
    (void)state;
    static const char *const names[] = {"AWS_PROFILE",
                                        "AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_ENDPOINT_URL",
                                        "AWS_ENDPOINT_URL_SNS",
                                        "AWS_USE_FIPS_ENDPOINT",
                                        "AWS_USE_DUALSTACK_ENDPOINT",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    return 0;
}

static int in_a_container(void **state)
{
    variables_clear(state);
    return setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", AGENT, 1);
}

static int on_an_instance(void **state)
{
    variables_clear(state);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    return setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", IMDS, 1);
}

static int with_a_file(void **state)
{
    variables_clear(state);
    snprintf(file, sizeof file, "/tmp/credential-renewal-XXXXXX");
    int fd = mkstemp(file);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
}

static int with_the_process(void **state, const char *command)
{
    variables_clear(state);
    snprintf(file, sizeof file, "/tmp/credential-renewal-XXXXXX");
    int fd = mkstemp(file);
    if (fd < 0 || dprintf(fd, "[default]\ncredential_process = %s\n", command) < 0)
        return -1;
    close(fd);
    return setenv("AWS_CONFIG_FILE", file, 1);
}

static int with_a_process(void **state)
{
    return with_the_process(state, "sleep 1000");
}

static int without_the_program(void **state)
{
    return with_the_process(state, "/no/such/program");
}

static int without_it(void **state)
{
    (void)state;
    return unlink(file);
}

static int log_open(void **state)
{
    (void)state;
    log_fd = memfd_create("log", MFD_CLOEXEC);
    log_setup(log_fd, LOG_FORMAT_TEXT, LOG_INFO);
    return log_fd < 0;
}

#define IN_A_CONTAINER(test) cmocka_unit_test_setup(test, in_a_container)
#define ON_AN_INSTANCE(test) cmocka_unit_test_setup(test, on_an_instance)
#define WITH_A_FILE(test)    cmocka_unit_test_setup_teardown(test, with_a_file, without_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_CONTAINER(refreshed_ten_minutes_before_the_end_with_jitter),
        IN_A_CONTAINER(credentials_of_less_than_twenty_minutes_are_refreshed_halfway),
        IN_A_CONTAINER(many_calls_share_one_refresh),
        IN_A_CONTAINER(rejected_calls_share_one_refresh_and_are_sent_again),
        IN_A_CONTAINER(a_call_whose_new_credentials_are_rejected_too_fails),
        IN_A_CONTAINER(old_credentials_are_used_until_their_end_with_a_line_a_minute),
        IN_A_CONTAINER(expired_credentials_are_not_ready),
        IN_A_CONTAINER(attempts_become_rarer_while_the_issuer_fails),
        IN_A_CONTAINER(calls_wait_for_credentials),
        IN_A_CONTAINER(they_wait_for_a_minute),
        IN_A_CONTAINER(credentials_that_arrive_expired_are_not_used),
        IN_A_CONTAINER(they_do_not_wait_where_that_cannot_help),
        ON_AN_INSTANCE(an_instance_that_is_silent_at_a_refresh_is_waited_for),
        ON_AN_INSTANCE(an_instance_that_never_answered_is_not_waited_for),
        WITH_A_FILE(a_changed_file_is_noticed),
        WITH_A_FILE(an_incomplete_file_is_not_used),
        WITH_A_FILE(rejected_keys_of_a_file_are_replaced_at_once),
        cmocka_unit_test_setup_teardown(a_credential_process_that_hangs_is_killed_after_a_minute,
                                        with_a_process, without_it),
        cmocka_unit_test_setup_teardown(a_credential_process_that_cannot_start_is_reported_at_once,
                                        without_the_program, without_it),
    };
    return cmocka_run_group_tests(tests, log_open, NULL);
}
