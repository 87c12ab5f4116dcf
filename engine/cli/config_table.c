#include "config_table.h"

#include <stdio.h>
#include <string.h>

#include "memory_limit.h"

enum {
    ENGINE = CONFIG_RUN | CONFIG_LOCAL | CONFIG_PROCESS,
    CLOUD = CONFIG_LOCAL | CONFIG_PROCESS,
    EVERY = ENGINE | CONFIG_CHECK,
};

#define AT(member) offsetof(struct config, member)

const struct setting config_table[] = {
    {"pipelines", TYPE_LIST, EVERY, NULL, "those that come with thumbwheel", 0, 0, AT(pipelines),
     "DIR|FILE", "pipeline files, or directories of them; repeatable"},
    {"region", TYPE_TEXT, ENGINE, NULL, "AWS_REGION, then ~/.aws/config; local: us-east-1", 0, 0,
     AT(region), "NAME", "region to sign requests for"},
    {"profile", TYPE_TEXT, CONFIG_RUN, NULL, "AWS_PROFILE, then default", 0, 0, AT(profile), "NAME",
     "profile in ~/.aws/config and ~/.aws/credentials"},
    {"endpoint", TYPE_TEXT, CONFIG_RUN, NULL, "AWS_ENDPOINT_URL, then AWS", 0, 0, AT(endpoint),
     "URL", "an AWS-compatible service to use instead of AWS"},

    {"workers", TYPE_NUMBER, ENGINE, NULL, "the processors that the process may use", 1, 256,
     AT(workers), "N", "threads that decode and render"},
    {"jobs", TYPE_COUNT, ENGINE, NULL, "32 for each worker", 1, 100000, AT(jobs), "N",
     "messages in flight, all queues together"},
    {"wait", TYPE_SECONDS, ENGINE, "20s", NULL, 1000, 20000, AT(wait), "TIME",
     "length of a long poll"},
    {"visibility", TYPE_SECONDS, ENGINE, NULL, "the queue's own", 1000, 43200000, AT(visibility),
     "TIME", "visibility timeout for pipelines that set none"},
    {"backoff", TYPE_SECONDS, ENGINE, "15m", NULL, 1000, 43200000, AT(backoff), "TIME",
     "longest delay before a message is retried"},
    {"timeout", TYPE_TIME, ENGINE, "30s", NULL, 500, 3600000, AT(timeout), "TIME",
     "abandon a request when no data moves for this long"},
    {"stall", TYPE_SECONDS, ENGINE, "15m", NULL, 1000, 43200000, AT(stall), "TIME",
     "return a message to its queue when its job makes no progress for this long"},
    {"missing", TYPE_CHOICE, ENGINE, "dead-letter", NULL, 0, 0, AT(missing), "dead-letter|drop",
     "messages whose object does not exist: dead-letter rejects them, drop deletes them"},
    {"linger", TYPE_TIME, ENGINE, "2s", NULL, 0, 600000, AT(linger), "TIME",
     "how long a fetched photo waits for messages of other queues"},
    {"cache", TYPE_BYTES, ENGINE, "64M", NULL, 0, 1024 * GIB, AT(cache), "SIZE",
     "memory limit for fetched photos that wait (see --linger)"},
    {"memory", TYPE_BYTES, ENGINE, NULL,
     "half of the control group's limit or the machine's memory", MEMORY_BUDGET_LEAST, 1024 * GIB,
     AT(memory), "SIZE", "memory for photos and their renditions; work that does not fit waits"},
    {"max-pixels", TYPE_COUNT, ENGINE, "150M", NULL, 1, 1000000000000, AT(max_pixels), "N",
     "refuse images with more pixels (width × height)"},
    {"max-bytes", TYPE_BYTES, ENGINE, "64M", NULL, 1, 4 * GIB, AT(max_bytes), "SIZE",
     "refuse objects that are larger"},
    {"max-frames", TYPE_COUNT, ENGINE, "1000", NULL, 1, 100000, AT(max_frames), "N",
     "refuse animations with more frames"},
    {"isolation", TYPE_CHOICE, ENGINE, "process", NULL, 0, 0, AT(isolation), "process|thread",
     "process: decode in separate, sandboxed processes; thread: in this process"},
    {"image-timeout", TYPE_TIME, ENGINE, "60s", NULL, 1000, 3600000, AT(image_timeout), "TIME",
     "time limit for one photo, in elapsed and in CPU time; with --isolation=process"},
    {"image-memory", TYPE_BYTES, ENGINE, "2G", NULL, 256 * MIB, 1024 * GIB, AT(image_memory),
     "SIZE", "memory limit of a decoder process; with --isolation=process"},

    {"log-format", TYPE_CHOICE, ENGINE, "auto", NULL, 0, 0, AT(log_format), "auto|text|json",
     "auto: for run, one JSON object per line unless standard error is a terminal; otherwise text"},
    {"log-level", TYPE_CHOICE, ENGINE, "auto", NULL, 0, 0, AT(log_level),
     "auto|debug|info|warn|error",
     "auto: info for run, error otherwise (failures are always reported)"},
    {"grace", TYPE_TIME, ENGINE, "25s", NULL, 0, 3600000, AT(grace), "TIME",
     "time allowed to finish pending work after SIGTERM or Ctrl-C"},

    {"once", TYPE_SWITCH, CONFIG_LOCAL, NULL, "keep serving", 0, 0, AT(once), NULL,
     "exit when the photos are done"},
    {"cloud-only", TYPE_SWITCH, CONFIG_LOCAL, NULL, "with an engine", 0, 0, AT(cloud_only), NULL,
     "serve only the embedded cloud; start engines with: thumbwheel run --endpoint URL"},
    {"host", TYPE_TEXT, CONFIG_LOCAL, "127.0.0.1", NULL, 0, 0, AT(host), "ADDRESS",
     "numeric address that the embedded cloud listens on"},
    {"port", TYPE_NUMBER, CONFIG_LOCAL, "4566", "4566; any free one with --once", 0, 65535,
     AT(port), "N", "port of the embedded cloud; 0: any free one"},
    {"data", TYPE_TEXT, CLOUD, NULL,
     "$XDG_DATA_HOME/thumbwheel or ~/.local/share/thumbwheel; a temporary one with --once "
     "and for process",
     0, 0, AT(data), "DIR", "where the embedded cloud keeps its state"},
    {"out", TYPE_TEXT, CLOUD, "out", NULL, 0, 0, AT(out), "DIR", "where the results are written"},
    {"durability", TYPE_CHOICE, CLOUD, "full", "full; relaxed with a temporary data directory", 0,
     0, AT(durability), "full|relaxed", "relaxed: acknowledge writes before they reach the disk"},
    {"request-log", TYPE_TEXT, CLOUD, NULL, "none", 0, 0, AT(request_log), "FILE",
     "one JSON line for each request to the embedded cloud"},
    {"tls", TYPE_SWITCH, CONFIG_LOCAL, NULL, "plain HTTP", 0, 0, AT(tls), NULL,
     "serve HTTPS with a certificate generated in the data directory"},
    {"tls-cert", TYPE_TEXT, CONFIG_LOCAL, NULL, "none", 0, 0, AT(tls_cert), "FILE",
     "serve HTTPS with this certificate (PEM)"},
    {"tls-key", TYPE_TEXT, CONFIG_LOCAL, NULL, "none", 0, 0, AT(tls_key), "FILE",
     "private key for --tls-cert (PEM)"},
    {"keys", TYPE_TEXT, CONFIG_LOCAL, NULL, "a built-in key, printed at startup", 0, 0, AT(keys),
     "FILE", "access keys that the embedded cloud accepts, in the format of ~/.aws/credentials"},
    {"smtp", TYPE_TEXT, CONFIG_LOCAL, NULL, "each mail becomes a file in the data directory", 0, 0,
     AT(smtp), "URL", "mail server for SNS e-mail subscriptions: smtp://host:port"},
    {"faults", TYPE_TEXT, CONFIG_LOCAL, NULL, "none", 0, 0, AT(faults), "FILE",
     "fault plan: the faults that the embedded cloud injects"},
    {"patience", TYPE_TIME, CLOUD, "60s", NULL, 1000, 86400000, AT(patience), "TIME",
     "give up on photos after no progress for this long"},
    {"verbose", TYPE_SWITCH, CLOUD, NULL, "failures and a summary; for samples on", 0, 0,
     AT(verbose), NULL, "print a row for each rendition and tag, and each retry"},
    {"json", TYPE_SWITCH, CLOUD | CONFIG_CHECK, NULL, "text", 0, 0, AT(json), NULL,
     "print one JSON object per photo and a summary object; local: with --once; check: one object"},

    {"schema", TYPE_SWITCH, CONFIG_CHECK, NULL, "", 0, 0, AT(schema), NULL,
     "print the format of pipeline files as Markdown"},
    {"settings", TYPE_SWITCH, CONFIG_CHECK, NULL, "", 0, 0, AT(settings), NULL,
     "print every setting as Markdown"},
    {"operations", TYPE_SWITCH, CONFIG_CHECK, NULL, "", 0, 0, AT(operations), NULL,
     "print the embedded cloud's operations as Markdown"},
    {"help", TYPE_SWITCH, EVERY, NULL, "", 0, 0, AT(help), NULL, "print this"},
};

