/* The log formats for collectors and for people: one line per event, whatever the values
 * contain. */
#include "log.h"

#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static char line[65536];

/* Both ends do not block: a line that is too long for the pipe must not hang the test. */
static int pipe_in, pipe_out;

static int open_pipe(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    pipe_out = ends[0];
    pipe_in = ends[1];
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    close(pipe_in);
    close(pipe_out);
    return 0;
}

static const char *read_lines(int fd)
{
    ssize_t size = read(fd, line, sizeof line - 1);
    line[size > 0 ? size : 0] = '\0';
    return line;
}

static json_t *read_event(void)
{
    json_error_t error;
    const char *text = read_lines(pipe_out);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *event = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(event);
    return event;
}

static void assert_text(json_t *event, const char *name, const char *value)
{
    assert_string_equal(json_string_value(json_object_get(event, name)), value);
}

static void json_event(void **state)
{
    (void)state;
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_INFO);
    log_warn("job finished", LOG_TEXT("job", "j-1"), LOG_INT("size", INT64_MIN),
             LOG_REAL("ms", 1.5), LOG_TEXT("reason", NULL));
    json_t *event = read_event();
    assert_text(event, "level", "warn");
    assert_text(event, "event", "job finished");
    assert_text(event, "job", "j-1");
    assert_true(json_integer_value(json_object_get(event, "size")) == INT64_MIN);
    assert_true(json_real_value(json_object_get(event, "ms")) == 1.5);
    assert_null(json_object_get(event, "reason"));
    int year, month, day, hour, minute, second, ms, end = 0;
    sscanf(json_string_value(json_object_get(event, "time")), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n",
           &year, &month, &day, &hour, &minute, &second, &ms, &end);
    assert_int_equal(end, strlen("2026-01-02T03:04:05.678Z"));
    json_decref(event);
}

static void json_survives_any_text(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a \"b\" \\ /", "a \"b\" \\ /"},
        {"tab\tline\nescape\x1b", "tab\tline\nescape\x1b"},
        {"grün 東京 😀", "grün 東京 😀"},
        {"\xff\xfe", "\xEF\xBF\xBD\xEF\xBF\xBD"},         /* never UTF-8 */
        {"cut \xe6\x9d", "cut \xEF\xBF\xBD\xEF\xBF\xBD"}, /* the end of a character is missing */
        {"\xc0\xaf", "\xEF\xBF\xBD\xEF\xBF\xBD"},         /* overlong '/' */
        {"\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
        {"\xc2\x9b", "\xc2\x9b"}, /* CSI, which starts an escape sequence */
        {"", ""},
    };
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_info("event", LOG_TEXT("key", cases[i].in));
        json_t *event = read_event();
        assert_text(event, "key", cases[i].out);
        json_decref(event);
    }
}

static void json_has_no_infinity(void **state)
{
    (void)state;
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_INFO);
    log_info("event", LOG_REAL("a", NAN), LOG_REAL("b", -INFINITY));
    json_t *event = read_event();
    assert_true(json_is_null(json_object_get(event, "a")));
    assert_true(json_is_null(json_object_get(event, "b")));
    json_decref(event);
}

static void long_event_keeps_its_name(void **state)
{
    (void)state;
    char value[20000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_INFO);
    log_info("object stored", LOG_TEXT("key", value));
    json_t *event = read_event();
    assert_text(event, "event", "object stored");
    json_decref(event);
}

/* Every length around the limit: the line break must always fit. */
static void every_line_ends(void **state)
{
    (void)state;
    char value[8400];
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_INFO);
    for (size_t size = 8000; size < sizeof value; size++) {
        memset(value, 'x', size);
        value[size] = '\0';
        log_info("e", LOG_TEXT("k", value));
        json_decref(read_event());
    }
}

static void level_is_a_threshold(void **state)
{
    (void)state;
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_WARN);
    log_debug("no", LOG_INT("a", 1));
    log_info("no", LOG_INT("a", 1));
    assert_string_equal(read_lines(pipe_out), "");
    log_error("yes", LOG_INT("a", 1));
    json_t *event = read_event();
    assert_text(event, "level", "error");
    json_decref(event);
}

static void text_event(void **state)
{
    (void)state;
    log_setup(pipe_in, LOG_FORMAT_TEXT, LOG_INFO);
    log_info("job finished", LOG_TEXT("key", "in/a.jpg"), LOG_INT("ms", 12), LOG_REAL("rate", 0.5),
             LOG_TEXT("none", NULL));
    const char *text = read_lines(pipe_out);
    assert_int_equal(text[2], ':'); /* HH:MM:SS.mmm */
    assert_string_equal(text + 12, " info  job finished  key=in/a.jpg  ms=12  rate=0.500\n");
}

