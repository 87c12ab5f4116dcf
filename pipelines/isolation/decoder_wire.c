#include "decoder_wire.h"

#include <string.h>

static const uint32_t null_size = UINT32_MAX;

void wire_put_slice(struct buffer *out, struct slice text)
{
    uint32_t size = (uint32_t)text.size;
    if (text.size >= null_size) {
        out->error = ERR_LIMIT;
        return;
    }
    WIRE_PUT(out, size);
    buffer_append(out, text.data, text.size);
}

void wire_put_text(struct buffer *out, const char *text)
{
    if (text)
        wire_put_slice(out, slice_of(text));
    else
        WIRE_PUT(out, null_size);
}

void wire_take(struct wire_reader *r, void *out, size_t size)
{
    if (r->broken || r->left.size < size) {
        r->broken = true;
        memset(out, 0, size);
        return;
    }
    memcpy(out, r->left.data, size);
    r->left.data += size;
    r->left.size -= size;
}

uint32_t wire_take_u32(struct wire_reader *r, uint32_t most)
{
    uint32_t value;
    WIRE_TAKE(r, value);
    if (value > most)
        r->broken = true;
    return r->broken ? 0 : value;
}

struct slice wire_take_slice(struct wire_reader *r, size_t most)
{
    uint32_t size;
    WIRE_TAKE(r, size);
    if (r->broken || size == null_size)
        return (struct slice){0};
    if (size > most || size > r->left.size) {
        r->broken = true;
        return (struct slice){0};
    }
    struct slice taken = {r->left.data, size};
    r->left.data += size;
    r->left.size -= size;
    return taken;
}
