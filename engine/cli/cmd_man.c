/*
 * thumbwheel man: prints the manual page, from the tables that --help prints.
 *
 * The page is in roff with the man macros, and in ASCII: other characters are escapes. Every hyphen
 * is \-, since whatever contains it may be copied into a command line.
 */
#include "command.h"

#include <inttypes.h>
#include <string.h>

#include "command_table.h"
#include "config_table.h"
#include "utf8.h"

static const char introduction[] =
    "Thumbwheel polls several SQS queues. It fetches each S3 object that an event announces once,\n"
    "decodes it once, makes the renditions of all pipelines, uploads them, labels the object, and\n"
    "deletes the messages. A pipeline is a YAML file that names the queue to read, the objects to\n"
    "accept and the outputs to make.\n";

/* What is not in the tables. */
static const char ending[] =
    ".SH ENVIRONMENT\n"
    "The variable of an option has its name in capitals, with underscores, after THUMBWHEEL_.\n"
    "Options take precedence. Credentials, region and endpoints are also read from the variables\n"
    "of other AWS clients, among them\n"
    ".BR AWS_PROFILE ,\n"
    ".BR AWS_REGION ,\n"
    ".BR AWS_ACCESS_KEY_ID ,\n"
    ".BR AWS_SECRET_ACCESS_KEY ,\n"
    ".BR AWS_SESSION_TOKEN ,\n"
    ".B AWS_ENDPOINT_URL\n"
    "and\n"
    ".BR AWS_CA_BUNDLE .\n"
    ".SH FILES\n"
    ".TP\n"
    ".I /usr/share/thumbwheel/pipelines\n"
    "The pipelines that come with thumbwheel; under another prefix, share/thumbwheel/pipelines.\n"
    ".TP\n"
    ".I \\(ti/.aws/config\\fR, \\fI\\(ti/.aws/credentials\n"
    "Profiles, regions, endpoints and credentials, as with other AWS clients.\n"
    ".SH EXIT STATUS\n"
    ".TP\n"
    ".B 0\n"
    "Success.\n"
    ".TP\n"
    ".B 1\n"
    "A failure.\n"
    ".TP\n"
    ".B 2\n"
    "A usage error: the command, its files or its credentials must change first.\n"
    ".SH EXAMPLES\n"
    ".TP\n"
    ".B thumbwheel local \\-\\-once\n"
    "Try it: an embedded cloud, an engine and sample photos.\n"
    ".TP\n"
    ".B thumbwheel process \\-\\-out renditions photos\n"
    "Run a folder of photos through the pipelines.\n"
    ".TP\n"
    ".B thumbwheel check \\-\\-pipelines pipelines\n"
    "Check pipeline files.\n"
    ".TP\n"
    ".B AWS_REGION=eu\\-west\\-1 thumbwheel run \\-\\-pipelines pipelines\n"
    "Run the engine against AWS.\n"
    ".SH SEE ALSO\n"
    ".BR aws (1)\n";

/* ---- roff ---- */

/* The escape of a character that roff or a terminal would change; NULL: none. */
static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\(rs";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '"':
        return "\\(dq";
    default:
        return NULL;
    }
}

static const char *print_character(FILE *out, const char *text)
{
    uint32_t c;
    size_t size = (unsigned char)*text < 0x80 ? 0 : utf8_decode(text, &c);
    const char *escape = escape_of(*text);
    if (size) {
        fprintf(out, "\\[u%04" PRIX32 "]", c);
        return text + size;
    }
    if (escape)
        fputs(escape, out);
    else
        fputc(*text, out);
    return text + 1;
}

static void print_text(FILE *out, const char *text)
{
    while (*text)
        text = print_character(out, text);
}

/* Prints one line, and returns the next; a full stop at its beginning would make it a request. */
static const char *print_line(FILE *out, const char *line)
{
    if (*line == '.')
        fputs("\\&", out);
    while (*line && *line != '\n')
        line = print_character(out, line);
    fputc('\n', out);
    return *line ? line + 1 : line;
}

