#include "services.h"

#include "events_api.h"
#include "local_cloud.h"
#include "rekognition_api.h"
#include "s3_api.h"
#include "sns_api.h"
#include "sqs_api.h"
#include "sts_api.h"

const struct cloud_service *const cloud_services[] = {
    &events_service, &rekognition_service, &s3_service, &sns_service,
    &sqs_service,    &sts_service,         NULL,
};

int local_cloud_print_operations(FILE *out)
{
    return operations_table(cloud_services, out);
}