static void text_quotes_ambiguous_values(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain/ä東😀.jpg", "plain/ä東😀.jpg"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"x  level=error", "\"x  level=error\""},
        {"a\nb", "\"a\\u000ab\""},
        {"\x1b[2J", "\"\\u001b[2J\""},
        {"\xc2\x9b"
         "2J",
         "\"\\u009b2J\""},
        {"\xff", "\"\\ufffd\""},
        {"a\xe2\x80\xaegpj.exe", "\"a\\u202egpj.exe\""}, /* right-to-left override */
        {"\"", "\"\\\"\""},
    };
    log_setup(pipe_in, LOG_FORMAT_TEXT, LOG_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char wanted[128];
        snprintf(wanted, sizeof wanted, " info  e  k=%s\n", cases[i].out);
        log_info("e", LOG_TEXT("k", cases[i].in));
        assert_string_equal(read_lines(pipe_out) + 12, wanted);
    }
}

static void auto_is_json_for_a_pipe(void **state)
{
    (void)state;
    log_setup(pipe_in, LOG_FORMAT_AUTO, LOG_INFO);
    log_info("event", LOG_INT("a", 1));
    json_decref(read_event());
}

static void open_terminal(int *screen, int *terminal)
{
    struct termios raw;
    assert_int_equal(openpty(screen, terminal, NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(*terminal, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(*terminal, TCSANOW, &raw), 0);
}

static void auto_is_text_for_a_terminal(void **state)
{
    int screen, terminal;
    (void)state;
    open_terminal(&screen, &terminal);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    log_setup(terminal, LOG_FORMAT_AUTO, LOG_INFO);
    log_error("event", LOG_INT("a", 1));
    assert_string_equal(read_lines(screen) + 12, " \033[31merror\033[0m event  a=1\n");

    setenv("NO_COLOR", "1", 1);
    log_setup(terminal, LOG_FORMAT_AUTO, LOG_INFO);
    log_error("event", LOG_INT("a", 1));
    assert_string_equal(read_lines(screen) + 12, " error event  a=1\n");
    close(screen);
    close(terminal);
}

static void progress_line_is_erased(void **state)
{
    int screen, terminal;
    (void)state;
    open_terminal(&screen, &terminal);
    setenv("NO_COLOR", "1", 1);
    log_clear_line(true);
    log_setup(terminal, LOG_FORMAT_TEXT, LOG_INFO);
    log_info("event", LOG_INT("a", 1));
    assert_memory_equal(read_lines(screen), "\r\033[K", 4);
    log_setup(pipe_in, LOG_FORMAT_TEXT, LOG_INFO); /* a file has no line to erase */
    log_info("event", LOG_INT("a", 1));
    assert_null(strchr(read_lines(pipe_out), '\r'));
    log_clear_line(false);
    close(screen);
    close(terminal);
}

static void gate_lets_one_through(void **state)
{
    (void)state;
    struct log_gate gate = {0};
    assert_true(log_gate_open(&gate, 1000, 100));
    assert_int_equal(gate.skipped, 0);
    assert_false(log_gate_open(&gate, 1001, 100));
    assert_false(log_gate_open(&gate, 1099, 100));
    assert_true(log_gate_open(&gate, 1100, 100));
    assert_int_equal(gate.skipped, 2);
    assert_true(log_gate_open(&gate, 9000, 100));
    assert_int_equal(gate.skipped, 0);
}

static void suppressed_lines_are_counted(void **state)
{
    (void)state;
    struct log_gate gate = {0};
    log_setup(pipe_in, LOG_FORMAT_JSON, LOG_INFO);
    for (uint64_t now = 1000; now < 1100; now += 30) {
        if (log_gate_open(&gate, now, 80))
            log_info("event", LOG_INT("at", now), LOG_SUPPRESSED(&gate));
    }
    const char *lines = read_lines(pipe_out);
    assert_non_null(strstr(lines, "\"at\":1000}"));
    assert_non_null(strstr(lines, "\"at\":1090,\"suppressed\":2}"));
}

static void a_reset_gate_still_counts(void **state)
{
    (void)state;
    struct log_gate gate = {0};
    log_gate_open(&gate, 1000, 100);
    log_gate_open(&gate, 1001, 100);
    log_gate_reset(&gate);
    assert_true(log_gate_open(&gate, 1002, 100));
    assert_int_equal(gate.skipped, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_event),
        TEST(json_survives_any_text),
        TEST(json_has_no_infinity),
        TEST(long_event_keeps_its_name),
        TEST(every_line_ends),
        TEST(level_is_a_threshold),
        TEST(text_event),
        TEST(text_quotes_ambiguous_values),
        TEST(auto_is_json_for_a_pipe),
        TEST(auto_is_text_for_a_terminal),
        TEST(progress_line_is_erased),
        TEST(gate_lets_one_through),
        TEST(suppressed_lines_are_counted),
        TEST(a_reset_gate_still_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
