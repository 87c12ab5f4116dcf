/* libfyaml 0.7 hangs on a directive that contains invalid UTF-8, so such files are refused
 * beforehand. */
#include "yaml_text.h"

#include "utf8.h"

int yaml_text_check(struct slice text, const char *file, struct problem_list *problems)
{
    int line = 1, column = 1;
    for (size_t at = 0, size; at < text.size; at += size) {
        size = utf8_character_size((struct slice){text.data + at, text.size - at});
        if (!size)
            return problem_add(problems, &(struct problem_place){file, line, column, NULL},
                               ERR_INVALID, "not UTF-8; save the file as UTF-8 text");
        bool ends = text.data[at] == '\n';
        line += ends;
        column = ends ? 1 : column + 1;
    }
    return 0;
}
