#include "call_table.h"

enum { FIXED_MAX = 14, RING = 6, VALUE_MAX = 512, DEPTH_MAX = 3 };

#define ACCOUNT "000000000000"
#define SQS_ARN "arn:aws:sqs:us-east-1:" ACCOUNT ":"
#define SNS_ARN "arn:aws:sns:us-east-1:" ACCOUNT ":"
#define SQS_URL "http://127.0.0.1/" ACCOUNT "/"

static const struct kind {
    char letter;
    const char *values[FIXED_MAX + 1];
} kinds[] = {
    {'q', {"q", "r", "f.fifo", "g.fifo", "dead"}},
    {'Q', {SQS_URL "q", SQS_URL "r", SQS_URL "f.fifo", SQS_URL "g.fifo", SQS_URL "dead"}},
    {'A',
     {SQS_ARN "q", SQS_ARN "r", SQS_ARN "f.fifo", SQS_ARN "g.fifo", SQS_ARN "dead",
      "http://127.0.0.1:9/"}},
    {'t', {"t", "u", "v.fifo"}},
    {'T', {SNS_ARN "t", SNS_ARN "u", SNS_ARN "v.fifo"}},
    {'b', {"photos", "copies", "other"}},
    {'k', {"a", "b/c", "b/\xc3\xa9 +", "", "b/"}},
    {'d', {"", "/", "b"}},
    {'R', {"r", "s"}},
    {'B', {"default", "arn:aws:events:us-east-1:" ACCOUNT ":event-bus/default", "no-such-bus"}},
    {'E',
     {"arn:aws:events:us-east-1:" ACCOUNT ":rule/r", "arn:aws:events:us-east-1:" ACCOUNT ":rule/s",
      "arn:aws:events:us-east-1:" ACCOUNT ":event-bus/default"}},
    {'y', {"a", "aws.s3", "b"}},
    {'j', {"{}", "{\"a\":1}", "{\"bucket\":{\"name\":\"photos\"}}", "[]"}},
    {'P',
     {"{\"source\":[\"a\"]}", "{\"source\":[\"aws.s3\"]}",
      "{\"detail\":{\"a\":[{\"numeric\":[\">\",0]}]}}",
      "{\"source\":[{\"prefix\":\"a\"}],\"$or\":[{\"detail-type\":[\"b\"]},{\"id\":[{\"exists\":"
      "true}]}]}"}},
    {'V',
     {"{\"id\":\"1\",\"source\":\"a\",\"detail-type\":\"d\",\"account\":\"1\",\"time\":\"2024-01-"
      "01T00:00:00Z\","
      "\"region\":\"r\",\"resources\":[],\"detail\":{\"a\":1}}",
      "{}"}},
    {'F', {"{}", "{\"a\":[\"b\"]}", "{\"a\":[{\"anything-but\":[\"b\"]}]}"}},
    {'n', {"0", "1", "2", "3", "10", "11", "1000", "1001", "-1", "43200", "43201"}},
    {'N', {"10", "1", "2", "100", "0", "11"}},
    {'m', {"m", "", "{\"a\":1}", "<a>&amp;</a>", "\xc3\xa9\n"}},
    {'l', {"a", "b", "z", "k-1"}},
    {'w', {ACCOUNT, "111122223333"}},
    {'c', {"SendMessage", "*", "ReceiveMessage"}},
    {'C', {"Publish", "Subscribe", "*"}},
    {'g', {"All", "QueueArn", "ApproximateNumberOfMessages", "Policy", "RedrivePolicy"}},
    {'r', {"sqs", "http", "email", "lambda"}},
    {'z',
     {"notification", "versioning", "tagging", "cors", "lifecycle", "policy", "acl", "location",
      "encryption"}},
    {'S', {"Enabled", "Suspended"}},
    {'D', {"GET", "PUT", "PATCH"}},
    {'I', {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}},
    /* what responses give */
    {'h', {"no-handle"}},
    {'v', {"null"}},
    {'u', {"no-upload"}},
    {'e', {"*", "\"0123456789abcdef0123456789abcdef\""}},
    {'s', {SNS_ARN "t:00000000-0000-0000-0000-000000000000"}},
    {'K', {"", "0", "r"}},
    {'M', {"no-task"}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const struct kind fragments[] = {
    {'a',
     {"{}", "{\"VisibilityTimeout\":\"$n\"}",
      "{\"DelaySeconds\":\"$n\",\"MessageRetentionPeriod\":\"60\"}",
      "{\"FifoQueue\":\"true\",\"ContentBasedDeduplication\":\"true\"}",
      "{\"FifoQueue\":\"true\",\"DeduplicationScope\":\"messageGroup\",\"FifoThroughputLimit\":"
      "\"perMessageGroupId\"}",
      "{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"$A\\\",\\\"maxReceiveCount\\\":"
      "\\\"1\\\"}\"}",
      "{\"RedriveAllowPolicy\":\"{\\\"redrivePermission\\\":\\\"byQueue\\\","
      "\\\"sourceQueueArns\\\":[\\\"$A\\\"]}\"}",
      "{\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
      "\\\"Action\\\":"
      "\\\"sqs:SendMessage\\\",\\\"Resource\\\":\\\"$A\\\"}]}\"}",
      "{\"MaximumMessageSize\":\"1024\",\"ReceiveMessageWaitTimeSeconds\":\"0\"}"}},
    {'o',
     {"", ",\"MessageGroupId\":\"$l\",\"MessageDeduplicationId\":\"$l\"", ",\"DelaySeconds\":$n",
      ",\"MessageGroupId\":\"$l\"",
      ",\"MessageAttributes\":{\"$l\":{\"DataType\":\"String\",\"StringValue\":\"$l\"},"
      "\"n\":{\"DataType\":\"Number\",\"StringValue\":\"$n\"},\"c\":{\"DataType\":\"Binary\","
      "\"BinaryValue\":\"AAE=\"}}"}},
    {'i',
     {"", ",\"Input\":\"{\\\"a\\\":1}\"", ",\"InputPath\":\"$$.detail\"",
      ",\"InputTransformer\":{\"InputPathsMap\":{\"a\":\"$$.source\"},\"InputTemplate\":\"{"
      "\\\"b\\\":<a>}\"}",
      ",\"SqsParameters\":{\"MessageGroupId\":\"$l\"}", ",\"DeadLetterConfig\":{\"Arn\":\"$A\"}"}},
    {'t',
     {"", "&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=true",
      "&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=$l",
      "&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=true"
      "&Attributes.entry.2.key=ContentBasedDeduplication&Attributes.entry.2.value=true"}},
    {'p',
     {"", "&Subject=$l", "&MessageGroupId=$l&MessageDeduplicationId=$l",
      "&MessageStructure=json&Message=%7B%22default%22%3A%22$l%22%7D",
      "&MessageAttributes.entry.1.Name=$l&MessageAttributes.entry.1.Value.DataType=String"
      "&MessageAttributes.entry.1.Value.StringValue=$l"}},
    {'s',
     {"&AttributeName=RawMessageDelivery&AttributeValue=true",
      "&AttributeName=FilterPolicy&AttributeValue=$F",
      "&AttributeName=FilterPolicyScope&AttributeValue=MessageBody",
      "&AttributeName=RedrivePolicy&AttributeValue=%7B%22deadLetterTargetArn%22%3A%22$A%22%7D"}},
    {'u',
     {"&AttributeName=DisplayName&AttributeValue=$l",
      "&AttributeName=Policy&AttributeValue=%7B%22Statement%22%3A%5B%5D%7D",
      "&AttributeName=DeliveryPolicy&AttributeValue=%7B%7D",
      "&AttributeName=ContentBasedDeduplication&AttributeValue=true"}},
    {'x',
     {"", "<EventBridgeConfiguration/>",
      "<QueueConfiguration><Id>$l</Id><Queue>$A</Queue><Event>s3:ObjectCreated:*</"
      "Event><Event>s3:ObjectRemoved:*</Event>"
      "</QueueConfiguration>",
      "<TopicConfiguration><Topic>$T</Topic><Event>s3:ObjectCreated:Put</"
      "Event><Filter><S3Key><FilterRule>"
      "<Name>prefix</Name><Value>$k</Value></FilterRule></S3Key></Filter></TopicConfiguration>"}},
};
enum { FRAGMENTS = sizeof fragments / sizeof fragments[0] };

static const char *const odd_values[] = {
    "",
    "-1",
    "0",
    "2147483648",
    "9223372036854775808",
    "1e999",
    "true",
    "null",
    "..",
    "%00",
    "a\nb\rc\x01",
    "a b+c%2F&=<>\"'\\",
    "\xc3\xa9\xf0\x9f\x98\x80",
    "\xff\xfe",
    "arn:aws:sqs:us-east-1:" ACCOUNT ":",
    "http://127.0.0.1/",
    "{",
    "[[[[[[[[",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaa",
};
enum { ODD_VALUES = sizeof odd_values / sizeof odd_values[0] };

static const struct lesson {
    char letter;
    const char *begin; /* what stands before a value in a response */
    char end;
} lessons[] = {
    {'h', "\"ReceiptHandle\":\"", '"'}, {'K', "\"NextToken\":\"", '"'},
    {'M', "\"TaskHandle\":\"", '"'},    {'s', "<SubscriptionArn>", '<'},
    {'K', "<NextToken>", '<'},          {'K', "<NextContinuationToken>", '<'},
    {'u', "<UploadId>", '<'},           {'v', "\r\nx-amz-version-id: ", '\r'},
    {'v', "<VersionId>", '<'},          {'e', "\r\nETag: ", '\r'},
};
enum { LESSONS = sizeof lessons / sizeof lessons[0] };

static struct ring { /* of the kind with the same index */
    char values[RING][VALUE_MAX];
    size_t count; /* ever; the latest is count - 1 */
} rings[KINDS];

const char *call_odd_value(unsigned choice)
{
    return odd_values[choice % ODD_VALUES];
}

static size_t kind_find(char letter)
{
    size_t i = 0;
    while (i < KINDS && kinds[i].letter != letter)
        i++;
    require(i < KINDS);
    return i;
}

void call_values_reset(void)
{
    memset(rings, 0, sizeof rings);
}

static void lesson_learn(const struct lesson *lesson, struct slice response)
{
    struct ring *ring = &rings[kind_find(lesson->letter)];
    size_t size = strlen(lesson->begin);
    const char *at = response.data, *all = response.data + response.size;
    while ((at = memmem(at, (size_t)(all - at), lesson->begin, size))) {
        at += size;
        const char *end = memchr(at, lesson->end, (size_t)(all - at));
        if (!end)
            return;
        if (end - at < VALUE_MAX)
            snprintf(ring->values[ring->count++ % RING], VALUE_MAX, "%.*s", (int)(end - at), at);
    }
}

void call_values_learn(struct slice response)
{
    for (size_t i = 0; response.size && i < LESSONS; i++)
        lesson_learn(&lessons[i], response);
}

static const char *kind_value(size_t kind, unsigned choice)
{
    const struct ring *ring = &rings[kind];
    size_t known = ring->count < RING ? ring->count : RING, fixed = 0;
    while (kinds[kind].values[fixed])
        fixed++;
    size_t at = choice % (known + fixed);
    return at < known ? ring->values[(ring->count - 1 - at) % RING]
                      : kinds[kind].values[at - known];
}

static char next_choice(struct slice *choices)
{
    if (!choices->size)
        return '0';
    char c = *choices->data;
    *choices = (struct slice){choices->data + 1, choices->size - 1};
    return c;
}

static struct slice value_choose(char letter, struct slice *choices)
{
    char c = next_choice(choices);
    if (c == '"')
        return fuzz_cut(choices, '"');
    if (c >= 'A' && c <= 'Z')
        return slice_of(call_odd_value((unsigned)(c - 'A')));
    if (c >= 'a' && c <= 'z')
        return slice_of(kind_value((size_t)(c - 'a') % KINDS, 0));
    return slice_of(kind_value(kind_find(letter),
                               c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned char)c));
}

static bool is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           strchr("-._~/", c);
}

