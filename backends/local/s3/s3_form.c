/*
 * The delimiter begins with CR, which no boundary contains. So if a partial match fails, the
 * matched bytes are data, and the next match can begin only at the byte that did not match.
 */
#include "s3_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"

bool s3_form_begin(struct s3_form *form, struct slice content_type)
{
    static const char type[] = "multipart/form-data", name[] = "boundary=";
    size_t size = sizeof type - 1;
    if (content_type.size < size || strncasecmp(content_type.data, type, size) != 0)
        return false;
    struct slice rest = {content_type.data + size, content_type.size - size};
    while (rest.size > sizeof name && strncasecmp(rest.data, name, sizeof name - 1) != 0)
        rest = (struct slice){rest.data + 1, rest.size - 1};
    if (rest.size <= sizeof name - 1 || strncasecmp(rest.data, name, sizeof name - 1) != 0)
        return false;
    rest = (struct slice){rest.data + sizeof name - 1, rest.size - (sizeof name - 1)};
    bool quoted = *rest.data == '"';
    size_t length = 0;
    rest = (struct slice){rest.data + quoted, rest.size - quoted};
    while (length < rest.size && !strchr(quoted ? "\"" : "; \t", rest.data[length]))
        length++;
    if (!length || length > S3_FORM_BOUNDARY_MAX || memchr(rest.data, '\r', length))
        return false;
    int written =
        snprintf(form->delimiter, sizeof form->delimiter, "\r\n--%.*s", (int)length, rest.data);
    form->delimiter_size = (size_t)written;
    form->matched = 2; /* the first one needs no preceding line */
    buffer_init(&form->text, S3_FORM_BYTES_MAX);
    return true;
}

void s3_form_end(struct s3_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        free(form->fields[i].name);
        free(form->fields[i].value);
    }
    free(form->filename);
    buffer_free(&form->text);
    *form = (struct s3_form){0};
}

const char *s3_form_value(const struct s3_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    }
    return NULL;
}

/* Headers of a part. */

/* The value of a header parameter, for free(); NULL: absent, or memory is short. */
static char *parameter(struct slice line, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 1; i + size + 2 < line.size; i++) {
        bool begins = (line.data[i - 1] == ';' || line.data[i - 1] == ' ') &&
                      strncasecmp(line.data + i, name, size) == 0 && line.data[i + size] == '=' &&
                      line.data[i + size + 1] == '"';
        if (!begins)
            continue;
        const char *value = line.data + i + size + 2;
        size_t left = line.size - i - size - 2, length = 0;
        while (length < left && value[length] != '"')
            length++;
        return slice_dup((struct slice){value, length});
    }
    return NULL;
}

/* Browsers send a file name; some send a path. */
static char *base_name(char *path)
{
    char *last = path;
    for (char *c = path; *c; c++) {
        if (*c == '/' || *c == '\\')
            last = c + 1;
    }
    memmove(path, last, strlen(last) + 1);
    return path;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = *text >= 'A' && *text <= 'Z' ? (char)(*text | 0x20) : *text;
}

static int begin_file(struct s3_form *form, char *filename)
{
    form->filename = filename ? base_name(filename) : strdup("");
    form->state = S3_FORM_FILE;
    return form->filename ? 1 : ERR_MEMORY;
}

/* Takes the name. */
static int begin_field(struct s3_form *form, char *name)
{
    if (form->count == S3_FORM_FIELDS_MAX) {
        free(name);
        return ERR_LIMIT;
    }
    lower(name);
    form->bytes += strlen(name);
    form->fields[form->count++] = (struct s3_form_field){.name = name};
    form->state = S3_FORM_VALUE;
    return 0;
}

static int begin_part(struct s3_form *form, struct slice disposition)
{
    char *name = parameter(disposition, "name");
    char *filename = name ? parameter(disposition, "filename") : NULL;
    if (!name)
        return ERR_PROTOCOL;
    if (strcasecmp(name, "file") == 0) {
        free(name);
        return begin_file(form, filename);
    }
    free(filename);
    return begin_field(form, name);
}

