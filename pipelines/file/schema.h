/*
 * The format of a pipeline file as one table, from which the reader, the defaults, the messages and
 * the documentation are derived.
 */
#ifndef THUMBWHEEL_SCHEMA_H
#define THUMBWHEEL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "error.h"
#include "pipeline_file.h"
#include "problems.h"

struct yaml_node; /* yaml_reader.h */
struct yaml_place;

enum schema_type {
    SCHEMA_NAME,     /* char *: letters, digits, dot, hyphen, underscore */
    SCHEMA_TEXT,     /* char * */
    SCHEMA_BUCKET,   /* char * */
    SCHEMA_TARGET,   /* char *: a bucket, or the ARN of an access point */
    SCHEMA_TEMPLATE, /* char *: see key_template.h */
    SCHEMA_SUBJECT,  /* char *: one line of ASCII with the placeholders of notifications */
    SCHEMA_MESSAGE,  /* char *: any text with them */
    SCHEMA_DURATION, /* int, seconds: "90s", "15m", "24h", "7d"; min to max seconds */
    SCHEMA_TEXTS,    /* struct config_texts: a string or a list of strings */
    SCHEMA_PAIRS,    /* struct config_pairs: a map of strings */
    SCHEMA_INTEGER,  /* int, min to max */
    SCHEMA_NUMBER,   /* double, min to max */
    SCHEMA_TIME,     /* int: milliseconds, min to max; "10s", "5m", "24h" (units.h) */
    SCHEMA_BYTES,    /* int: bytes, min to max; "256KiB" (units.h) */
    SCHEMA_NUMBERS,  /* struct config_numbers: a list of numbers, each min to max */
    SCHEMA_INTEGERS, /* the same of whole numbers */
    SCHEMA_BOOLEAN,  /* bool */
    SCHEMA_CHOICE,   /* int: index into choices */
    SCHEMA_WORD,     /* char *: one of choices, NULL if it is not given */
    SCHEMA_SET,      /* int: a bit for each of the given choices; one of them, or a list */
    SCHEMA_COLOUR,   /* struct colour */
    SCHEMA_VARIANT,  /* struct whose first member is a char *: one of choices, or else a nested map,
                      * which fills the other members */
    SCHEMA_SECTION,  /* struct: a nested map */
    SCHEMA_SECTIONS, /* struct output_list: a list of such maps */
};

/* What a key of an output affects. The default is the safe one: outputs that differ in such a key
 * never share an encoding. */
enum schema_effect {
    EFFECT_BYTES, /* the picture or its encoding: the values are compared */
    EFFECT_PLAN,  /* only sizes or frames: the resulting plans are compared */
    EFFECT_STORE, /* where and with which headers the object is stored, but not its bytes */
};

struct schema_section;
struct schema_reader;

struct schema_key {
    const char *name;
    enum schema_type type;
    size_t offset;        /* of the field in the section's struct */
    const char *fallback; /* the default, as in a file; NULL: the field keeps its initial value */
    double min,
        /* for numbers; for strings, max is the length in bytes; for lists, the number of entries */
        max;
    const char *const *choices; /* NULL-terminated */
    const struct schema_section *section;
    bool required;
    enum schema_effect effect; /* for the keys of an output */
    /* the default in the documentation, if it differs from the fallback */
    const char *shown;
    const char *help;
};

struct schema_section {
    const struct schema_key *keys; /* terminated by a NULL name */
    size_t size;                   /* of the struct */
    size_t given_offset; /* offset of a bool that is set if the section is present; 0: none */
    /* Checks rules that concern several keys; called if each key is valid by itself. */
    void (*check)(struct schema_reader *r, const struct yaml_node *node, void *filled);
    /* For the entries of a list: how many structs an entry makes, and what distinguishes them. Each
     * is read from the same entry; vary is called for each one, also if it is the only one. */
    size_t (*variants)(const void *filled);
    void (*vary)(void *filled, size_t entry, size_t variant);
};

extern const struct schema_section schema_pipeline; /* fills a struct pipeline */
extern const struct schema_section schema_output;   /* of it: fills a struct output_config */

enum { SCHEMA_PATH_MAX = 96 };

struct schema_reader {
    const char *file;
    struct problem_list *problems;
    pipeline_can_write *can_write; /* NULL: not checked */
    char path[SCHEMA_PATH_MAX];    /* prefix of the current section: "outputs[0]." or "" */
};

/* Fills the struct at `into`, which must be zeroed or have its initial values. All errors are added
 * to the reader's problems; the returned code is that of one of them. The filled fields must be
 * freed with schema_clear in any case. */
int schema_read(struct schema_reader *r, const struct schema_section *section,
                const struct yaml_node *node, void *into);
void schema_clear(const struct schema_section *section, void *from);

/* Adds a problem at path.name and returns ERR_INVALID. */
int schema_fail(struct schema_reader *r, struct yaml_place place, const char *name,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same with a text, at the key's value in the map, or at the map if it lacks the key. */
void schema_fail_key(struct schema_reader *r, const struct yaml_node *map, const char *name,
                     const char *text);

/* Whether two outputs have the same values for every key with EFFECT_BYTES. */
bool schema_outputs_alike(const struct output_config *a, const struct output_config *b);

/* Prints the documentation, a Markdown table. 0 or ERR_IO. */
int schema_print(FILE *stream);

#endif
