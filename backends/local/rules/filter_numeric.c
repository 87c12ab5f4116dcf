#include "filter_numeric.h"

#include "error.h"

#define BILLION     1.0e9
#define SHOW(slice) (int)(slice).size, (slice).data

int filter_number_check(const struct filter_reader *r)
{
    double value = filter_number(r), max = r->number_max;
    if (value < -max || value > max)
        return filter_fail(r, "Value must be between -%.1fE9 and %.1fE9, inclusive", max / BILLION,
                           max / BILLION);
    return 0;
}

/* The second half of a range. */
static int range_check(struct filter_reader *r, double bottom)
{
    if (r->token != TOKEN_STRING)
        return filter_fail(r, "Bad value in numeric range: %.*s", SHOW(r->value));
    struct slice operator_name = filter_text(r);
    if (!filter_is(r, "<") && !filter_is(r, "<="))
        return filter_fail(r, "Bad numeric range operator: %.*s", SHOW(operator_name));
    if (filter_next(r) != TOKEN_NUMBER)
        return filter_fail(r, "Value of %.*s must be numeric", SHOW(operator_name));
    double top = filter_number(r);
    if (filter_number_check(r))
        return ERR_INVALID;
    if (filter_next(r) != TOKEN_ARRAY_END)
        return filter_fail(r, "Too many terms in numeric range expression");
    return bottom < top ? 0 : filter_fail(r, "Bottom must be less than top");
}

int filter_numeric_check(struct filter_reader *r)
{
    if (filter_next(r) != TOKEN_ARRAY)
        return filter_fail(r, "Value of numeric must be an array.");
    if (filter_next(r) != TOKEN_STRING)
        return filter_fail(r, "Invalid member in numeric match: %.*s", SHOW(r->value));
    struct slice name = filter_text(r);
    bool equals = filter_is(r, "="), above = filter_is(r, ">") || filter_is(r, ">="),
         below = filter_is(r, "<") || filter_is(r, "<=");
    filter_next(r);
    if (!equals && !above && !below)
        return filter_fail(r, "Unrecognized numeric range operator: %.*s", SHOW(name));
    if (r->token != TOKEN_NUMBER && equals)
        return filter_fail(r, "Value of equals must be numeric");
    if (r->token != TOKEN_NUMBER)
        return filter_fail(r, "Value of %.*s must be numeric", SHOW(name));
    double value = filter_number(r);
    if (filter_number_check(r))
        return ERR_INVALID;
    if (filter_next(r) == TOKEN_ARRAY_END)
        return 0;
    return above ? range_check(r, value)
                 : filter_fail(r, "Too many elements in numeric expression");
}
