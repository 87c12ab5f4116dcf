#include "s3_acl.h"

#include <string.h>

#include "bucket_choices.h"
#include "bucket_public_access.h"
#include "s3_form.h"
#include "s3_xml.h"

static const char *const grant_headers[] = {"x-amz-grant-full-control", "x-amz-grant-read",
                                            "x-amz-grant-read-acp", "x-amz-grant-write",
                                            "x-amz-grant-write-acp"};
enum { GRANT_HEADERS = sizeof grant_headers / sizeof *grant_headers };

static bool is_any(struct slice value, const char *const *known)
{
    for (; *known; known++) {
        if (slice_equal_text(value, *known))
            return true;
    }
    return false;
}

/* A form has it in a field of another name ("POST Object", S3 API Reference). */
static struct slice canned_of(const struct s3_request *request)
{
    if (request->form)
        return slice_of(s3_form_value(request->form, "acl"));
    return s3_header(request, "x-amz-acl");
}

static bool grants_something(const struct s3_request *request)
{
    for (size_t i = 0; i < GRANT_HEADERS; i++) {
        if (s3_header(request, grant_headers[i]).data)
            return true;
    }
    return false;
}

bool s3_acl_has_headers(const struct s3_request *request)
{
    return canned_of(request).data || grants_something(request);
}

/* "Canned ACL", S3 User Guide. */
static bool is_canned(struct slice acl)
{
    static const char *const names[] = {"private",
                                        "public-read",
                                        "public-read-write",
                                        "aws-exec-read",
                                        "authenticated-read",
                                        "bucket-owner-read",
                                        "bucket-owner-full-control",
                                        "log-delivery-write",
                                        NULL};
    return is_any(acl, names);
}

/* Everybody in the account is the owner, so these say that the owner has all access. */
static bool is_owners(struct slice acl, enum s3_acl_use use)
{
    return slice_equal_text(acl, "private") ||
           (use == ACL_OF_OBJECT && (slice_equal_text(acl, "bucket-owner-full-control") ||
                                     slice_equal_text(acl, "bucket-owner-read")));
}

/* "The meaning of public", S3 User Guide. */
static bool is_public(const struct s3_request *request, struct slice acl)
{
    static const char *const names[] = {"public-read", "public-read-write", "authenticated-read",
                                        NULL};
    static const char groups[] = "/groups/global/";
    if (is_any(acl, names))
        return true;
    for (size_t i = 0; i < GRANT_HEADERS; i++) {
        struct slice grant = s3_header(request, grant_headers[i]);
        if (grant.data && memmem(grant.data, grant.size, groups, sizeof groups - 1))
            return true;
    }
    return false;
}

static bool blocks_public(const struct s3_request *request)
{
    struct bucket bucket;
    if (!buckets_find(request->cloud->buckets, request->bucket, &bucket))
        return false;
    const struct bucket_public_access *access = bucket.settings[BUCKET_PUBLIC_ACCESS].read;
    return access && access->block_acls;
}

/* In a bucket without ACLs. PutBucketAcl is always refused there. For an object, "private" means
 * the same as "bucket-owner-full-control" if its writer is the bucket's owner ("Cross-Account S3
 * copies (etc) fail with AccessControlListNotSupported", rclone/rclone issue 6413), as here. */
static bool is_enforced_form(struct slice acl, enum s3_acl_use use)
{
    if (use == ACL_OF_BUCKET)
        return false;
    return slice_equal_text(acl, "private") ||
           (use == ACL_OF_OBJECT && slice_equal_text(acl, "bucket-owner-full-control"));
}

enum s3_error s3_acl_check_headers(const struct s3_request *request, enum s3_acl_use use,
                                   int ownership, const char **message)
{
    struct slice acl = canned_of(request);
    bool grants = grants_something(request);
    if (!acl.data && !grants)
        return S3_OK;
    *message = "Specifying both Canned ACLs and Header Grants is not allowed";
    if (acl.data && grants)
        return S3_INVALID_REQUEST;
    *message = NULL;
    if (acl.data && !is_canned(acl))
        return S3_INVALID_ARGUMENT;
    if (ownership == OWNER_ENFORCED && !is_enforced_form(acl, use))
        return use == ACL_OF_NEW_BUCKET ? S3_INVALID_BUCKET_ACL : S3_ACCESS_CONTROL_LISTS;
    if (is_public(request, acl) && (use == ACL_OF_NEW_BUCKET || blocks_public(request)))
        return S3_ACCESS_DENIED;
    *message = "Only ACLs that give the owner all access are implemented.";
    return acl.data && is_owners(acl, use) ? S3_OK : S3_NOT_IMPLEMENTED;
}

/* A bucket that is older than the setting is ObjectWriter, as in S3. */
static int ownership_of(const struct s3_request *request)
{
    struct bucket bucket;
    if (!buckets_find(request->cloud->buckets, request->bucket, &bucket))
        return OWNER_WRITER;
    return bucket_choice(&bucket.settings[BUCKET_OWNERSHIP], OWNER_WRITER);
}

enum s3_error s3_acl_check(const struct s3_request *request, enum s3_acl_use use,
                           const char **message)
{
    return s3_acl_check_headers(request, use, ownership_of(request), message);
}

static bool is_owners_grant(const struct s3_request *request, const struct s3_xml_node *grant)
{
    const struct s3_xml_node *grantee = s3_xml_child(grant, "Grantee");
    const char *id = grantee ? s3_xml_child_text(grantee, "ID") : NULL;
    const char *permission = s3_xml_child_text(grant, "Permission");
    return id && permission && strcmp(id, s3_owner(request)) == 0 &&
           strcmp(permission, "FULL_CONTROL") == 0;
}

static bool is_public_grant(const struct s3_xml_node *grant)
{
    const struct s3_xml_node *grantee = s3_xml_child(grant, "Grantee");
    const char *uri = grantee ? s3_xml_child_text(grantee, "URI") : NULL;
    return uri && strstr(uri, "/groups/global/");
}

/* *owners: it gives the owner all access and nobody else any. */
static enum s3_error read_grants(const struct s3_request *request, const struct s3_xml_node *root,
                                 bool *owners, bool *open)
{
    const struct s3_xml_node *list = s3_xml_child(root, "AccessControlList");
    if (strcmp(root->name, "AccessControlPolicy") != 0 || !list || !s3_xml_child(root, "Owner"))
        return S3_MALFORMED_ACL;
    *owners = list->first && !list->first->next && is_owners_grant(request, list->first);
    *open = false;
    for (const struct s3_xml_node *grant = list->first; grant; grant = grant->next)
        *open = *open || is_public_grant(grant);
    return S3_OK;
}

enum s3_error s3_acl_check_document(const struct s3_request *request, enum s3_acl_use use,
                                    struct slice body, const char **message)
{
    struct s3_xml_node *root = NULL;
    bool owners = false, open = false;
    int code = s3_xml_parse(body, &root, NULL);
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_ACL;
    enum s3_error error = read_grants(request, root, &owners, &open);
    s3_xml_free(root);
    if (error)
        return error;
    if (ownership_of(request) == OWNER_ENFORCED && !(owners && use == ACL_OF_OBJECT))
        return S3_ACCESS_CONTROL_LISTS;
    if (open && blocks_public(request))
        return S3_ACCESS_DENIED;
    *message = "Only ACLs that give the owner all access are implemented.";
    return owners ? S3_OK : S3_NOT_IMPLEMENTED;
}
