#include "s3_tag_details.h"

void s3_tag_details(struct s3_request *request, struct s3_tag_problem *problem)
{
    if (problem->key)
        s3_detail(request, "TagKey", problem->key);
    if (problem->value)
        s3_detail(request, "TagValue", problem->value);
    s3_tag_problem_clear(problem);
}
