/* Rekognition: its operations (JSON 1.1, version 2016-06-27). */
#include "rekognition_api.h"

#include "operations.h"

static const struct json_call_action actions[] = {
    {"AssociateFaces", NULL},
    {"CompareFaces", NULL},
    {"CopyProjectVersion", NULL},
    {"CreateCollection", NULL},
    {"CreateDataset", NULL},
    {"CreateFaceLivenessSession", NULL},
    {"CreateProject", NULL},
    {"CreateProjectVersion", NULL},
    {"CreateStreamProcessor", NULL},
    {"CreateUser", NULL},
    {"DeleteCollection", NULL},
    {"DeleteDataset", NULL},
    {"DeleteFaces", NULL},
    {"DeleteProject", NULL},
    {"DeleteProjectPolicy", NULL},
    {"DeleteProjectVersion", NULL},
    {"DeleteStreamProcessor", NULL},
    {"DeleteUser", NULL},
    {"DescribeCollection", NULL},
    {"DescribeDataset", NULL},
    {"DescribeProjectVersions", NULL},
    {"DescribeProjects", NULL},
    {"DescribeStreamProcessor", NULL},
    {"DetectCustomLabels", NULL},
    {"DetectFaces", NULL},
    {"DetectLabels", rekognition_detect_labels},
    {"DetectModerationLabels", NULL},
    {"DetectProtectiveEquipment", NULL},
    {"DetectText", NULL},
    {"DisassociateFaces", NULL},
    {"DistributeDatasetEntries", NULL},
    {"GetCelebrityInfo", NULL},
    {"GetCelebrityRecognition", NULL},
    {"GetContentModeration", NULL},
    {"GetFaceDetection", NULL},
    {"GetFaceLivenessSessionResults", NULL},
    {"GetFaceSearch", NULL},
    {"GetLabelDetection", NULL},
    {"GetMediaAnalysisJob", NULL},
    {"GetPersonTracking", NULL},
    {"GetSegmentDetection", NULL},
    {"GetTextDetection", NULL},
    {"IndexFaces", NULL},
    {"ListCollections", NULL},
    {"ListDatasetEntries", NULL},
    {"ListDatasetLabels", NULL},
    {"ListFaces", NULL},
    {"ListMediaAnalysisJobs", NULL},
    {"ListProjectPolicies", NULL},
    {"ListStreamProcessors", NULL},
    {"ListTagsForResource", NULL},
    {"ListUsers", NULL},
    {"PutProjectPolicy", NULL},
    {"RecognizeCelebrities", NULL},
    {"SearchFaces", NULL},
    {"SearchFacesByImage", NULL},
    {"SearchUsers", NULL},
    {"SearchUsersByImage", NULL},
    {"StartCelebrityRecognition", NULL},
    {"StartContentModeration", NULL},
    {"StartFaceDetection", NULL},
    {"StartFaceSearch", NULL},
    {"StartLabelDetection", NULL},
    {"StartMediaAnalysisJob", NULL},
    {"StartPersonTracking", NULL},
    {"StartProjectVersion", NULL},
    {"StartSegmentDetection", NULL},
    {"StartStreamProcessor", NULL},
    {"StartTextDetection", NULL},
    {"StopProjectVersion", NULL},
    {"StopStreamProcessor", NULL},
    {"TagResource", NULL},
    {"UntagResource", NULL},
    {"UpdateDatasetEntries", NULL},
    {"UpdateStreamProcessor", NULL},
};

enum { ACTION_COUNT = sizeof actions / sizeof actions[0] };

static bool rekognition_operation_row(size_t at, struct cloud_operation *out)
{
    if (at >= ACTION_COUNT)
        return false;
    *out = (struct cloud_operation){actions[at].name, actions[at].run != NULL};
    return true;
}

static const struct json_call_service service = {.prefix = "RekognitionService.",
                                                 .actions = actions,
                                                 .count = ACTION_COUNT,
                                                 .internal_error = "InternalServerError"};

static void rekognition_api_handle(struct cloud_request *request)
{
    json_call_handle(request, &service);
}

static void rekognition_api_refuse_size(struct cloud_request *request)
{
    json_call_refuse_size(request, &service, "ImageTooLargeException", "Image size is too large");
}

const struct cloud_service cloud_rekognition = {
    .name = "rekognition",
    .title = "Rekognition",
    .operations = rekognition_operation_row,
    .handle = rekognition_api_handle,
    .collects = true,
    .refuse_size = rekognition_api_refuse_size,
};
