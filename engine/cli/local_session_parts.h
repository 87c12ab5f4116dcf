/* A session of `local` or `process`, and its beginning. Main thread. */
#ifndef THUMBWHEEL_LOCAL_SESSION_PARTS_H
#define THUMBWHEEL_LOCAL_SESSION_PARTS_H

#include <stdbool.h>

#include "command.h"
#include "image_analyser.h"
#include "local_init.h"
#include "local_samples.h"
#include "photo_batch.h"
#include "photos.h"
#include "service.h"

struct service_gallery;

struct session {
    const struct assembly *assembly;
    const struct config *config;
    bool once, files;
    struct pipeline_set pipelines;
    struct photos photos;
    char *data;
    bool data_temporary;
    struct init_file init;
    struct local_samples samples; /* used if there are no photos */
    struct service service;
    char *gallery_data;    /* directory */
    unsigned gallery_port; /* 0: none yet */
    struct service_gallery *gallery;
    struct photo_batch batch;
    struct image_analyser analyser; /* the cloud's */
};

/* Finds errors of the command line before anything starts. Returns the exit status. */
int session_prepare(struct session *session);
/* Returns 0 or a code of error.h. What has been started is the caller's to close, also then. */
int session_start(struct session *session, struct error *error);
/* Removes what is temporary: also called when a service is abandoned. user: the session. */
void session_discard(void *user);

#endif
