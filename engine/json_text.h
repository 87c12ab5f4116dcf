/*
 * Reading JSON, with a lack of memory told apart from a text that is wrong.
 *
 * jansson's lexer does not look whether it could keep a character: without memory it goes on
 * without, and may end the process over what it then finds. So while a text is read, what the
 * allocator refuses comes from a reserve; the rest of the text is then left unread.
 */
#ifndef THUMBWHEEL_JSON_TEXT_H
#define THUMBWHEEL_JSON_TEXT_H

#include <jansson.h>

#include "bytes.h"

/* Once, on the main thread, before any JSON is read; without it nothing is watched. */
void json_text_setup(void);

/* As json_loadb. NULL: *why says so, with the code json_error_out_of_memory where memory was short.
 * Any thread. */
json_t *json_text_read(struct slice text, size_t flags, json_error_t *why);
/* Of an answer NULL: it was for want of memory, not for what the text is. */
bool json_text_short(const json_error_t *why);

#endif
