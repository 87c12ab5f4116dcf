#include "services.h"

#include "events_api.h"
#include "local_cloud.h"
#include "rekognition_api.h"
#include "s3_api.h"
#include "sns_api.h"
#include "sqs_api.h"
#include "sts_api.h"

const struct cloud_service *const cloud_services[] = {
    &cloud_events, &cloud_rekognition, &cloud_s3, &cloud_sns, &cloud_sqs, &cloud_sts, NULL,
};

int local_cloud_print_operations(FILE *out)
{
    return operations_table(cloud_services, out);
}