static void escape(unsigned char c, enum call_place place, struct buffer *out)
{
    if (place == PLACE_JSON && (c < 0x20 || c == '"' || c == '\\'))
        buffer_format(out, "\\u%04x", c);
    else if (place == PLACE_QUERY && (!c || !is_plain(c)))
        buffer_format(out, "%%%02X", c);
    else if (place == PLACE_XML && (c == '<' || c == '>' || c == '&' || c == '"'))
        buffer_format(out, "&#%d;", c);
    else if (place != PLACE_HEADER || (c >= 0x20 && c != 0x7f))
        buffer_byte(out, (char)c);
}

static void expand(const char *text, enum call_place place, struct slice *choices, int depth,
                   struct buffer *out);

static void expand_fragment(char letter, enum call_place place, struct slice *choices, int depth,
                            struct buffer *out)
{
    size_t i = 0, count = 0;
    while (i < FRAGMENTS && fragments[i].letter != letter)
        i++;
    require(i < FRAGMENTS && depth < DEPTH_MAX);
    while (fragments[i].values[count])
        count++;
    require(count > 0);
    unsigned char c = (unsigned char)next_choice(choices);
    expand(fragments[i].values[(c >= '0' ? c - '0' : c) % count], place, choices, depth + 1, out);
}

static void expand(const char *text, enum call_place place, struct slice *choices, int depth,
                   struct buffer *out)
{
    for (; *text; text++) {
        if (*text == '#') {
            expand_fragment(*++text, place, choices, depth, out);
        } else if (*text == '$' && *++text != '$') {
            struct slice value = value_choose(*text, choices);
            for (size_t i = 0; i < value.size; i++)
                escape((unsigned char)value.data[i], place, out);
        } else {
            buffer_byte(out, *text);
        }
    }
}

void call_expand(const char *text, enum call_place place, struct slice *choices, struct buffer *out)
{
    expand(text, place, choices, 0, out);
}
