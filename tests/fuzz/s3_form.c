/*
 * Bodies of multipart/form-data: any body is the same form in one piece and in pieces of any
 * size, and within its limits. The first byte is the size of the pieces, the
 * first line is the request's Content-Type.
 */
#include "s3_form.h"

#include <stdbool.h>

#include "error.h"
#include "fuzz.h"

struct reading {
    struct s3_form form;
    struct buffer file;
    int code;
    size_t runs; /* of the file, before the first of its bytes */
};

static void piece_read(struct reading *r, struct slice piece)
{
    struct slice data;
    while (piece.size && r->code >= 0) {
        size_t left = piece.size;
        r->code = s3_form_next(&r->form, &piece, &data);
        require(piece.size < left || r->code == 1);
        require(r->code == 1 || !data.size);
        if (r->code != 1)
            continue;
        require(r->form.filename && !r->form.complete);
        require(data.size || r->runs++ == 0);
        buffer_append(&r->file, data.data, data.size);
    }
}

static bool form_read(struct reading *r, struct slice type, struct slice body, size_t step)
{
    *r = (struct reading){0};
    buffer_init(&r->file, 16 << 20);
    if (!s3_form_begin(&r->form, type))
        return false;
    for (size_t at = 0; at < body.size; at += step) {
        size_t left = body.size - at;
        char *copy = fuzz_copy((struct slice){body.data + at, left < step ? left : step});
        piece_read(r, (struct slice){copy, left < step ? left : step});
        free(copy);
    }
    require(!r->file.error);
    return true;
}

static void form_check(const struct s3_form *form)
{
    size_t bytes = 0;
    require(form->count <= S3_FORM_FIELDS_MAX);
    require(!form->complete || form->filename);
    for (size_t i = 0; i < form->count; i++) {
        const struct s3_form_field *field = &form->fields[i];
        require(field->name);
        for (const char *c = field->name; *c; c++)
            require(*c < 'A' || *c > 'Z');
        bytes += strlen(field->name) + (field->value ? strlen(field->value) : 0);
    }
    require(bytes <= S3_FORM_BYTES_MAX + S3_FORM_HEADERS_MAX + S3_FORM_BYTES_MAX);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void same_check(const struct reading *a, const struct reading *b)
{
    require((a->code < 0 ? a->code : 0) == (b->code < 0 ? b->code : 0));
    require(a->form.count == b->form.count && a->form.complete == b->form.complete);
    require(same_text(a->form.filename, b->form.filename));
    for (size_t i = 0; i < a->form.count; i++)
        require(same_text(a->form.fields[i].name, b->form.fields[i].name) &&
                same_text(a->form.fields[i].value, b->form.fields[i].value));
    require(a->file.size == b->file.size);
    require(!a->file.size || memcmp(a->file.data, b->file.data, a->file.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    size_t step = 1 + fuzz_choice(&rest) % 32;
    struct slice line = fuzz_line(&rest);
    char *copy = fuzz_copy(line);
    struct slice type = {copy, line.size};
    struct reading whole, pieces;
    bool is_form = form_read(&whole, type, rest, rest.size + 1);
    require(is_form == form_read(&pieces, type, rest, step));
    form_check(&whole.form);
    same_check(&whole, &pieces);
    s3_form_end(&whole.form);
    s3_form_end(&pieces.form);
    buffer_free(&whole.file);
    buffer_free(&pieces.file);
    free(copy);
    return 0;
}
