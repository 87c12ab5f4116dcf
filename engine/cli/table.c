#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "terminal.h"

enum { GAP = 2, SHRUNK_MIN = 8 };

struct table_row {
    enum table_style style;
    char *cells[];
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct table_row **rows;
    size_t row_count;
    int error;
};

struct table *table_create(const struct table_column *columns, size_t count)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->columns = columns;
    table->column_count = count;
    return table;
}

static void row_free(struct table_row *row, size_t cells)
{
    for (size_t i = 0; row && i < cells; i++)
        free(row->cells[i]);
    free(row);
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->row_count; i++)
        row_free(table->rows[i], table->column_count);
    free(table->rows);
    free(table);
}

static struct table_row *row_create(const struct table *table, enum table_style style,
                                    const char *const *cells)
{
    struct table_row *row = calloc(1, sizeof *row + table->column_count * sizeof *row->cells);
    if (!row)
        return NULL;
    row->style = style;
    for (size_t i = 0; i < table->column_count; i++) {
        row->cells[i] = text_display(cells[i] ? cells[i] : "");
        if (!row->cells[i]) {
            row_free(row, table->column_count);
            return NULL;
        }
    }
    return row;
}

void table_row(struct table *table, enum table_style style, const char *const *cells)
{
    if ((table->row_count & (table->row_count - 1)) == 0) { /* full, since capacities are powers of
                                                             * two */
        size_t capacity = table->row_count ? table->row_count * 2 : 1;
        struct table_row **rows = realloc(table->rows, capacity * sizeof *rows);
        if (!rows) {
            table->error = ERR_MEMORY;
            return;
        }
        table->rows = rows;
    }
    struct table_row *row = row_create(table, style, cells);
    if (!row)
        table->error = ERR_MEMORY;
    else
        table->rows[table->row_count++] = row;
}

static void measure(const struct table *table, size_t *widths)
{
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = text_columns(table->columns[c].title);
        for (size_t r = 0; r < table->row_count; r++) {
            size_t width = text_columns(table->rows[r]->cells[c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
}

static size_t total_columns(const struct table *table, const size_t *widths)
{
    size_t total = GAP * (table->column_count - 1);
    for (size_t c = 0; c < table->column_count; c++)
        total += widths[c];
    return total;
}

/* Repeatedly shrinks the widest shrinkable column by one, so that narrow columns keep their
 * width. */
static void shrink(const struct table *table, size_t *widths, size_t width)
{
    size_t total = total_columns(table, widths);
    for (; total > width; total--) {
        size_t widest = SIZE_MAX;
        for (size_t c = 0; c < table->column_count; c++) {
            if (table->columns[c].shrink != TABLE_WHOLE && widths[c] > SHRUNK_MIN &&
                (widest == SIZE_MAX || widths[c] > widths[widest]))
                widest = c;
        }
        if (widest == SIZE_MAX)
            return;
        widths[widest]--;
    }
}

static void print_padding(FILE *out, size_t columns)
{
    fprintf(out, "%*s", (int)columns, "");
}

static int print_cell(const struct table *table, size_t c, const char *text, size_t width,
                      FILE *out)
{
    const struct table_column *column = &table->columns[c];
    char *fitted = text_fit(text, width, column->shrink == TABLE_CUT_MIDDLE ? CUT_MIDDLE : CUT_END);
    if (!fitted)
        return ERR_MEMORY;
    size_t padding = width - text_columns(fitted);
    if (column->align == TABLE_RIGHT)
        print_padding(out, padding);
    fputs(fitted, out);
    if (column->align == TABLE_LEFT && c + 1 < table->column_count)
        print_padding(out, padding);
    free(fitted);
    return 0;
}

/* Empty cells at the end of a row are omitted, so that no line ends with spaces. */
static size_t cells_filled(const struct table *table, const char *const *cells)
{
    size_t count = table->column_count;
    while (count > 0 && !*cells[count - 1])
        count--;
    return count;
}

static int print_line(const struct table *table, const char *const *cells, const size_t *widths,
                      const char *colour, FILE *out)
{
    size_t count = cells_filled(table, cells);
    int code = 0;
    if (colour)
        fputs(colour, out);
    for (size_t c = 0; c < count && !code; c++) {
        if (c > 0)
            print_padding(out, GAP);
        code = print_cell(table, c, cells[c], widths[c], out);
    }
    fputs(colour ? "\033[0m\n" : "\n", out);
    return code;
}

static int print_titles(const struct table *table, const size_t *widths, bool colour, FILE *out)
{
    const char **titles = calloc(table->column_count, sizeof *titles);
    if (!titles)
        return ERR_MEMORY;
    for (size_t c = 0; c < table->column_count; c++)
        titles[c] = table->columns[c].title;
    int code = print_line(table, titles, widths, colour ? "\033[1m" : NULL, out);
    free(titles);
    return code;
}

static size_t title_columns(const struct table *table)
{
    size_t widest = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        size_t width = text_columns(table->columns[c].title);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* If the columns do not fit side by side: one cell per line, with its title. */
static int print_stacked(const struct table *table, FILE *out, size_t width, bool colour)
{
    const size_t titles = title_columns(table) + GAP;
    const size_t rest = width > titles + SHRUNK_MIN ? width - titles : SHRUNK_MIN;
    for (size_t r = 0; r < table->row_count; r++) {
        const struct table_row *row = table->rows[r];
        bool red = colour && row->style == TABLE_FAILED;
        fputs(red ? "\033[31m" : "", out);
        for (size_t c = 0; c < table->column_count; c++) {
            enum text_cut cut = table->columns[c].shrink == TABLE_CUT_END ? CUT_END : CUT_MIDDLE;
            char *cell = text_fit(row->cells[c], rest, cut);
            if (!cell)
                return ERR_MEMORY;
            if (*cell)
                fprintf(out, "%-*s%s\n", (int)titles, table->columns[c].title, cell);
            free(cell);
        }
        fputs(red ? "\033[0m\n" : "\n", out);
    }
    return 0;
}

int table_print(const struct table *table, FILE *out, size_t width, bool colour)
{
    size_t *widths = calloc(table->column_count, sizeof *widths);
    if (!widths)
        return ERR_MEMORY;
    measure(table, widths);
    if (width)
        shrink(table, widths, width);
    if (width && total_columns(table, widths) > width) {
        free(widths);
        int code = print_stacked(table, out, width, colour);
        return code ? code : table->error;
    }
    int code = print_titles(table, widths, colour, out);
    for (size_t r = 0; r < table->row_count && !code; r++) {
        const struct table_row *row = table->rows[r];
        const char *style = colour && row->style == TABLE_FAILED ? "\033[31m" : NULL;
        code = print_line(table, (const char *const *)row->cells, widths, style, out);
    }
    free(widths);
    return code ? code : table->error;
}
