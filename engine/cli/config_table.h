/* The table of settings: private to the configuration, and to what is generated from the table. */
#ifndef THUMBWHEEL_CONFIG_TABLE_H
#define THUMBWHEEL_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

enum { CONFIG_VARIABLE_MAX = 64 };
#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* How a value is written. The numbers may be of any unsigned type, see CONFIG_MEMBER. */
enum config_type {
    TYPE_SWITCH, /* bool; a flag without a value, and --no-NAME */
    TYPE_TEXT,   /* const char * */
    TYPE_LIST,   /* struct text_list; repeatable, ':' between values in the environment */
    TYPE_NUMBER,
    TYPE_COUNT, /* a number that may have a decimal unit: 100M */
    TYPE_BYTES,
    TYPE_FORMATS, /* unsigned: a set of input_formats.h */
    TYPE_TIME,    /* stored in milliseconds */
    TYPE_SECONDS, /* a time in whole seconds, as in SQS, and stored in seconds */
    TYPE_CHOICE,  /* an enum with the choices in order; of two choices a bool: whether it is the
                   * second */
};

/* The groups of --help, in order. */
enum config_group {
    GROUP_SERVICE,
    GROUP_WORK,
    GROUP_IMAGES,
    GROUP_LOG,
    GROUP_MONITORING,
    GROUP_MESSAGES,
    GROUP_SHUTDOWN,
    GROUP_CLOUD,
    GROUP_PRESIGN,
    GROUP_GALLERY,
    GROUP_PROVISION,
    GROUP_SENDING,
    GROUP_RESULTS,
    GROUP_OTHER,
    GROUP_COUNT
};

enum config_member_type { MEMBER_BOOL, MEMBER_UNSIGNED, MEMBER_UINT64, MEMBER_TEXT, MEMBER_LIST };

struct config_member { /* of struct config, or of a struct in it */
    size_t offset;
    enum config_member_type type;
};

/* An enum is compatible with unsigned. Another type does not compile. */
#define CONFIG_MEMBER(member)                                                                           \
    {                                                                                                   \
        offsetof(struct config, member),                                                              \
     _Generic(((struct config *)NULL)->member,                                                     \
         bool: MEMBER_BOOL,                                                                        \
         unsigned: MEMBER_UNSIGNED,                                                                \
         uint64_t: MEMBER_UINT64,                                                                  \
         const char *: MEMBER_TEXT,                                                                \
         struct text_list: MEMBER_LIST) \
    }

struct setting {
    const char *name;
    enum config_type type;
    unsigned commands; /* enum config_command, or-ed */
    enum config_group group;
    struct config_member member;
    const char *value; /* the value's name in --help; for choices, all of them, separated by '|' */
    const char *help;
    /* The rest is optional. */
    const char *standard; /* the default, parsed like a flag's value; NULL: zero */
    const char *shown;    /* the default in words, if it differs from `standard` */
    uint64_t min, max;    /* of numbers, in the unit of the member */
    unsigned reloads;     /* the commands that read the files it names again on SIGHUP */
    bool action;          /* a request, not a setting: no variable and no default */
};

extern const struct setting config_table[];
extern const size_t config_table_size; /* at most CONFIG_SETTINGS_MAX */

const char *config_group_title(enum config_group group);
/* The default as --help shows it; "" for an action. */
const char *config_default_text(const struct setting *s);
/* THUMBWHEEL_MAX_PIXELS for max-pixels. */
void config_variable_name(const struct setting *s, char out[CONFIG_VARIABLE_MAX]);
/* Removes the first command from a set of enum config_command and returns its name; "" if the set
 * is empty. */
const char *config_next_command(unsigned *commands);

#endif
