/* Declarations that the subcommands share. Each is one file, cmd_NAME.c. */
#ifndef THUMBWHEEL_COMMAND_H
#define THUMBWHEEL_COMMAND_H

#include "assembly.h"
#include "config.h"
#include "pipeline_set.h"

enum command_status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Runs the command named by the arguments. Main thread; returns the exit status. */
int commands_main(const struct assembly *assembly, int argc, char **argv);

int cmd_run(const struct assembly *assembly, const struct config *config);
int cmd_local(const struct assembly *assembly, const struct config *config);
int cmd_process(const struct assembly *assembly, const struct config *config);
int cmd_health(const struct assembly *assembly, const struct config *config);
int cmd_provision(const struct assembly *assembly, const struct config *config);
int cmd_whoami(const struct assembly *assembly, const struct config *config);
int cmd_gate(const struct assembly *assembly, const struct config *config);
int cmd_gallery(const struct assembly *assembly, const struct config *config);
int cmd_presign(const struct assembly *assembly, const struct config *config);
int cmd_send(const struct assembly *assembly, const struct config *config);
int cmd_backfill(const struct assembly *assembly, const struct config *config);
int cmd_check(const struct assembly *assembly, const struct config *config);
int cmd_completion(const struct assembly *assembly, const struct config *config);
int cmd_dlq(const struct assembly *assembly, const struct config *config);
int cmd_status(const struct assembly *assembly, const struct config *config);
int cmd_man(const struct assembly *assembly, const struct config *config);

/* Prints "thumbwheel: …" to standard error: why a command ends, and what the user can do. The text
 * is made displayable. */
void command_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for a problem that does not end the command. */
void command_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void command_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit status for an error code: STATUS_USAGE if the user must change the command, its files or
 * its credentials first, else STATUS_FAILED. */
enum command_status command_status(int code);

/* The pipeline operations of this process. */
struct pipeline_rules command_pipeline_rules(const struct assembly *assembly);

/* Loads the pipelines of config; if there are problems, prints all of them and returns
 * STATUS_USAGE. The caller clears the set in any case. */
int command_load_pipelines(const struct assembly *assembly, const struct config *config,
                           struct pipeline_set *set);

#endif
