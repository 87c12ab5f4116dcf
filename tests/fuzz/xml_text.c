/* XML as it is read from any peer, and text that goes into XML and comes back. */
#include "xml_reader.h"
#include "xml_writer.h"

#include "error.h"
#include "fuzz.h"

static int check_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    const size_t *size = user;
    require(*path && strlen(path) < XML_PATH_MAX && text.size <= XML_TEXT_MAX);
    require(start < end && end <= *size);
    return 0;
}

static int stop_at_second(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    int *calls = user;
    (void)path;
    (void)text;
    (void)start;
    (void)end;
    require(*calls < 2);
    return ++*calls == 2 ? ERR_LIMIT : 0;
}

static int take_text(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)path;
    (void)start;
    (void)end;
    return buffer_append(user, text.data, text.size);
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

static void check_escape(struct slice text)
{
    struct buffer out, back;
    char *plain = slice_dup(text);
    require(plain);
    buffer_init(&out, 6 * text.size + 64);
    buffer_init(&back, text.size + 1);
    buffer_text(&out, "<a>");
    xml_strict_text(&out, slice_of(plain));
    require(!out.error);
    buffer_text(&out, "</a>");
    require(!xml_read(buffer_slice(&out), NULL, take_text, &back));
    require(slice_equal(buffer_slice(&back), text));
    free(plain);
    buffer_free(&out);
    buffer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice document = {(const char *)data, size};
    int calls = 0;
    char *copy = fuzz_copy(document);
    document.data = copy;
    xml_read(document, NULL, check_element, &size);
    xml_read(document, NULL, stop_at_second, &calls);
    if (size < XML_TEXT_MAX && is_plain(document))
        check_escape(document);
    free(copy);
    return 0;
}
