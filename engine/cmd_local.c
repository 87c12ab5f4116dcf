#include "local_session.h"

int cmd_local(const struct assembly *assembly, const struct config *config)
{
    return local_session(assembly, config, config->once);
}
