/*
 * Problems in files, each with its position: as lines for people, as fields for programs. Any
 * thread, but one at a time.
 */
#ifndef THUMBWHEEL_PROBLEMS_H
#define THUMBWHEEL_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { PROBLEMS_MAX = 200 };

struct problem_place { /* borrowed */
    const char *file;  /* NULL: not in a file */
    int line, column;  /* from 1; 0: unknown */
    const char *key;   /* "outputs[0].width", the name of a setting; NULL or "": none */
};

struct problem { /* strings are owned */
    int code;    /* enum error_code; 0: a warning */
    char *file;  /* or NULL */
    int line, column;
    char *key; /* or NULL */
    char *text;
};

struct problem_list {
    struct problem *items;
    size_t count;            /* at most PROBLEMS_MAX */
    size_t errors, warnings; /* all problems, including those not in the list */
    bool out_of_memory;      /* a problem was lost for lack of memory */
};

/* Adds a problem and returns its code. Control characters in the text become spaces. */
int problem_add(struct problem_list *list, const struct problem_place *place, int code,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Sorts the problems from index `first` on by line and column. */
void problem_list_sort(struct problem_list *list, size_t first);

/* "file:line:column: key: text", for free(). NULL: no memory. */
char *problem_line(const struct problem *problem);

/* The first error as a struct error; returns its code, or 0 if there is none. *error may be NULL.
 */
int problem_list_error(const struct problem_list *list, struct error *error);

void problem_list_clear(struct problem_list *list);

#endif
