/* thumbwheel gallery: the web gallery without an engine, until SIGTERM. */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core_files.h"
#include "gallery_users.h"
#include "log.h"
#include "secret.h"
#include "service.h"
#include "service_gallery.h"
#include "terminal.h"

#define GALLERY_ADDRESS "127.0.0.1:4567"

static bool never(void *user)
{
    (void)user;
    return false;
}

/* The link is a secret: it goes to standard output, not to the log. */
static void greet(const struct service_gallery *gallery)
{
    const char *link = service_gallery_link(gallery);
    terminal_line(stdout, "Gallery: %s", link ? link : service_gallery_address(gallery));
    fflush(stdout);
}

/* ---- adding a user ---- */

/* Without the line's end. ERR_INVALID: there is none. */
static int line_read(char out[PASSWORD_MAX + 2], struct error *error)
{
    if (!fgets(out, PASSWORD_MAX + 2, stdin))
        return error_set(error, ERR_INVALID, "there is no password on standard input");
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

/* From a terminal, without showing it. */
static int password_ask(char out[PASSWORD_MAX + 2], struct error *error)
{
    struct termios shown;
    if (tcgetattr(STDIN_FILENO, &shown))
        return line_read(out, error);
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden); /* first, since it drops what was typed before */
    fputs("Password: ", stderr);
    const int code = line_read(out, error);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return code;
}

static int user_add(const struct config *config)
{
    char password[PASSWORD_MAX + 2];
    struct error error = {0};
    int code = config->gallery.users
                   ? password_ask(password, &error)
                   : error_set(&error, ERR_INVALID, "--add-user needs --users FILE");
    if (!code)
        code = gallery_user_add(config->gallery.users, config->gallery.add_user, password, &error);
    secret_wipe(password, sizeof password);
    if (code)
        command_error("%s", error.text);
    return (int)command_status(code);
}

/* ---- serving ---- */

static int serve(struct service *service, struct service_gallery **gallery, struct error *error)
{
    const struct config *config = service->config;
    const struct service_gallery_plan plan = {
        .flag = "--listen", .address = config->listen ? config->listen : GALLERY_ADDRESS};
    service->without_engine = true;
    const int code = service_gallery_open(service, &plan, gallery, error);
    if (code)
        return code == ERR_CANCELLED ? 0 : code;
    greet(*gallery);
    log_info("gallery started", LOG_TEXT("version", THUMBWHEEL_VERSION));
    reloader_allow(&service->reloader);
    service_wait(service, never, NULL);
    log_info("gallery is draining", LOG_INT("grace_ms", config->grace_ms));
    service_gallery_drain(*gallery, config->grace_ms);
    return 0;
}

static int run(const struct assembly *assembly, const struct config *config,
               const struct pipeline_set *pipelines)
{
    struct service service;
    struct service_gallery *gallery = NULL;
    struct error error = {0};
    const struct service_options options = {
        .assembly = assembly, .config = config, .pipelines = pipelines, .reloads = true};
    int code = service_open(&service, &options, &error);
    if (!code)
        code = serve(&service, &gallery, &error);
    service_gallery_close(gallery);
    service_close(&service);
    if (code)
        command_error("%s", error.text);
    return (int)command_status(code);
}

int cmd_gallery(const struct assembly *assembly, const struct config *config)
{
    struct pipeline_set pipelines = {0};
    core_files_forbid();
    if (config->gallery.add_user)
        return user_add(config);
    int exit_status = command_load_pipelines(assembly, config, &pipelines);
    if (exit_status == STATUS_OK)
        exit_status = run(assembly, config, &pipelines);
    pipeline_set_clear(&pipelines);
    return exit_status;
}
