/*
 * Writes a jansson tree as HCL, in the layout of `terraform fmt`.
 *
 * The members of an object are arguments and blocks. A string is a literal; {"=": TEXT} is an
 * expression; {"jsonencode": VALUE} is the call; an array of objects is a block for each; a member
 * whose key begins with '#' is a comment. Blocks with labels have the labels in their key
 * ("resource \"aws_sqs_queue\" \"web\""). Any thread.
 */
#ifndef THUMBWHEEL_HCL_WRITE_H
#define THUMBWHEEL_HCL_WRITE_H

#include <jansson.h>

#include "bytes.h"

/* Appends to the buffer; returns its error. */
int hcl_write(const json_t *file, struct buffer *out);
/* A string literal, in which nothing is evaluated. */
void hcl_write_text(struct buffer *out, const char *text);

#endif
