#include "event_pattern.h"
#include "filter_policy.h"
#include "filter_policy_reader.h"

/* The values of a field, in which any names may have any values. */
static void skip_array(struct filter_reader *r)
{
    unsigned depth = 1;
    while (depth) {
        enum filter_token token = filter_next(r);
        if (token == TOKEN_END)
            return;
        depth += token == TOKEN_ARRAY;
        depth -= token == TOKEN_ARRAY_END;
    }
}

void event_pattern_place(const char *text, char out[EVENT_PATTERN_PLACE_MAX])
{
    _Static_assert((int)EVENT_PATTERN_PLACE_MAX >= (int)FILTER_POLICY_TEXT_MAX, "it fits");
    struct filter_reader r = {.text = text, .at = text, .stood = text, .why = out};
    enum filter_token token;
    *out = '\0';
    while ((token = filter_next(&r)) != TOKEN_END) {
        if (token != TOKEN_KEY)
            continue;
        bool alternatives = filter_is(&r, "$or");
        token = filter_next(&r);
        if (token == TOKEN_ARRAY && !alternatives) {
            skip_array(&r);
        } else if (token != TOKEN_ARRAY && token != TOKEN_OBJECT) {
            filter_fail(&r, "%s", "");
            return;
        }
    }
}
