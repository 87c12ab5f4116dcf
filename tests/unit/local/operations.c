/* The tables of docs/operations.md: the supported operations in columns, and no others by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud_service.h"
#include "services.h"

static const struct cloud_operation few[] = {
    {"Seven", true}, {"Two", true},   {"Refused", false}, {"One", true},  {"Two", true},
    {"Five", true},  {"Three", true}, {"Four", true},     {"Six", false}, {"Six", true},
};

static bool few_row(const struct cloud_service *service, size_t at, struct cloud_operation *out)
{
    (void)service;
    if (at >= sizeof few / sizeof few[0])
        return false;
    *out = few[at];
    return true;
}

static bool one_row(const struct cloud_service *service, size_t at, struct cloud_operation *out)
{
    (void)service;
    *out = (struct cloud_operation){"Only", true};
    return at == 0;
}

static char *printed(const struct cloud_service *const *services)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    assert_int_equal(operations_table(services, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void supported_operations_are_printed_down_four_columns(void **state)
{
    (void)state;
    const struct cloud_service first = {.title = "First", .operations = few_row};
    const struct cloud_service second = {.title = "Second", .operations = one_row};
    const struct cloud_service *const services[] = {&first, &second, NULL};
    static const char tables[] = "### First\n\n"
                                 "| | | | |\n"
                                 "|---|---|---|---|\n"
                                 "| Five | One | Six | Two |\n"
                                 "| Four | Seven | Three |  |\n\n"
                                 "### Second\n\n"
                                 "| |\n"
                                 "|---|\n"
                                 "| Only |\n\n"
                                 "Every other operation";
    char *text = printed(services);
    assert_memory_equal(text, tables, sizeof tables - 1);
    assert_null(strstr(text, "Refused"));
    free(text);
}

static bool is_printed(const char *text, const char *name)
{
    char cell[100];
    snprintf(cell, sizeof cell, "| %s |", name);
    return strstr(text, cell) != NULL;
}

static void every_supported_operation_of_the_cloud_is_printed(void **state)
{
    (void)state;
    struct cloud_operation operation;
    char *text = printed(cloud_services);
    for (size_t i = 0; any_operation_row(cloud_services, i, &operation); i++)
        assert_true(!operation.supported || is_printed(text, operation.name));
    free(text);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    assert_int_not_equal(operations_table(cloud_services, out), 0);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supported_operations_are_printed_down_four_columns),
        cmocka_unit_test(every_supported_operation_of_the_cloud_is_printed),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
