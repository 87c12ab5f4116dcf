/* Lists of words in one text, separated by single spaces. Any thread. */
#ifndef THUMBWHEEL_WORD_LIST_H
#define THUMBWHEEL_WORD_LIST_H

#include <stdbool.h>

#include "bytes.h"

/* list NULL: empty. */
bool word_list_has(const char *list, const char *word);
/* The same for a word in any case; the list has small letters. */
bool word_list_has_any_case(const char *list, struct slice word);

#endif
