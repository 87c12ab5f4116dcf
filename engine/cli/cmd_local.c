#include "local_session.h"

int cmd_local(const struct assembly *assembly, const struct config *config)
{
    if (config->cloud_only && (config->once || config->paths.count)) {
        command_error("--cloud-only runs no engine, so it can't be combined with photos or --once: "
                      "remove them, or remove --cloud-only");
        return STATUS_USAGE;
    }
    if (config->json && !config->once) {
        command_error("--json reports photos that are done: add --once, or remove --json");
        return STATUS_USAGE;
    }
    return local_session(assembly, config, config->once ? SESSION_ONCE : SESSION_SERVES);
}
