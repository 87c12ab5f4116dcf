#include "local_session.h"

int cmd_local(const struct assembly *assembly, const struct config *config)
{
    if (config->cloud_only && (config->once || config->paths.count)) {
        command_error("--cloud-only serves without an engine, which photos and --once would need: "
                      "leave them out, or leave --cloud-only out");
        return STATUS_USAGE;
    }
    return local_session(assembly, config, config->once);
}
