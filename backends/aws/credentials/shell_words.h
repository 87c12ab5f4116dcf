/* Splits a command line as a POSIX shell does, without expanding anything. Any thread. */
#ifndef THUMBWHEEL_SHELL_WORDS_H
#define THUMBWHEEL_SHELL_WORDS_H

#include <stddef.h>

/* White space separates words; '…' is literal; in "…" a backslash escapes only " and \ (and what
 * else is escaped keeps its backslash); elsewhere it escapes any character. As shlex.split of
 * Python does, which botocore uses. *words ends with NULL; free it with shell_words_free.
 * ERR_INVALID: an open quote or a backslash at the end. ERR_MEMORY. */
int shell_words_split(const char *text, char ***words, size_t *count);
void shell_words_free(char **words);

#endif
