/*
 * The form of a pipeline file, as one table: the reader, the defaults, the messages and the
 * documentation come from it.
 */
#ifndef THUMBWHEEL_SCHEMA_H
#define THUMBWHEEL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "error.h"
#include "pipeline_file.h"
#include "problems.h"
#include "yaml_reader.h"

enum schema_type {
    SCHEMA_NAME,     /* char *: letters, digits, dot, hyphen, underscore */
    SCHEMA_TEXT,     /* char * */
    SCHEMA_BUCKET,   /* char * */
    SCHEMA_TEMPLATE, /* char *: see key_template.h */
    SCHEMA_TEXTS,    /* struct config_texts: a text or a list of them */
    SCHEMA_INTEGER,  /* int, min to max */
    SCHEMA_NUMBER,   /* double, min to max */
    SCHEMA_BOOLEAN,  /* bool */
    SCHEMA_CHOICE,   /* int: index into choices */
    SCHEMA_COLOUR,   /* struct colour */
    SCHEMA_SECTION,  /* struct: a map with keys of its own */
    SCHEMA_SECTIONS, /* struct output_list: a list of such maps */
};

/* What a key of an output changes. The default is the safe one: two outputs that differ in such a
 * key are never encoded as one. */
enum schema_effect {
    EFFECT_BYTES, /* the picture or its encoding: the values themselves are compared */
    EFFECT_PLAN,  /* the sizes or frames alone: the plan made of them is compared */
    EFFECT_STORE, /* where and with which headers the object is stored, not its bytes */
};

struct schema_section;
struct schema_reader;

struct schema_key {
    const char *name;
    enum schema_type type;
    size_t offset;        /* of the field in the section's struct */
    const char *fallback; /* the default, as one would write it; NULL: the field stays as
                             schema_read found it */
    double min,
        max; /* of numbers; for texts, max is the longest in bytes; for lists, the most entries */
    const char *const *choices; /* ends with NULL */
    const struct schema_section *section;
    bool required;
    enum schema_effect effect; /* of the keys of an output */
    const char *shown;         /* the default in the documentation, where it isn't the fallback */
    const char *help;
};

struct schema_section {
    const struct schema_key *keys; /* ends with a NULL name */
    size_t size;                   /* of the struct */
    size_t given_offset; /* of a bool that says that the section stands in the file; 0: none */
    /* What one key alone can't show; asked when each key is right by itself. */
    void (*check)(struct schema_reader *r, const struct yaml_node *node, void *filled);
};

extern const struct schema_section schema_pipeline; /* fills a struct pipeline */

enum { SCHEMA_PATH_MAX = 96 };

struct schema_reader {
    const char *file;
    struct problem_list *problems;
    pipeline_can_write *can_write; /* NULL: not checked */
    char path[SCHEMA_PATH_MAX];    /* of the section being read: "outputs[0]." or "" */
};

/* Fills the struct at `into`, which is all zero or at its initial values. Everything that is wrong
 * is added to the reader's problems; the code is that of one of them. What was filled stays, for
 * schema_clear. */
int schema_read(struct schema_reader *r, const struct schema_section *section,
                const struct yaml_node *node, void *into);
void schema_clear(const struct schema_section *section, void *from);

/* Adds a problem at path.name and returns ERR_INVALID. */
int schema_fail(struct schema_reader *r, struct yaml_place place, const char *name,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Whether two outputs have the same values for every key with EFFECT_BYTES. */
bool schema_outputs_alike(const struct output_config *a, const struct output_config *b);

/* The documentation: a markdown table. 0, or ERR_IO. */
int schema_print(FILE *stream);

#endif
