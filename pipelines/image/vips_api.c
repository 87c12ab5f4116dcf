#define VIPS_TABLE_WITHOUT_CALLS
#include "vips_api.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* The name of its ABI, which no release of libvips 8 has changed. */
#define LIBVIPS "libvips.so.42"

struct vips_table vips_table;

#define ENTRY(name) {#name, offsetof(struct vips_table, name)},
static const struct entry {
    const char *name;
    size_t offset;
} entries[] = {VIPS_FUNCTIONS(ENTRY)};

int vips_api_load(struct error *error)
{
    /* Never unloaded, because GLib does not support it. A lookup includes the dependencies of
     * libvips, so GLib's functions are found too. */
    void *library = dlopen(LIBVIPS, RTLD_LAZY);
    if (!library)
        return error_set(error, ERR_UNSUPPORTED, "%s; on Debian: apt-get install libvips42",
                         dlerror());
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        void *function = dlsym(library, entries[i].name);
        if (!function)
            return error_set(error, ERR_UNSUPPORTED, "%s has no %s; 8.14 or newer is needed",
                             LIBVIPS, entries[i].name);
        memcpy((char *)&vips_table + entries[i].offset, &function, sizeof function);
    }
    return 0;
}
