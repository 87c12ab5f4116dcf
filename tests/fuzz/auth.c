/* The embedded cloud's verification of whatever claims to be signed. */
#include "auth.h"

#include "fuzz_request.h"

static const int64_t now = 1440938160; /* 2015-08-30 12:36:00 */
static const struct auth_key key = {.access_key = "AKIDEXAMPLE",
                                    .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
static const struct auth_keys keys = {&key, 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_request request;
    struct auth_claim claim;
    fuzz_request_read(&request, (struct slice){(const char *)data, size});
    struct auth_request asked = {request.method, request.path, request.query, request.headers,
                                 request.header_count};
    enum auth_code code = auth_claim(&keys, &asked, now, &claim);
    require(code >= AUTH_OK && code < AUTH_CODE_COUNT);
    if (code == AUTH_MALFORMED)
        require(claim.detail && *claim.detail);
    if (code != AUTH_OK)
        return 0;
    char hash[SIGV4_HEX_SIZE];
    sigv4_sha256_hex(request.body.data, request.body.size, hash);
    code = auth_verify(&asked, &claim, hash);
    require(code == AUTH_OK || code == AUTH_UNSIGNED_HEADER || code == AUTH_MISMATCH);
    return 0;
}
