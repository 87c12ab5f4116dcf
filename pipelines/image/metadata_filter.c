#include "metadata_filter.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "xml_reader.h"
#include "xml_writer.h"

/* ---- positions in XMP: the properties exif:GPS… as attributes or elements ---- */

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_-.:", c));
}

/* The end of an attribute whose name begins at `at`; NULL: it is not one. */
static char *attribute_end(char *at, char *end)
{
    while (at < end && is_name(*at))
        at++;
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    if (at == end || *at++ != '=')
        return NULL;
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    if (at == end || (*at != '"' && *at != '\''))
        return NULL;
    char *quote = memchr(at + 1, *at, (size_t)(end - at - 1));
    return quote ? quote + 1 : NULL;
}

/* The end of an element with a text, whose name begins at `at`: after the tag that closes it. */
static char *element_end(char *at, char *end)
{
    size_t name = 0;
    while (at + name < end && is_name(at[name]))
        name++;
    for (char *c = at; c + name + 3 <= end; c++) {
        if (c[0] == '<' && c[1] == '/' && memcmp(c + 2, at, name) == 0 && c[2 + name] == '>')
            return c + name + 3;
    }
    return NULL;
}

bool xmp_blank_gps(char *xmp, size_t size)
{
    char *end = xmp + size, *found;
    while ((found = memmem(xmp, (size_t)(end - xmp), "GPS", 3))) {
        char *name = found;
        while (name > xmp && is_name(name[-1]))
            name--;
        bool element = name > xmp && name[-1] == '<';
        char *stop = element ? element_end(name, end) : attribute_end(name, end);
        if (!stop)
            return false;
        memset(element ? name - 1 : name, ' ', (size_t)(stop - name) + element);
    }
    return true;
}

/* ---- rights in XMP ---- */

enum { CREATORS_MAX = 16, RIGHTS_MAX = 16 * 1024 };

struct rights {
    struct buffer copyright, creators, terms, statement;
    unsigned creator_count;
};

static bool ends_with(const char *path, const char *end)
{
    size_t size = strlen(path), wanted = strlen(end);
    return size >= wanted && strcmp(path + size - wanted, end) == 0;
}

/* The first of an alternative: the default language. */
static void take_first(struct buffer *out, struct slice text)
{
    if (out->size == 0)
        xml_strict_text(out, text);
}

static int on_end(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    struct rights *rights = user;
    (void)start;
    (void)end;
    if (ends_with(path, "Description/rights/Alt/li"))
        take_first(&rights->copyright, text);
    else if (ends_with(path, "Description/UsageTerms/Alt/li"))
        take_first(&rights->terms, text);
    else if (ends_with(path, "Description/WebStatement"))
        take_first(&rights->statement, text);
    else if (ends_with(path, "Description/creator/Seq/li") &&
             rights->creator_count++ < CREATORS_MAX) {
        buffer_text(&rights->creators, "<rdf:li>");
        xml_strict_text(&rights->creators, text);
        buffer_text(&rights->creators, "</rdf:li>");
    }
    return 0;
}

static void property_write(struct buffer *out, const char *begin, const struct buffer *value,
                           const char *end)
{
    if (value->size == 0 || value->error)
        return;
    buffer_text(out, begin);
    buffer_append(out, value->data, value->size);
    buffer_text(out, end);
}

static void packet_write(struct buffer *out, const struct rights *rights)
{
    static const char li[] = "</rdf:li></rdf:Alt>";
    char end[64];
    buffer_text(out, "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
                     "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description "
                     "rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
                     "xmlns:xmpRights=\"http://ns.adobe.com/xap/1.0/rights/\">");
    snprintf(end, sizeof end, "%s</dc:rights>", li);
    property_write(out, "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">", &rights->copyright,
                   end);
    property_write(out, "<dc:creator><rdf:Seq>", &rights->creators, "</rdf:Seq></dc:creator>");
    snprintf(end, sizeof end, "%s</xmpRights:UsageTerms>", li);
    property_write(out, "<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang=\"x-default\">",
                   &rights->terms, end);
    property_write(out, "<xmpRights:WebStatement>", &rights->statement,
                   "</xmpRights:WebStatement>");
    buffer_text(out, "</rdf:Description></rdf:RDF></x:xmpmeta>");
}

