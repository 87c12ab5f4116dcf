/* The embedded cloud's verification of anything that claims to be signed. */
#include "signature_check.h"

#include "fuzz_request.h"
#include "hash.h"

static const int64_t now = 1440938160; /* 2015-08-30 12:36:00 */
static const struct access_key key = {.access_key = "AKIDEXAMPLE",
                                      .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
static const struct access_key_list keys = {.items = &key, .count = 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_request request;
    struct signature_claim claim;
    fuzz_request_read(&request, (struct slice){(const char *)data, size});
    struct signed_request asked = {request.method, request.path, request.query, request.headers,
                                   request.header_count};
    enum signature_code code = signature_claim(&keys, &asked, now, &claim);
    require(code >= SIGNATURE_OK && code < SIGNATURE_CODE_COUNT);
    if (code == SIGNATURE_MALFORMED)
        require(claim.detail && *claim.detail);
    if (code != SIGNATURE_OK)
        return 0;
    char hash[SIGV4_HEX_SIZE];
    sha256_hex(request.body.data, request.body.size, hash);
    code = signature_verify(&asked, &claim, hash);
    require(code == SIGNATURE_OK || code == SIGNATURE_UNSIGNED_HEADER ||
            code == SIGNATURE_MISMATCH);
    return 0;
}
