#include "vips_start.h"

#include <stdbool.h>

#include "vips_api.h"

/* Messages that libvips would print are either in our errors already or of no use to the user. */
static void log_nothing(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user)
{
    (void)domain;
    (void)level;
    (void)text;
    (void)user;
}

/* A message of libvips or GLib about one image must not end an engine that decodes in its own
 * process, whatever G_DEBUG says: only what GLib itself cannot continue after is fatal. */
static void never_fatal(void)
{
    static const char *const domains[] = {"VIPS", "GLib", "GLib-GObject", "GLib-GIO", "GModule"};
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        g_log_set_fatal_mask(domains[i], G_LOG_FATAL_MASK);
}

static bool started;

int pipelines_start(const char *program, struct error *error)
{
    int code = started ? 0 : vips_api_load(error);
    if (started || code)
        return code;
    if (vips_init(program)) {
        vips_error_clear();
        return error_set(error, ERR_UNSUPPORTED, "libvips could not be started");
    }
    never_fatal();
    g_log_set_default_handler(log_nothing, NULL); /* of every domain: GLib's own, the loaders' */
    g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, log_nothing, NULL);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
    vips_vector_set_enabled(FALSE); /* code made at run time, which no decoder may execute */
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
    if (started) /* else this thread has used nothing of it */
        vips_thread_shutdown();
}
