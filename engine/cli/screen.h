/* A block of lines that is drawn again in its place. */
#ifndef THUMBWHEEL_SCREEN_H
#define THUMBWHEEL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct screen {
    bool redraws; /* standard output is a terminal; else blocks follow each other */
    bool drawn;   /* before */
    size_t lines; /* of the last block on the terminal */
    char *text;
    size_t size;
    FILE *memory;
};

/* Where to print a block; NULL: out of memory. */
FILE *screen_begin(struct screen *screen);
/* Shows it. Lines that do not fit on the terminal are left out. ERR_IO. */
int screen_end(struct screen *screen);

#endif
