#include "vips_modules.h"

#include <dlfcn.h>
#include <gmodule.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_format.h"
#include "vips_api.h"

enum { PATH_SIZE = 4096 };

/* libvips looks for modules below the folder that this variable names. */
int vips_init_bare(const char *program)
{
    static const char variable[] = "VIPSHOME", nowhere[] = "/nonexistent";
    const char *value = getenv(variable);
    char *before = value ? strdup(value) : NULL;
    setenv(variable, nowhere, 1);
    int failed = vips_init(program);
    if (before)
        setenv(variable, before, 1);
    else
        unsetenv(variable);
    free(before);
    return failed;
}

/* Beside libvips, in a folder with its version. */
static void module_path(const char *name, char out[PATH_SIZE])
{
    Dl_info library = {.dli_fname = NULL};
    dladdr((void *)(uintptr_t)vips_init, &library);
    const char *file = library.dli_fname ? library.dli_fname : "";
    const char *slash = strrchr(file, '/');
    snprintf(out, PATH_SIZE, "%.*s/vips-modules-%d.%d/vips-%s.so", slash ? (int)(slash - file) : 0,
             file, vips_version(0), vips_version(1), name);
}

static bool load(const char *name)
{
    char path[PATH_SIZE];
    module_path(name, path);
    GModule *module = g_module_open(path, G_MODULE_BIND_LAZY);
    if (module) /* its types can't be unregistered */
        g_module_make_resident(module);
    return module;
}

void vips_modules_load(unsigned modules)
{
    static const char *const names[] = {"heif", "jxl", "poppler"}; /* in the order of the bits */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static unsigned tried;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (modules & ~tried & 1U << i)
            load(names[i]);
    }
    tried |= modules;
    pthread_mutex_unlock(&lock);
}

/* ImageMagick's own modules, one for each format: asking for a format loads its coder. Afterwards
 * nothing can be opened any more, so there are no others, whatever a file claims to be. */
static void coders_load(void *magick)
{
    void (*begin)(const char *path, int signals);
    const void *(*find)(const char *name, void *exception);
    void *(*new_exception)(void);
    void *symbols[] = {dlsym(magick, "MagickCoreGenesis"), dlsym(magick, "GetMagickInfo"),
                       dlsym(magick, "AcquireExceptionInfo")};
    if (!symbols[0] || !symbols[1] || !symbols[2])
        return;
    memcpy(&begin, &symbols[0], sizeof begin);
    memcpy(&find, &symbols[1], sizeof find);
    memcpy(&new_exception, &symbols[2], sizeof new_exception);
    begin(NULL, 0);
    void *exception = new_exception(); /* kept: the coders may refer to it */
    find("BMP", exception);
    find("ICO", exception);
}

void vips_magick_load(void)
{
    setenv("MAGICK_THREAD_LIMIT", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    if (!load("magick"))
        return;
    void *magick = dlopen("libMagickCore-6.Q16.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (magick)
        coders_load(magick);
}

/* ---- drawings ---- */

static bool drawings, fonts;

/* Of a library that libvips has loaded; NULL: there is none. */
static void *library_find(const char *name)
{
    return dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
}

/* FcInit reads the configuration and lists the fonts. */
static void fonts_list(void)
{
    struct font_set { /* fontconfig.h: FcFontSet */
        int count;
    };
    void *library = library_find("libfontconfig.so.1");
    int (*init)(void);
    const struct font_set *(*get)(void *config, int set);
    void *symbols[] = {library ? dlsym(library, "FcInit") : NULL,
                       library ? dlsym(library, "FcConfigGetFonts") : NULL};
    if (!symbols[0] || !symbols[1])
        return;
    memcpy(&init, &symbols[0], sizeof init);
    memcpy(&get, &symbols[1], sizeof get);
    const struct font_set *set = init() ? get(NULL, 0) : NULL;
    fonts = set && set->count > 0;
}

/* gdk-pixbuf reads the list of its modules. Those that are not built in can't be loaded later. */
static void pixbuf_start(void)
{
    void *library = library_find("libgdk_pixbuf-2.0.so.0");
    void *(*formats)(void);
    void *symbol = library ? dlsym(library, "gdk_pixbuf_get_formats") : NULL;
    if (!symbol)
        return;
    memcpy(&formats, &symbol, sizeof formats);
    formats(); /* a list that is kept */
}

void vips_drawings_prepare(void)
{
    fonts_list();
    pixbuf_start();
}

void vips_drawings_allow(void)
{
    drawings = true;
    vips_operation_block_set("VipsForeignLoadSvg", FALSE);
}

bool vips_drawings_allowed(void)
{
    return drawings;
}

bool vips_fonts_exist(void)
{
    return fonts;
}
