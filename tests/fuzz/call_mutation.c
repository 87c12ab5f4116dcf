/*
 * Mutations of a parsed request. Each is a letter and digits, of which the first selects the place:
 * the values of a JSON tree are counted in the order of the text, and so are the parameters of a
 * query.
 *
 *     dN   drop          tNM  put a value of another type in its place: an odd one, in a query
 *     rN   repeat        lN   put a long text in its place
 */
#include "call_table.h"

enum { LONG = 5000, PARAMETERS_MAX = 40 };

struct mutation {
    char what;
    unsigned at, choice;
};

static unsigned digit(struct slice *rest)
{
    unsigned c = fuzz_choice(rest);
    return c >= '0' && c <= '9' ? c - '0' : c;
}

static bool mutation_next(struct slice *rest, struct mutation *out)
{
    if (!rest->size)
        return false;
    char c = (char)fuzz_choice(rest);
    out->what = strchr("dtrl", c) && c ? c : "dtrl"[(unsigned char)c % 4];
    out->at = digit(rest);
    out->choice = out->what == 't' ? digit(rest) : 0;
    return true;
}

static json_t *other_type(unsigned choice)
{
    switch (choice % 12) {
    case 0:
        return json_null();
    case 1:
        return json_true();
    case 2:
        return json_integer(0);
    case 3:
        return json_integer(-1);
    case 4:
        return json_real(1e300);
    case 5:
        return json_string("");
    case 6:
        return json_array();
    case 7:
        return json_object();
    case 8:
        return json_string("x");
    case 9:
        return json_integer(INT64_MAX);
    case 10:
        return json_pack("[[[]]]");
    default:
        return json_real(0.5);
    }
}

static json_t *long_text(void)
{
    char text[LONG + 1];
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    return json_string(text);
}

static json_t *replacement(const struct mutation *m)
{
    return m->what == 'l' ? long_text() : other_type(m->choice);
}

static void mutate_member(json_t *object, const char *key, const struct mutation *m)
{
    if (m->what == 'd')
        json_object_del(object, key);
    else if (m->what == 'r')
        json_object_set(object, "Another", json_object_get(object, key));
    else
        json_object_set_new(object, key, replacement(m));
}

static void mutate_element(json_t *array, size_t at, const struct mutation *m)
{
    if (m->what == 'd')
        json_array_remove(array, at);
    else if (m->what == 'r')
        json_array_append_new(array, json_deep_copy(json_array_get(array, at)));
    else
        json_array_set_new(array, at, replacement(m));
}

static size_t count_values(const json_t *tree)
{
    const char *key;
    const json_t *value;
    size_t i, count = 0;
    json_object_foreach((json_t *)(uintptr_t)tree, key, value) count += 1 + count_values(value);
    json_array_foreach(tree, i, value) count += 1 + count_values(value);
    return count;
}

/* Whether the value was below the tree. */
static bool mutate_tree(json_t *tree, size_t *left, const struct mutation *m)
{
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(tree, key, value)
    {
        if (!(*left)--)
            return mutate_member(tree, key, m), true;
        if (mutate_tree(value, left, m))
            return true;
    }
    json_array_foreach(tree, i, value)
    {
        if (!(*left)--)
            return mutate_element(tree, i, m), true;
        if (mutate_tree(value, left, m))
            return true;
    }
    return false;
}

void call_mutate_json(struct slice body, struct slice mutations, struct buffer *out)
{
    json_t *tree = mutations.size ? json_loadb(body.data, body.size, 0, NULL) : NULL;
    struct mutation m;
    while (tree && mutation_next(&mutations, &m)) {
        size_t count = count_values(tree), left = count ? m.at % count : 0;
        if (count)
            mutate_tree(tree, &left, &m);
    }
    char *text = tree ? json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        buffer_text(out, text);
    else
        buffer_append(out, body.data, body.size);
    free(text);
    json_decref(tree);
}

static void put_parameter(struct slice parameter, const struct mutation *m, struct buffer *out)
{
    const char *odd = m->what == 'l' ? NULL : call_odd_value(m->choice);
    struct slice name = fuzz_cut(&parameter, '=');
    buffer_append(out, name.data, name.size);
    buffer_byte(out, '=');
    for (size_t i = 0; odd ? odd[i] != '\0' : i < LONG; i++)
        buffer_format(out, "%%%02X", odd ? (unsigned char)odd[i] : 'x');
}

static void mutate_parameters(struct slice query, const struct mutation *m, struct buffer *out)
{
    size_t count = 1, at = 0;
    for (size_t i = 0; i < query.size; i++)
        count += query.data[i] == '&';
    while (query.size) {
        struct slice parameter = fuzz_cut(&query, '&');
        bool here = at++ == m->at % count;
        if (here && m->what == 'd')
            continue;
        if (out->size)
            buffer_byte(out, '&');
        if (!here || m->what == 'r')
            buffer_append(out, parameter.data, parameter.size);
        if (here && m->what == 'r')
            buffer_byte(out, '&'), buffer_append(out, parameter.data, parameter.size);
        if (here && (m->what == 't' || m->what == 'l'))
            put_parameter(parameter, m, out);
    }
}

void call_mutate_query(struct slice query, struct slice mutations, struct buffer *out)
{
    struct mutation m;
    struct buffer now;
    buffer_append(out, query.data, query.size);
    while (mutation_next(&mutations, &m)) {
        buffer_init(&now, CLOUD_WIRE_MAX);
        mutate_parameters(buffer_slice(out), &m, &now);
        buffer_clear(out);
        buffer_append(out, now.data, now.size);
        buffer_free(&now);
    }
}
