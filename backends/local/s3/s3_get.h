/*
 * What the files of GetObject and HeadObject share: s3_get_read.c finds and reads the object,
 * s3_get_response.c writes the headers, s3_get_api.c leads through the states. While a task runs,
 * reader, pipe, piece and object belong to its thread; the state belongs to the loop thread.
 */
#ifndef THUMBWHEEL_S3_GET_H
#define THUMBWHEEL_S3_GET_H

#include "body_pipe.h"
#include "object_reader.h"
#include "s3_created.h"
#include "s3_range.h"
#include "s3_request.h"

enum s3_get_state {
    GET_LOOKUP,  /* a task finds the object, decides conditions and range, opens the body */
    GET_LOADING, /* a task reads the first piece from the disk, before the response begins */
    GET_SENDING, /* the peer receives a piece; others follow */
    GET_READING, /* a task reads the next piece */
    GET_LAST,    /* the peer receives the last piece; a task closes the reader */
    GET_ENDED,   /* nothing is left to send, or the peer is gone; a task closes the reader */
};

struct s3_get {
    struct storage_task task;
    struct s3_request *request;
    enum s3_get_state state;
    bool head;
    unsigned part; /* requested; 0: none */
    int64_t bucket;
    enum versioning versioning;
    struct object_version version; /* requested */
    struct blobs *blobs;

    /* copies of the headers, because the call may end before the task */
    char *range_text;
    char *conditions_text[4];
    struct s3_preconditions conditions;

    struct object object;
    uint32_t change; /* change count of the key before the object was read */
    struct s3_range range;
    enum s3_error verdict;                     /* result of conditions and range */
    const char *failed;                        /* the condition that does not hold */
    size_t part_count;                         /* number of parts, if a part was requested */
    char part_checksum[S3_CHECKSUM_LINE_SIZE]; /* of that part */
    struct object_reader reader;
    bool takes_pipe;
    struct body_pipes *pipes;
    struct body_pipe pipe;
    size_t piped; /* bytes of this piece in the pipe */
    struct bytes piece;
    bool last; /* piece */
    bool cold; /* the first piece is on the disk, and was not read with the lookup */
};

/* ---- s3_get_read.c ---- */

/* Evaluates the conditions and the range. Any thread. */
int s3_get_decide(struct s3_get *get);
/* Tasks. The first one finds the object and, if it is short, reads it; the second one reads a
 * piece, aside; the third one closes the reader. */
int s3_get_lookup_run(struct storage_task *task, struct storage *storage);
int s3_get_read_run(struct storage_task *task, struct storage *storage);
int s3_get_close_run(struct storage_task *task, struct storage *storage);

/* ---- s3_get_response.c: the loop thread ---- */

/* The state in which the piece that was read is sent. */
enum s3_get_state s3_get_piece_state(const struct s3_get *get);
/* Sends the response to what is not sent: a marker, or what does not meet the conditions. */
void s3_get_respond_verdict(struct s3_get *get);
/* Sends the headers. Returns the next state. */
enum s3_get_state s3_get_respond_found(struct s3_get *get);

#endif
