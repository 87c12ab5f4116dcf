#include "shell_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* One allocation: the pointers, then the texts, which never need more than the line. */
struct splitter {
    char **words;
    size_t count;
    char *out;
    bool open; /* a word has begun; it may be empty ("") */
};

static void word_begin(struct splitter *s)
{
    if (!s->open)
        s->words[s->count++] = s->out;
    s->open = true;
}

static void word_end(struct splitter *s)
{
    if (s->open)
        *s->out++ = '\0';
    s->open = false;
}

static void put(struct splitter *s, char c)
{
    word_begin(s);
    *s->out++ = c;
}

/* From behind the opening quote; NULL: it is not closed. Else, the closing one. */
static const char *quoted(struct splitter *s, const char *at, char quote)
{
    word_begin(s);
    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        put(s, *at);
    }
    return *at ? at : NULL;
}

static int split(struct splitter *s, const char *at)
{
    for (; *at; at++) {
        if (strchr(" \t\r\n", *at)) {
            word_end(s);
        } else if (*at == '\'' || *at == '"') {
            at = quoted(s, at + 1, *at);
            if (!at)
                return ERR_INVALID;
        } else {
            if (*at == '\\' && !*++at)
                return ERR_INVALID;
            put(s, *at);
        }
    }
    word_end(s);
    return 0;
}

int shell_words_split(const char *text, char ***words, size_t *count)
{
    const size_t size = strlen(text);
    const size_t pointers = (size / 2 + 2) * sizeof(char *); /* each word takes two characters */
    *words = calloc(1, pointers + size + 2);
    *count = 0;
    if (!*words)
        return ERR_MEMORY;
    struct splitter s = {.words = *words, .out = (char *)*words + pointers};
    int code = split(&s, text);
    if (code) {
        shell_words_free(*words);
        *words = NULL;
        return code;
    }
    *count = s.count;
    return 0;
}

void shell_words_free(char **words)
{
    free(words);
}
