#include "access_key.h"

#include "resource_name.h"

void access_key_account(const struct access_key *key, char out[ACCESS_KEY_ACCOUNT_SIZE])
{
    slice_copy(arn_account(key->arn), out, ACCESS_KEY_ACCOUNT_SIZE);
}
