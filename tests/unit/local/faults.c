/* The fault plan's operations are those of the services' dispatch tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "operations.h"
#include "services.h"

static struct faults *plan_of(const char *text)
{
    char path[] = "/tmp/thumbwheel-faults-XXXXXX";
    struct error error = {0};
    struct faults *faults = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    int code = faults_open(path, cloud_services, &faults, &error);
    unlink(path);
    if (code)
        fail_msg("%s", error.text);
    return faults;
}

static void every_supported_operation_can_fail(void **state)
{
    (void)state;
    struct cloud_operation operation;
    struct fault_draw draw;
    char text[200];
    size_t count = 0;
    for (size_t i = 0; any_operation_row(cloud_services, i, &operation); i++) {
        if (!operation.supported)
            continue;
        snprintf(text, sizeof text, "{\"operation\": \"%s\", \"fault\": \"reset\"}",
                 operation.name);
        struct faults *faults = plan_of(text);
        assert_true(faults_draw(faults, operation.name, NULL, &draw));
        assert_int_equal(draw.kind, FAULT_RESET);
        assert_false(faults_draw(faults, "NoSuchOperation", NULL, &draw));
        faults_close(faults);
        count++;
    }
    assert_true(count > 60); /* all services, not the first alone */
}

static void every_operation_in_the_fault_table_is_supported(void **state)
{
    (void)state;
    const char *name;
    for (size_t i = 0; (name = faults_unusual_operation(i)); i++) {
        struct cloud_operation operation = {0};
        bool found = false;
        for (size_t j = 0; !found && any_operation_row(cloud_services, j, &operation); j++)
            found = operation.supported && strcmp(operation.name, name) == 0;
        if (!found)
            fail_msg("faults.c knows %s, which is in no dispatch table", name);
    }
}

static void a_rule_for_all_skips_operations_its_fault_does_not_apply_to(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *affected, *unaffected;
    } cases[] = {
        {"reset-in-upload", "PutObject", "GetObject"},
        {"bad-digest", "UploadPart", "CopyObject"},
        {"truncate", "GetObject", "PutObject"},
        {"corrupt", "ReceiveMessage", "SendMessage"},
        {"duplicate", "ReceiveMessage", "GetObject"},
        {"expire-receipt", "DeleteMessageBatch", "ReceiveMessage"},
        {"fail-entry", "SendMessageBatch", "SendMessage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault_draw draw;
        char text[100];
        snprintf(text, sizeof text, "{\"operation\": \"*\", \"fault\": \"%s\"}", cases[i].fault);
        struct faults *faults = plan_of(text);
        assert_false(faults_draw(faults, cases[i].unaffected, NULL, &draw));
        assert_true(faults_draw(faults, cases[i].affected, NULL, &draw));
        assert_string_equal(fault_name(draw.kind), cases[i].fault);
        faults_close(faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_supported_operation_can_fail),
        cmocka_unit_test(every_operation_in_the_fault_table_is_supported),
        cmocka_unit_test(a_rule_for_all_skips_operations_its_fault_does_not_apply_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