/* Running text. Lines that are indented keep their line breaks. */
static void print_lines(FILE *out, const char *text)
{
    bool set_off = false;
    while (*text) {
        const bool indented = *text == ' ';
        if (indented != set_off)
            fputs(indented ? ".RS 4\n" : ".RE\n", out);
        else if (indented)
            fputs(".br\n", out);
        set_off = indented;
        text = print_line(out, text + strspn(text, " "));
    }
    if (set_off)
        fputs(".RE\n", out);
}

/* ---- sections ---- */

static void print_title(FILE *out)
{
    fputs(".\\\" Printed by \"thumbwheel man\".\n", out);
    fprintf(out, ".TH THUMBWHEEL 1 %s \"thumbwheel %s\" \"User commands\"\n", THUMBWHEEL_RELEASED,
            THUMBWHEEL_VERSION);
    fputs(".SH NAME\nthumbwheel \\- event\\-driven image engine for S3 and SQS\n"
          ".SH SYNOPSIS\n",
          out);
}

/* "thumbwheel run [OPTIONS]": the words that are typed in bold, what stands for others in italics. */
static void print_synopsis(FILE *out, const struct command *command)
{
    fprintf(out, ".B thumbwheel %s\n.I ", command->name);
    print_line(out, command->usage);
}

static void print_synopses(FILE *out)
{
    for (size_t i = 0; i < command_table_size; i++) {
        fputs(i ? ".br\n" : "", out);
        print_synopsis(out, &command_table[i]);
    }
    fputs(".br\n.B thumbwheel help\n.RI [ COMMAND ]\n.br\n.B thumbwheel version\n", out);
}

static void print_commands(FILE *out)
{
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < command_table_size; i++) {
        fprintf(out, ".SS %s\n", command_table[i].name);
        print_synopsis(out, &command_table[i]);
        fputs(".PP\n", out);
        print_lines(out, command_table[i].help);
    }
}

static void print_command_names(FILE *out, const char *label, unsigned commands)
{
    const char *name = config_next_command(&commands);
    fprintf(out, ".br\n%s", label);
    for (const char *comma = ""; *name; comma = ", ", name = config_next_command(&commands))
        fprintf(out, "%s%s", comma, name);
    fputs(".\n", out);
}

static void print_variable(FILE *out, const struct setting *s)
{
    char name[CONFIG_VARIABLE_MAX];
    config_variable_name(s, name);
    fputs(".br\nDefault: ", out);
    print_text(out, config_default_text(s));
    fprintf(out, ".\n.br\nVariable: %s.\n", name);
}

static void print_option(FILE *out, const struct setting *s)
{
    fputs(".TP\n\\fB\\-\\-", out);
    print_text(out, s->name);
    fputs(s->value ? "\\fR \\fI" : "", out);
    print_text(out, s->value ? s->value : "");
    fputs("\\fR\n", out);
    print_text(out, s->help);
    fputs(".\n", out);
    if (!s->action)
        print_variable(out, s);
    print_command_names(out, "Commands: ", s->commands);
    if (s->reloads)
        print_command_names(out, "Read again on SIGHUP by ", s->reloads);
}

static void print_options(FILE *out)
{
    fputs(".SH OPTIONS\nEach option is one of the commands that it names.\n", out);
    for (int group = 0; group < GROUP_COUNT; group++) {
        fprintf(out, ".SS %s\n", config_group_title((enum config_group)group));
        for (size_t i = 0; i < config_table_size; i++)
            if (config_table[i].group == (enum config_group)group)
                print_option(out, &config_table[i]);
    }
}

int cmd_man(const struct assembly *assembly, const struct config *config)
{
    (void)config;
    (void)assembly;
    print_title(stdout);
    print_synopses(stdout);
    fputs(".SH DESCRIPTION\n", stdout);
    print_lines(stdout, program_summary);
    print_lines(stdout, introduction);
    print_commands(stdout);
    print_options(stdout);
    fputs(ending, stdout);
    return STATUS_OK;
}
