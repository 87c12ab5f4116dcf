#include "json_write.h"

#include <stdbool.h>
#include <yajl/yajl_gen.h>

#include "error.h"
#include "yajl_memory.h"

/* yajl allocates only its generator, about 1 KiB regardless of the text. */
enum { GENERATOR_SIZE = 4096 };

struct writer {
    yajl_gen generator;
    struct yajl_memory memory;
    _Alignas(YAJL_MEMORY_ALIGNMENT) char block[GENERATOR_SIZE];
};

static void on_text(void *user, const char *data, size_t size)
{
    buffer_append(user, data, size);
}

static bool text_put(struct writer *writer, const char *data, size_t size)
{
    return yajl_gen_string(writer->generator, (const unsigned char *)data, size) ==
           yajl_gen_status_ok;
}

static bool value_put(struct writer *writer, const json_t *value, int depth);

static bool object_put(struct writer *writer, const json_t *object, int depth)
{
    json_t *from = (json_t *)(uintptr_t)object; /* jansson's iterators take a pointer to non-const
                                                 */
    bool good = yajl_gen_map_open(writer->generator) == yajl_gen_status_ok;
    for (void *at = json_object_iter(from); at && good; at = json_object_iter_next(from, at))
        good = text_put(writer, json_object_iter_key(at), json_object_iter_key_len(at)) &&
               value_put(writer, json_object_iter_value(at), depth);
    return good && yajl_gen_map_close(writer->generator) == yajl_gen_status_ok;
}

static bool array_put(struct writer *writer, const json_t *array, int depth)
{
    bool good = yajl_gen_array_open(writer->generator) == yajl_gen_status_ok;
    for (size_t i = 0; i < json_array_size(array) && good; i++)
        good = value_put(writer, json_array_get(array, i), depth);
    return good && yajl_gen_array_close(writer->generator) == yajl_gen_status_ok;
}

static bool scalar_put(struct writer *writer, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_INTEGER:
        return yajl_gen_integer(writer->generator, json_integer_value(value)) == yajl_gen_status_ok;
    case JSON_REAL:
        return yajl_gen_double(writer->generator, json_real_value(value)) == yajl_gen_status_ok;
    case JSON_NULL:
        return yajl_gen_null(writer->generator) == yajl_gen_status_ok;
    default:
        return yajl_gen_bool(writer->generator, json_is_true(value)) == yajl_gen_status_ok;
    }
}

static bool value_put(struct writer *writer, const json_t *value, int depth)
{
    if (depth == JSON_WRITE_DEPTH_MAX)
        return false;
    if (json_is_string(value))
        return text_put(writer, json_string_value(value), json_string_length(value));
    if (json_is_object(value))
        return object_put(writer, value, depth + 1);
    if (json_is_array(value))
        return array_put(writer, value, depth + 1);
    return scalar_put(writer, value);
}

int json_write(const json_t *value, struct buffer *out)
{
    struct writer writer;
    writer.memory = (struct yajl_memory){writer.block, sizeof writer.block, 0};
    yajl_alloc_funcs memory = yajl_memory_functions(&writer.memory);
    writer.generator = yajl_gen_alloc(&memory);
    if (!writer.generator)
        return ERR_MEMORY;
    yajl_gen_config(writer.generator, yajl_gen_print_callback, on_text, out);
    if (!value_put(&writer, value, 0) && !out->error)
        out->error = ERR_LIMIT;
    return out->error;
}
