/* Which hosts are this machine's loopback interface. */
#include "loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_whole_block_of_127_counts(void **state)
{
    (void)state;
    assert_true(host_is_loopback(slice_of("127.0.0.1")));
    assert_true(host_is_loopback(slice_of("127.255.255.254")));
    assert_true(host_is_loopback(slice_of("::1")));
    assert_true(host_is_loopback(slice_of("[::1]")));
    assert_true(host_is_loopback(slice_of("localhost")));
}

/* A name that begins like an address may belong to anybody. */
static void no_other_host_does(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "128.0.0.1",
        "127.example",
        "127.0.0.1.example",
        "127.0.0.",
        "[::1].x",
        "127",
        "localhost.example",
        "127.0.0.1:80",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(host_is_loopback(slice_of(others[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_block_of_127_counts),
        cmocka_unit_test(no_other_host_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
