/* Deletions of photos that may still be undone, or are under way. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_DELETE_H
#define THUMBWHEEL_GALLERY_DELETE_H

struct gallery;
struct gallery_deletions;

struct gallery_deletions *gallery_deletions_make(struct gallery *gallery); /* NULL: out of memory */
void gallery_deletions_free(struct gallery_deletions *deletions); /* instead of beginning */
void gallery_deletions_begin(struct gallery_deletions *deletions);
/* What is not under way yet is given up: the photos stay. */
void gallery_deletions_drain(struct gallery_deletions *deletions);
/* Cancels what is under way; before the index is closed. */
void gallery_deletions_end(struct gallery_deletions *deletions);
/* After it; frees. */
void gallery_deletions_close(struct gallery_deletions *deletions, void (*closed)(void *user),
                             void *user);
struct gallery_deletions *gallery_photos_deletions(const struct gallery *gallery);

#endif