const size_t config_table_size = sizeof config_table / sizeof config_table[0];
_Static_assert(sizeof config_table / sizeof config_table[0] <= 64,
               "config.given has one bit for each setting");

const char *const config_groups[] = {
    "Pipelines and service", "Work",    "Images", "Log", "Shutdown",
    "Embedded cloud",        "Results", "Other",  NULL};

/* The table is sorted by group: each group begins with the setting named here. */
const char *config_group(const struct setting *s)
{
    static const char *const firsts[] = {"pipelines", "workers", "max-pixels", "log-format",
                                         "grace",     "once",    "patience",   "schema"};
    size_t group = 0;
    for (const struct setting *t = config_table; t <= s; t++) {
        for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
            if (strcmp(t->name, firsts[i]) == 0)
                group = i;
        }
    }
    return config_groups[group];
}

bool config_has_variable(const struct setting *s)
{
    return s->type != TYPE_SWITCH || s->offset == AT(once) || s->offset == AT(cloud_only) ||
           s->offset == AT(tls) || s->offset == AT(verbose) || s->offset == AT(json);
}

void config_variable_name(const struct setting *s, char out[CONFIG_VARIABLE_MAX])
{
    snprintf(out, CONFIG_VARIABLE_MAX, "THUMBWHEEL_%s", s->name);
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
}

const char *config_next_command(unsigned *commands)
{
    static const char *const names[] = {"run", "local", "process", "check"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (*commands & 1u << i) {
            *commands &= ~(1u << i);
            return names[i];
        }
    }
    return "";
}
