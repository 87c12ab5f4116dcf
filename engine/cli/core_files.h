/* Core files would contain secrets. */
#ifndef THUMBWHEEL_CORE_FILES_H
#define THUMBWHEEL_CORE_FILES_H

/* Disables them for this process and its children. */
void core_files_forbid(void);

#endif
