#include "operations.h"

#include <stdlib.h>
#include <string.h>

#include "cloud_service.h"
#include "error.h"

enum { COLUMNS = 4 };

bool any_operation_row(const struct cloud_service *const *services, size_t at,
                       struct cloud_operation *out)
{
    for (; *services; services++) {
        operation_row *row = (*services)->operations;
        size_t rows = 0;
        while (rows < at && row(*services, rows, out))
            rows++;
        if (row(*services, at, out))
            return true;
        at -= rows;
    }
    return false;
}

static int name_compare(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* The names of the supported operations, sorted and unique. NULL if memory is short. */
static const char **supported_names(const struct cloud_service *service, size_t *count)
{
    struct cloud_operation operation;
    const char **names;
    size_t rows = 0, found = 0, kept = 0;
    while (service->operations(service, rows, &operation))
        rows++;
    names = calloc(rows + 1, sizeof *names);
    if (!names)
        return NULL;
    for (size_t i = 0; i < rows && service->operations(service, i, &operation); i++) {
        if (operation.supported)
            names[found++] = operation.name;
    }
    qsort(names, found, sizeof *names, name_compare);
    for (size_t i = 0; i < found; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    }
    *count = kept;
    return names;
}

/* Sorted down the columns, like the output of ls. */
static void columns_print(FILE *out, const char *const *names, size_t count)
{
    const size_t columns = count < COLUMNS ? count : COLUMNS;
    const size_t lines = columns ? (count + columns - 1) / columns : 0;
    for (size_t i = 0; i < columns; i++)
        fputs(i ? " |" : "| |", out);
    fputc('\n', out);
    for (size_t i = 0; i < columns; i++)
        fputs(i ? "---|" : "|---|", out);
    fputc('\n', out);
    for (size_t line = 0; line < lines; line++) {
        fputc('|', out);
        for (size_t at = line; at < columns * lines; at += lines)
            fprintf(out, " %s |", at < count ? names[at] : "");
        fputc('\n', out);
    }
}

int operations_table(const struct cloud_service *const *services, FILE *out)
{
    for (; *services; services++) {
        size_t count;
        const char **names = supported_names(*services, &count);
        if (!names)
            return ERR_MEMORY;
        fprintf(out, "### %s\n\n", (*services)->title);
        columns_print(out, names, count);
        fputc('\n', out);
        free(names);
    }
    fputs(
        "Every other operation of these services is refused with the HTTP status 501, and with an\n"
        "error that names the operation.\n",
        out);
    return ferror(out) ? ERR_IO : 0;
}
