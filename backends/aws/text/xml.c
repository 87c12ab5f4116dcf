#include "xml.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#include "error.h"

struct xml_reader {
    XML_Parser parser;
    xml_element *element;
    void *user;
    int rc; /* why the parser was stopped */
    char path[XML_PATH_MAX];
    size_t depth;
    struct {
        size_t path_size; /* length of the ancestors' path, to return to */
        size_t start;
        size_t text_start; /* where this element's text begins */
    } levels[XML_DEPTH_MAX];
    struct buffer text; /* of the open elements, concatenated */
};

static void stop(struct xml_reader *r, int rc)
{
    if (!r->rc)
        r->rc = rc;
    XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct xml_reader *r = data;
    size_t path = strlen(r->path), size = strlen(name);
    if (r->depth == XML_DEPTH_MAX || path + 1 + size >= sizeof r->path) {
        stop(r, ERR_PROTOCOL);
        return;
    }
    r->levels[r->depth].path_size = path;
    r->levels[r->depth].start = (size_t)XML_GetCurrentByteIndex(r->parser);
    r->levels[r->depth].text_start = r->text.size;
    r->depth++;
    if (path)
        r->path[path++] = '/';
    memcpy(r->path + path, name, size + 1);
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
    (void)name;
    struct xml_reader *r = data;
    if (r->rc)
        return;
    r->depth--;
    size_t start = r->levels[r->depth].text_start;
    struct slice text = {r->text.data ? r->text.data + start : "", r->text.size - start};
    size_t end =
        (size_t)XML_GetCurrentByteIndex(r->parser) + (size_t)XML_GetCurrentByteCount(r->parser);
    int rc = r->element(r->user, r->path, text, r->levels[r->depth].start, end);
    r->text.size = start;
    r->path[r->levels[r->depth].path_size] = '\0';
    if (rc)
        stop(r, rc);
}

static void XMLCALL on_text(void *data, const XML_Char *text, int size)
{
    struct xml_reader *r = data;
    if (!r->rc && buffer_append(&r->text, text, (size_t)size))
        stop(r, r->text.error == ERR_MEMORY ? ERR_MEMORY : ERR_PROTOCOL);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(data, ERR_PROTOCOL);
}

int xml_read(struct slice document, xml_element *element, void *user)
{
    struct xml_reader r = {.element = element, .user = user};
    if (document.size > INT_MAX)
        return ERR_PROTOCOL;
    r.parser = XML_ParserCreate("UTF-8");
    if (!r.parser)
        return ERR_MEMORY;
    buffer_init(&r.text, XML_TEXT_MAX);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    int rc = 0;
    if (XML_Parse(r.parser, document.data, (int)document.size, 1) != XML_STATUS_OK)
        rc = XML_GetErrorCode(r.parser) == XML_ERROR_NO_MEMORY ? ERR_MEMORY : ERR_PROTOCOL;
    if (r.rc)
        rc = r.rc;
    XML_ParserFree(r.parser);
    buffer_free(&r.text);
    return rc;
}

int xml_escape(struct buffer *out, const char *text)
{
    static const char *const escapes[] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;"};
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < sizeof escapes / sizeof escapes[0] && escapes[c])
            buffer_text(out, escapes[c]);
        else if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r')
            buffer_byte(out, *text);
    }
    return out->error;
}
