#include "word_list.h"

#include <string.h>
#include <strings.h>

bool word_list_has(const char *list, const char *word)
{
    size_t size = strlen(word);
    while (list && *list) {
        size_t next = strcspn(list, " ");
        if (next == size && memcmp(list, word, size) == 0)
            return true;
        list += next + (list[next] == ' ');
    }
    return false;
}

bool word_list_has_any_case(const char *list, struct slice word)
{
    while (*list) {
        size_t next = strcspn(list, " ");
        if (next == word.size && strncasecmp(list, word.data, next) == 0)
            return true;
        list += next + (list[next] == ' ');
    }
    return false;
}
