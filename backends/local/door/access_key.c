#include "access_key.h"

#include <stdio.h>

#include "resource_name.h"

void access_key_account(const struct access_key *key, char out[ACCESS_KEY_ACCOUNT_SIZE])
{
    struct slice account = arn_account(key->arn);
    snprintf(out, ACCESS_KEY_ACCOUNT_SIZE, "%.*s", (int)account.size, account.data);
}
