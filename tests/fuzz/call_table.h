/*
 * The calls that the cloud_calls target can make to the embedded cloud, and how a line of an input
 * becomes a request.
 *
 * A line names an operation of the table, then has a character for each parameter of its template,
 * then, behind a bar, mutations of the parsed request:
 *
 *     sqs.SendMessage 01|d1
 *
 * In a template "$x" is a value of the kind x, escaped as its place demands, and "#x" a whole
 * fragment, which may hold values again. A digit takes that value of the kind: what responses have
 * given first, the latest before the others, then the fixed ones. A capital letter takes an odd
 * value, a small letter one of another kind, and text in quotation marks stands for itself. Where
 * characters are missing, the first value is taken. Mutations are in call_mutation.c.
 */
#ifndef THUMBWHEEL_TESTS_FUZZ_CALL_TABLE_H
#define THUMBWHEEL_TESTS_FUZZ_CALL_TABLE_H

#include <jansson.h>

#include "cloud_harness.h"

enum call_protocol { CALL_SQS, CALL_EVENTS, CALL_REKOGNITION, CALL_SNS, CALL_STS, CALL_S3 };

struct call {
    const char *name; /* service.Action */
    enum call_protocol protocol;
    /* JSON: the body. Query: the parameters after Action and Version. S3: a request as in
     * fuzz_request.h. */
    const char *text;
};

/* The named operation; any other name chooses one, too, so that every line asks something. */
const struct call *call_find(struct slice name);

/* --- call_values.c --- */

enum call_place { PLACE_JSON, PLACE_QUERY, PLACE_HEADER, PLACE_XML };

void call_values_reset(void);
void call_values_learn(struct slice response);
/* The template with its values, chosen by the characters, which are used up. */
void call_expand(const char *text, enum call_place place, struct slice *choices,
                 struct buffer *out);
const char *call_odd_value(unsigned choice);

/* --- call_mutation.c --- */

/* The body or query with the mutations made; as it is when it does not parse. */
void call_mutate_json(struct slice body, struct slice mutations, struct buffer *out);
void call_mutate_query(struct slice query, struct slice mutations, struct buffer *out);

#endif
