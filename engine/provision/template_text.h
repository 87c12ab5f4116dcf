/* Lines and words that the forms of templates have in common. Any thread. */
#ifndef THUMBWHEEL_TEMPLATE_TEXT_H
#define THUMBWHEEL_TEMPLATE_TEXT_H

#include "bytes.h"
#include "provision_plan.h"

void template_indent(struct buffer *out, unsigned indent);
/* Each line of the text after "# ". */
void template_comment(struct buffer *out, const char *text, unsigned indent);

/* What a template says of a bucket, topic or queue among its outputs, and of the parameter with the
 * name of a bucket. Static. */
const char *template_output_words(const struct provision_resource *resource);
const char *template_name_words(const struct provision_resource *bucket);

#endif