void xmp_rights(struct slice xmp, struct buffer *out)
{
    struct rights rights = {0};
    buffer_init(&rights.copyright, RIGHTS_MAX);
    buffer_init(&rights.creators, RIGHTS_MAX);
    buffer_init(&rights.terms, RIGHTS_MAX);
    buffer_init(&rights.statement, RIGHTS_MAX);
    while (xmp.size && xmp.data[xmp.size - 1] == '\0') /* padding */
        xmp.size--;
    bool any =
        !xml_read(xmp, NULL, on_end, &rights) &&
        rights.copyright.size + rights.creators.size + rights.terms.size + rights.statement.size >
            0;
    if (any)
        packet_write(out, &rights);
    buffer_free(&rights.copyright);
    buffer_free(&rights.creators);
    buffer_free(&rights.terms);
    buffer_free(&rights.statement);
}

/* ---- IPTC: IIM records in the resource 0x0404 of Photoshop ---- */

static const char photoshop[] = "Photoshop 3.0"; /* with its NUL */

static uint32_t number_at(const char *at, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* "8BIM", an identifier, a name padded to an even size, the size of the data, data padded too. */
static struct slice resource_find(struct slice block)
{
    enum { HEAD = 6, IPTC = 0x0404 };
    const char *at = block.size ? block.data : "", *end = at + block.size;
    while (end - at > HEAD && memcmp(at, "8BIM", 4) == 0) {
        uint32_t id = number_at(at + 4, 2);
        size_t name = ((size_t)(unsigned char)at[HEAD] + 2) & ~(size_t)1;
        if ((size_t)(end - at) < HEAD + name + 4)
            break;
        at += HEAD + name;
        size_t size = number_at(at, 4);
        at += 4;
        if (size > (size_t)(end - at))
            break;
        if (id == IPTC)
            return (struct slice){at, size};
        size += size & 1;
        at += size < (size_t)(end - at) ? size : (size_t)(end - at);
    }
    return (struct slice){0};
}

struct slice iptc_records(struct slice block)
{
    enum { MARK = 0x1c };
    if (block.size > sizeof photoshop && memcmp(block.data, photoshop, sizeof photoshop) == 0)
        block = (struct slice){block.data + sizeof photoshop, block.size - sizeof photoshop};
    if (block.size && block.data[0] == MARK)
        return block;
    return resource_find(block);
}

/* Of record 2: by-line, its title, credit, copyright notice; of record 1, the character set. */
static bool is_about_rights(unsigned record, unsigned set)
{
    return record == 1 ? set == 90
                       : record == 2 && (set == 80 || set == 85 || set == 110 || set == 116);
}

void iptc_rights(struct slice records, struct buffer *out)
{
    enum { HEAD = 5, MARK = 0x1c, EXTENDED = 0x8000 };
    const char *at = records.size ? records.data : "", *end = at + records.size;
    while (end - at >= HEAD && *at == MARK) {
        size_t size = number_at(at + 3, 2);
        if (size & EXTENDED || size > (size_t)(end - at) - HEAD)
            break;
        if (is_about_rights((unsigned char)at[1], (unsigned char)at[2]))
            buffer_append(out, at, HEAD + size);
        at += HEAD + size;
    }
}

void iptc_pad(struct slice records, struct buffer *out)
{
    if (records.size)
        buffer_append(out, records.data, records.size);
    for (size_t i = 0; i < records.size; i++)
        buffer_append(out, "\0\0\0", 3);
}

void iptc_wrap(struct slice records, struct buffer *out)
{
    const char size[] = {(char)(records.size >> 24), (char)(records.size >> 16),
                         (char)(records.size >> 8), (char)records.size};
    buffer_append(out, photoshop, sizeof photoshop);
    buffer_append(out, "8BIM\x04\x04\0\0", 8);
    buffer_append(out, size, sizeof size);
    if (records.size)
        buffer_append(out, records.data, records.size);
    if (records.size & 1)
        buffer_append(out, "", 1);
}
