/* What `check --json` prints. */
#ifndef THUMBWHEEL_CHECK_JSON_H
#define THUMBWHEEL_CHECK_JSON_H

#include <stdio.h>

#include "pipeline_set.h"

/*  One JSON object:
 *
 *     {"ok": true, "files": ["web.yaml"],
 *      "pipelines": [{"name": "web", "queue": "web-queue", "file": "web.yaml",
 *                     "outputs": [{"bucket": null, "key": "web/{image}"}], "labels": false}],
 *      "errors": 0, "warnings": 1,
 *      "problems": [{"severity": "warning", "file": "web.yaml", "line": 5, "column": 10,
 *                    "key": "outputs[0].key", "message": "..."}]}
 *
 * ok: there are no errors. errors and warnings count all problems; problems lists at most
 * PROBLEMS_MAX. file, line, column and key are null if a problem has none. ERR_MEMORY. */
int check_print_json(const struct pipeline_set *set, FILE *out);

#endif
