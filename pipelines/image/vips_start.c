#include "vips_start.h"

#include <stdbool.h>

#include "vips_api.h"
#include "vips_modules.h"
#include "vips_warnings.h"

/* Messages that libvips would print are either already in our errors or useless to the user. */
static void log_nothing(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user)
{
    (void)domain;
    (void)level;
    (void)text;
    (void)user;
}

static void on_vips(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user)
{
    (void)domain;
    (void)user;
    if (level & G_LOG_LEVEL_WARNING)
        vips_warnings_hear(text);
}

/* A message of libvips or GLib about an image must not terminate an engine that decodes in its own
 * process, whatever G_DEBUG contains: only messages after which GLib itself cannot continue are
 * fatal. */
static void never_fatal(void)
{
    static const char *const domains[] = {"VIPS", "GLib", "GLib-GObject", "GLib-GIO", "GModule"};
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        g_log_set_fatal_mask(domains[i], G_LOG_FATAL_MASK);
}

/* libnuma, which the HEVC encoder uses, would print that a decoder can't read /sys. numa(3) allows
 * a program to replace this function; the program exports it (CMakeLists.txt). */
void numa_warn(int number, char *where, ...);
void numa_warn(int number, char *where, ...)
{
    (void)number;
    (void)where;
}

static bool started;

int pipelines_start(const char *program, struct error *error)
{
    int code = started ? 0 : vips_api_load(error);
    if (started || code)
        return code;
    if (vips_init_bare(program)) {
        vips_error_clear();
        return error_set(error, ERR_UNSUPPORTED, "libvips could not be started");
    }
    never_fatal();
    /* of all domains, including GLib and the loaders */
    g_log_set_default_handler(log_nothing, NULL);
    g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, on_vips, NULL);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoadJp2k", FALSE); /* unused, unless it is enabled */
    vips_vector_set_enabled(FALSE); /* run-time code generation, which decoders must not use */
    started = true;
    return 0;
}

void pipelines_stop(void)
{
    if (started)
        vips_shutdown();
    started = false;
}

void pipelines_thread_end(void)
{
    if (started) /* otherwise this thread has not used libvips */
        vips_thread_shutdown();
}
