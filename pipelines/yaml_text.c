/* libfyaml 0.7 never returns from a directive with a byte in it that is not UTF-8, so such bytes
 * never reach it. */
#include "yaml_text.h"

#include "utf8.h"

int yaml_text_check(struct slice text, const char *file, struct error *error)
{
    int line = 1, column = 1;
    for (size_t at = 0, size; at < text.size; at += size) {
        size = utf8_character_size((struct slice){text.data + at, text.size - at});
        if (!size)
            return error_set(error, ERR_INVALID, "%s:%d:%d: not UTF-8; save the file as UTF-8 text",
                             file, line, column);
        bool ends = text.data[at] == '\n';
        line += ends;
        column = ends ? 1 : column + 1;
    }
    return 0;
}
