#include "xml_reader.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#include "error.h"

static const char SEPARATOR = '\n'; /* between a namespace and a name; it is in neither */

struct xml_level {
    size_t path_size; /* of the ancestors, to go back to */
    size_t start;
    size_t text_start; /* where this element's text begins */
};

struct xml_reader {
    XML_Parser parser;
    xml_on_start *on_start;
    xml_on_end *on_end;
    void *user;
    int code; /* why the parser was stopped */
    char path[XML_PATH_MAX];
    struct xml_level levels[XML_DEPTH_MAX];
    size_t depth, elements;
    struct buffer text; /* of the open elements, one after another */
};

static void stop(struct xml_reader *r, int code)
{
    if (!r->code)
        r->code = code;
    XML_StopParser(r->parser, XML_FALSE);
}

static int level_push(struct xml_reader *r, const char *name)
{
    size_t path = strlen(r->path), size = strlen(name);
    if (r->depth == XML_DEPTH_MAX || path + 1 + size >= sizeof r->path ||
        r->elements++ == XML_ELEMENTS_MAX)
        return ERR_PROTOCOL;
    r->levels[r->depth++] = (struct xml_level){
        .path_size = path,
        .start = (size_t)XML_GetCurrentByteIndex(r->parser),
        .text_start = r->text.size,
    };
    if (path)
        r->path[path++] = '/';
    memcpy(r->path + path, name, size + 1);
    return 0;
}

static void XMLCALL start_element(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct xml_reader *r = data;
    const char *separator = strrchr(name, SEPARATOR);
    const char *local = separator ? separator + 1 : name;
    (void)attributes;
    if (r->code)
        return;
    int code = level_push(r, local);
    if (!code && r->on_start)
        code = r->on_start(r->user, local);
    if (code)
        stop(r, code);
}

static void XMLCALL end_element(void *data, const XML_Char *name)
{
    struct xml_reader *r = data;
    (void)name;
    if (r->code)
        return;
    const struct xml_level *level = &r->levels[--r->depth];
    struct slice text = {r->text.data ? r->text.data + level->text_start : "",
                         r->text.size - level->text_start};
    size_t end =
        (size_t)XML_GetCurrentByteIndex(r->parser) + (size_t)XML_GetCurrentByteCount(r->parser);
    int code = r->on_end(r->user, r->path, text, level->start, end);
    r->text.size = level->text_start;
    r->path[level->path_size] = '\0';
    if (code)
        stop(r, code);
}

static void XMLCALL add_text(void *data, const XML_Char *text, int size)
{
    struct xml_reader *r = data;
    if (r->code)
        return;
    size_t before = r->depth ? r->text.size - r->levels[r->depth - 1].text_start : 0;
    if (before + (size_t)size > XML_TEXT_MAX)
        stop(r, ERR_PROTOCOL);
    else if (buffer_append(&r->text, text, (size_t)size))
        stop(r, r->text.error);
}

static void XMLCALL refuse_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                                   const XML_Char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(data, ERR_PROTOCOL);
}

static int parse(struct xml_reader *r, struct slice document)
{
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, start_element, end_element);
    XML_SetCharacterDataHandler(r->parser, add_text);
    XML_SetStartDoctypeDeclHandler(r->parser, refuse_doctype);
    enum XML_Status result = XML_Parse(r->parser, document.data, (int)document.size, 1);
    if (r->code)
        return r->code;
    if (result == XML_STATUS_OK)
        return 0;
    return XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY ? ERR_MEMORY : ERR_PROTOCOL;
}

int xml_read(struct slice document, xml_on_start *on_start, xml_on_end *on_end, void *user)
{
    struct xml_reader r = {.on_start = on_start, .on_end = on_end, .user = user};
    if (document.size > INT_MAX)
        return ERR_PROTOCOL;
    r.parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
    if (!r.parser)
        return ERR_MEMORY;
    buffer_init(&r.text, (size_t)XML_DEPTH_MAX * XML_TEXT_MAX);
    int code = parse(&r, document);
    XML_ParserFree(r.parser);
    buffer_free(&r.text);
    return code;
}
