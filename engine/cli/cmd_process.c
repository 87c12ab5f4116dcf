#include "local_session.h"

int cmd_process(const struct assembly *assembly, const struct config *config)
{
    if (config->paths.count == 0) {
        command_error("process needs photos: thumbwheel process PHOTO|DIR...");
        return STATUS_USAGE;
    }
    return local_session(assembly, config, SESSION_FILES);
}
