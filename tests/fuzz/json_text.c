/*
 * Any text is read as jansson's own lexer reads it: refused by both, or the same tree from both.
 * Only a number of more than 512 characters and a NUL, which jansson may take for the end, are
 * refused by ours alone.
 */
#include "json_text.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {data ? (const char *)data : "", size};
    json_error_t ours, theirs;
    unsigned choice = fuzz_choice(&text);
    size_t flags = (choice & 1 ? JSON_DECODE_ANY : 0) | (choice & 2 ? JSON_REJECT_DUPLICATES : 0);
    json_t *read = json_text_read(text, flags, &ours);
    json_t *expected = json_loadb(text.data, text.size, flags, &theirs);
    if (read)
        require(expected && json_equal(read, expected));
    else
        require(*ours.text && !json_text_short(&ours) &&
                (!expected || memchr(text.data, '\0', text.size) ||
                 strcmp(ours.text, "a number is too long") == 0 ||
                 strcmp(ours.text, "maximum parsing depth reached") == 0));
    json_decref(read);
    json_decref(expected);
    return 0;
}
