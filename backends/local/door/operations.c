#include "operations.h"

#include <stdlib.h>
#include <string.h>

#include "cloud_service.h"
#include "error.h"

bool any_operation_row(const struct cloud_service *const *services, size_t at,
                       struct cloud_operation *out)
{
    for (; *services; services++) {
        operation_row *row = (*services)->operations;
        size_t rows = 0;
        while (rows < at && row(rows, out))
            rows++;
        if (row(at, out))
            return true;
        at -= rows;
    }
    return false;
}

static int operation_compare(const void *a, const void *b)
{
    const struct cloud_operation *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : right->supported - left->supported;
}

/* Sorted, one row for each name; supported if any row of it is. NULL without memory. */
static struct cloud_operation *operations_collect(operation_row *row, size_t *count)
{
    struct cloud_operation operation, *list;
    size_t rows = 0, kept = 0;
    while (row(rows, &operation))
        rows++;
    list = calloc(rows + 1, sizeof *list);
    for (size_t i = 0; list && i < rows; i++)
        row(i, &list[i]);
    if (list)
        qsort(list, rows, sizeof *list, operation_compare);
    for (size_t i = 0; list && i < rows; i++) {
        if (kept == 0 || strcmp(list[kept - 1].name, list[i].name) != 0)
            list[kept++] = list[i];
    }
    *count = kept;
    return list;
}

static void cell_print(FILE *out, const struct cloud_operation *list, size_t count, bool supported)
{
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (list[i].supported != supported)
            continue;
        fprintf(out, "%s%s", separator, list[i].name);
        separator = ", ";
    }
}

int operations_table(const struct cloud_service *const *services, FILE *out)
{
    fputs("| service | implemented | refused as not implemented |\n|---|---|---|\n", out);
    for (; *services; services++) {
        size_t count;
        struct cloud_operation *list = operations_collect((*services)->operations, &count);
        if (!list)
            return ERR_MEMORY;
        fprintf(out, "| %s | ", (*services)->title);
        cell_print(out, list, count, true);
        fputs(" | ", out);
        cell_print(out, list, count, false);
        fputs(" |\n", out);
        free(list);
    }
    return ferror(out) ? ERR_IO : 0;
}