/* 1: the file begins. */
static int take_headers(struct s3_form *form)
{
    static const char name[] = "content-disposition:";
    struct slice rest = buffer_slice(&form->text);
    int code = ERR_PROTOCOL;
    while (rest.size && code == ERR_PROTOCOL) {
        const char *end = memmem(rest.data, rest.size, "\r\n", 2);
        size_t size = end ? (size_t)(end - rest.data) : rest.size;
        if (size > sizeof name - 1 && strncasecmp(rest.data, name, sizeof name - 1) == 0)
            code = begin_part(form, (struct slice){rest.data, size});
        size += end ? 2 : 0;
        rest = (struct slice){rest.data + size, rest.size - size};
    }
    buffer_clear(&form->text);
    return code;
}

/* The states. */

static int finish_value(struct s3_form *form)
{
    struct s3_form_field *field = &form->fields[form->count - 1];
    if (form->text.error)
        return form->text.error;
    form->bytes += form->text.size;
    field->value = form->text.size ? buffer_take_text(&form->text) : strdup("");
    buffer_clear(&form->text);
    if (!field->value)
        return ERR_MEMORY;
    return form->bytes > S3_FORM_BYTES_MAX ? ERR_LIMIT : 0;
}

static int delimiter_met(struct s3_form *form)
{
    int code = form->state == S3_FORM_VALUE ? finish_value(form) : 0;
    if (form->state == S3_FORM_FILE) {
        form->complete = true;
        form->skipping = true;
    }
    form->matched = 0;
    form->state = form->skipping ? S3_FORM_EPILOGUE : S3_FORM_DELIMITED;
    return code;
}

/* Reads the rest of a delimiter's line: "--" ends the form; blanks are padding. */
static int take_delimited(struct s3_form *form, char c)
{
    buffer_byte(&form->text, c);
    if (form->text.size == 2 && memcmp(form->text.data, "--", 2) == 0) {
        form->state = S3_FORM_EPILOGUE;
        return 0;
    }
    if (c != '\n')
        return form->text.size > S3_FORM_HEADERS_MAX ? ERR_PROTOCOL : 0;
    buffer_clear(&form->text);
    form->state = S3_FORM_HEADERS;
    return 0;
}

static int take_header_byte(struct s3_form *form, char c)
{
    buffer_byte(&form->text, c);
    size_t size = form->text.size;
    if (form->text.error || size > S3_FORM_HEADERS_MAX)
        return form->text.error == ERR_MEMORY ? ERR_MEMORY : ERR_LIMIT;
    if (size == 2 && memcmp(form->text.data, "\r\n", 2) == 0)
        return ERR_PROTOCOL; /* a part without headers has no name */
    if (size < 4 || memcmp(form->text.data + size - 4, "\r\n\r\n", 4) != 0)
        return 0;
    return take_headers(form);
}

static void advance(struct slice *in, size_t size)
{
    *in = (struct slice){in->data + size, in->size - size};
}

/* The next run of content, up to a delimiter; *met: the delimiter was found. */
static struct slice take_run(struct s3_form *form, struct slice *in, bool *met)
{
    *met = false;
    while (in->size && *in->data == form->delimiter[form->matched]) {
        advance(in, 1);
        *met = ++form->matched == form->delimiter_size;
        if (*met)
            return (struct slice){0};
    }
    if (!in->size)
        return (struct slice){0};
    if (form->matched) {
        struct slice run = {form->delimiter, form->matched};
        form->matched = 0;
        return run;
    }
    const char *end = memchr(in->data, '\r', in->size);
    struct slice run = {in->data, end ? (size_t)(end - in->data) : in->size};
    advance(in, run.size);
    return run;
}

/* 1: a run of the file. */
static int take_content(struct s3_form *form, struct slice *in, struct slice *data)
{
    bool met;
    struct slice run = take_run(form, in, &met);
    if (run.size && form->state == S3_FORM_FILE) {
        *data = run;
        return 1;
    }
    if (run.size && form->state == S3_FORM_VALUE)
        buffer_append(&form->text, run.data, run.size);
    if (form->text.error)
        return form->text.error;
    return met ? delimiter_met(form) : 0;
}

int s3_form_next(struct s3_form *form, struct slice *in, struct slice *data)
{
    int code = 0;
    *data = (struct slice){0};
    while (in->size && !code) {
        switch (form->state) {
        case S3_FORM_DELIMITED:
            code = take_delimited(form, *in->data);
            advance(in, 1);
            break;
        case S3_FORM_HEADERS:
            code = take_header_byte(form, *in->data);
            advance(in, 1);
            break;
        case S3_FORM_EPILOGUE:
            advance(in, in->size);
            break;
        default:
            code = take_content(form, in, data);
        }
    }
    return code;
}
