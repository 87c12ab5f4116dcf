#include "gallery_private.h"
#include "metric_text.h"

void gallery_write_metrics(const struct gallery *gallery, struct buffer *out)
{
    static const char *const classes[GALLERY_STATUS_CLASSES] = {
        [2] = "2xx", [3] = "3xx", [4] = "4xx", [5] = "5xx"};
    static const char family[] = "thumbwheel_gallery_requests_total";
    metric_family(out, METRIC_COUNTER, family, "Requests to the gallery, by class of status.");
    for (size_t i = 2; i < GALLERY_STATUS_CLASSES; i++)
        metric_sample(out, family, &(struct metric_label){"status", classes[i]}, 1,
                      gallery ? (double)gallery->responses[i] : 0);
}
