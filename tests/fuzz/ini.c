/* The files in ~/.aws. */
#include "ini.h"

#include "error.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct ini ini = {0};
    size_t line = 0;
    char *copy = fuzz_copy(text);
    int code = ini_parse(&ini, (struct slice){copy, size}, &line);
    require(code == 0 || (code == ERR_INVALID && line > 0));
    for (size_t i = 0; i < ini.count; i++) {
        const struct ini_entry *entry = &ini.entries[i];
        require(entry->section && entry->value && ini_has_section(&ini, entry->section));
        require(!entry->key || ini_get(&ini, entry->section, entry->key));
    }
    ini_free(&ini);
    free(copy);
    return 0;
}
