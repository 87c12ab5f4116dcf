#include "screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "terminal.h"

enum { ROWS_DEFAULT = 24 };

FILE *screen_begin(struct screen *screen)
{
    if (screen->redraws)
        return screen->memory = open_memstream(&screen->text, &screen->size);
    if (screen->drawn)
        putchar('\n');
    return stdout;
}

/* The cursor stays below the block, so that the next one can be drawn over it. */
static void draw(struct screen *screen)
{
    const size_t rows = terminal_rows(STDOUT_FILENO);
    const size_t most = (rows ? rows : ROWS_DEFAULT) - 1;
    if (screen->lines)
        printf("\033[%zuA", screen->lines);
    screen->lines = 0;
    for (char *at = screen->text; *at && screen->lines < most; screen->lines++) {
        const size_t size = strcspn(at, "\n");
        printf("\r\033[K%.*s\n", (int)size, at);
        at += size + (at[size] == '\n');
    }
    fputs("\033[J", stdout);
}

int screen_end(struct screen *screen)
{
    bool failed = false;
    if (screen->memory) {
        failed = fclose(screen->memory) != 0;
        if (!failed)
            draw(screen);
        free(screen->text);
        screen->memory = NULL;
        screen->text = NULL;
    }
    screen->drawn = true;
    return fflush(stdout) || ferror(stdout) || failed ? ERR_IO : 0;
}
