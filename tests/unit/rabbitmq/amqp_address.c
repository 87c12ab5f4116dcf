/* Addresses of queues of RabbitMQ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "amqp_address.h"

static void an_address_names_hosts_vhost_and_queue(void **state)
{
    struct amqp_address a;
    struct error error = {0};
    (void)state;
    assert_int_equal(
        amqp_address_parse("amqps://th%40me@b1,b2.example:5999,[::1]:7/pho%2Ftos/web%20queue", &a,
                           &error),
        0);
    assert_true(a.tls);
    assert_string_equal(a.user, "th@me");
    assert_string_equal(a.vhost, "pho/tos");
    assert_string_equal(a.queue, "web queue");
    assert_int_equal(a.host_count, 3);
    assert_string_equal(a.hosts[0].name, "b1");
    assert_int_equal(a.hosts[0].port, 5671);
    assert_string_equal(a.hosts[1].name, "b2.example");
    assert_int_equal(a.hosts[1].port, 5999);
    assert_string_equal(a.hosts[2].name, "::1");
    assert_int_equal(a.hosts[2].port, 7);
    amqp_address_clear(&a);
}

static void the_normal_form_can_be_read_again(void **state)
{
    struct amqp_address a;
    (void)state;
    assert_int_equal(amqp_address_parse("AMQP://b1,[::1]/%2f/web", &a, NULL), 0);
    assert_false(a.tls);
    assert_null(a.user);
    char *text = amqp_address_text(&a, NULL), *dead = amqp_address_text(&a, "web.dead letters");
    char *service = amqp_address_service(&a);
    assert_string_equal(text, "amqp://b1:5672,[::1]:5672/%2F/web");
    assert_string_equal(dead, "amqp://b1:5672,[::1]:5672/%2F/web.dead%20letters");
    assert_string_equal(service, "b1:5672");
    amqp_address_clear(&a);
    assert_int_equal(amqp_address_parse(text, &a, NULL), 0);
    assert_string_equal(a.vhost, "/");
    amqp_address_clear(&a);
    free(text);
    free(dead);
    free(service);
}

static void a_password_is_refused_and_not_repeated(void **state)
{
    struct amqp_address a;
    struct error error = {0};
    (void)state;
    assert_int_equal(amqp_address_parse("amqp://me:s3cret@broker/%2F/web", &a, &error),
                     ERR_INVALID);
    assert_null(strstr(error.text, "s3cret"));
    assert_non_null(strstr(error.text, "--amqp-password-file"));
    assert_int_equal(amqp_address_parse("amqp://me:s3c@ret@broker/%2F/web", &a, &error),
                     ERR_INVALID);
    assert_null(strstr(error.text, "s3c"));
}

static void a_broken_address_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"http://broker/%2F/web", "begins with amqp://"},
        {"amqp://broker/web", "vhost and queue"},
        {"amqp://broker", "vhost and queue"},
        {"amqp://broker//web", "vhost"},
        {"amqp://broker/%2F/", "queue"},
        {"amqp://broker/%2F/web/more", "vhost and queue"},
        {"amqp://broker/%2F/web?heartbeat=3", "no options"},
        {"amqp://broker/%2/web", "broken %XX"},
        {"amqp://broker/%00/web", "broken %XX"},
        {"amqp://broker/%2F/w%0Ab", "control character"},
        {"amqp:///%2F/web", "not a host"},
        {"amqp://b,,c/%2F/web", "not a host"},
        {"amqp://broker:0/%2F/web", "not a host"},
        {"amqp://broker:65536/%2F/web", "not a host"},
        {"amqp://broker:99999999999999999999/%2F/web", "not a host"},
        {"amqp://broker:/%2F/web", "not a host"},
        {"amqp://[::1/%2F/web", "not a host"},
        {"amqp://[::1]x/%2F/web", "not a host"},
        {"amqp://bro ker/%2F/web", "not a host"},
        {"amqp://@broker/%2F/web", "user"},
        {"amqp://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/%2F/web", "more than 16"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct amqp_address a;
        struct error error = {0};
        assert_int_equal(amqp_address_parse(cases[i].text, &a, &error), ERR_INVALID);
        if (!strstr(error.text, cases[i].reason))
            fail_msg("%s: %s", cases[i].text, error.text);
        assert_int_equal(a.host_count, 0);
    }
}

static void a_name_longer_than_amqp_allows_is_refused(void **state)
{
    char text[512] = "amqp://broker/%2F/";
    struct amqp_address a;
    struct error error = {0};
    (void)state;
    const size_t start = strlen(text);
    memset(text + start, 'q', AMQP_NAME_MAX);
    text[start + AMQP_NAME_MAX] = '\0';
    assert_int_equal(amqp_address_parse(text, &a, &error), 0);
    amqp_address_clear(&a);
    text[start + AMQP_NAME_MAX] = 'q';
    text[start + AMQP_NAME_MAX + 1] = '\0';
    assert_int_equal(amqp_address_parse(text, &a, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "255 bytes"));
}

static void two_addresses_are_compared_by_vhost_queue_and_hosts(void **state)
{
    (void)state;
    assert_int_equal(amqp_address_compare("amqp://b/%2F/web", "amqp://B:5672/%2f/web"),
                     QUEUES_ARE_ONE);
    assert_int_equal(amqp_address_compare("amqp://a,b/%2F/web", "amqp://me@c,b/%2F/web"),
                     QUEUES_ARE_ONE);
    assert_int_equal(amqp_address_compare("amqp://a/%2F/web", "amqp://b/%2F/web"),
                     QUEUES_MAY_BE_ONE);
    assert_int_equal(amqp_address_compare("amqp://a/%2F/web", "amqp://a/x/web"), QUEUES_DIFFER);
    assert_int_equal(amqp_address_compare("amqp://a/%2F/web", "amqp://a/%2F/tags"), QUEUES_DIFFER);
    assert_int_equal(amqp_address_compare("amqp://a/%2F/web", "web"), QUEUES_DIFFER);
}

static bool shared(const char *name, const char *other)
{
    struct amqp_address one, two;
    assert_int_equal(amqp_address_parse(name, &one, NULL), 0);
    assert_int_equal(amqp_address_parse(other, &two, NULL), 0);
    bool shares = amqp_address_shares(&one, &two);
    amqp_address_clear(&one);
    amqp_address_clear(&two);
    return shares;
}

static void queues_of_one_vhost_and_user_share_a_connection(void **state)
{
    (void)state;
    assert_true(shared("amqp://me@a,b/%2F/web", "amqp://me@a,b/%2F/tags"));
    assert_false(shared("amqp://me@a,b/%2F/web", "amqp://you@a,b/%2F/web"));
    assert_false(shared("amqp://me@a,b/%2F/web", "amqp://a,b/%2F/web"));
    assert_false(shared("amqp://a,b/%2F/web", "amqp://a/%2F/web"));
    assert_false(shared("amqp://a/%2F/web", "amqp://a/x/web"));
    assert_false(shared("amqp://a:5671/%2F/web", "amqps://a/%2F/web"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_names_hosts_vhost_and_queue),
        cmocka_unit_test(the_normal_form_can_be_read_again),
        cmocka_unit_test(a_password_is_refused_and_not_repeated),
        cmocka_unit_test(a_broken_address_is_refused_with_the_reason),
        cmocka_unit_test(a_name_longer_than_amqp_allows_is_refused),
        cmocka_unit_test(two_addresses_are_compared_by_vhost_queue_and_hosts),
        cmocka_unit_test(queues_of_one_vhost_and_user_share_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
