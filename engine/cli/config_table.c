#include "config_table.h"

#include <stdio.h>
#include <string.h>

#include "input_formats.h"
#include "memory_limit.h"

enum {
    ENGINE = CONFIG_RUN | CONFIG_LOCAL | CONFIG_PROCESS,
    CLOUD = CONFIG_LOCAL | CONFIG_PROCESS,
    SENDING = CONFIG_SEND | CONFIG_BACKFILL,
    OPERATOR = CONFIG_DLQ | CONFIG_STATUS, /* they read the pipeline files, too */
    ASKING = SENDING | CONFIG_WHOAMI | CONFIG_PRESIGN | CONFIG_PROVISION |
             OPERATOR, /* some requests, then the end */
    CALLERS = ASKING | CONFIG_GATE | CONFIG_GALLERY,
    GATES = CONFIG_GATE | CONFIG_RUN,
    GALLERIES = CONFIG_GALLERY | CONFIG_RUN | CONFIG_LOCAL,
    EVERY = ENGINE | CONFIG_CHECK | CALLERS,
    DECODING = ENGINE | CONFIG_GALLERY,
    CLIENT = CONFIG_RUN | CALLERS,
    READING = CONFIG_RUN | CONFIG_GALLERY | CONFIG_PROVISION | SENDING | OPERATOR, /* queues */
    TWELVE_HOURS_S = 12 * 60 * 60, /* SQS's limit of a visibility timeout */
    HOUR_MS = 60 * 60 * 1000,
};

#define AT CONFIG_MEMBER

/* Sorted by group. */
const struct setting config_table[] = {
    {"pipelines", TYPE_LIST,
     ENGINE | CONFIG_CHECK | OPERATOR | CONFIG_PROVISION | SENDING | CONFIG_GALLERY, GROUP_SERVICE,
     AT(pipelines), "DIR|FILE", "pipeline files, or directories of them; repeatable",
     .shown = "those that come with thumbwheel",
     .reloads = CONFIG_RUN | CONFIG_LOCAL | CONFIG_GALLERY},
    {"region", TYPE_TEXT, ENGINE | CALLERS, GROUP_SERVICE, AT(backend.region), "NAME",
     "region to sign requests for", .shown = "AWS_REGION, then ~/.aws/config; local: us-east-1"},
    {"profile", TYPE_TEXT, CLIENT, GROUP_SERVICE, AT(backend.profile), "NAME",
     "profile in ~/.aws/config and ~/.aws/credentials", .shown = "AWS_PROFILE, then default"},
    {"endpoint", TYPE_TEXT, CLIENT, GROUP_SERVICE, AT(backend.endpoint), "URL",
     "an AWS-compatible service to use instead of AWS", .shown = "AWS_ENDPOINT_URL, then AWS"},
    {"requester-pays", TYPE_SWITCH,
     CONFIG_RUN | CONFIG_PRESIGN | CONFIG_GATE | CONFIG_GALLERY | SENDING, GROUP_SERVICE,
     AT(backend.requester_pays), NULL,
     "pay for the requests to buckets that demand it (Requester Pays)",
     .shown = "such buckets refuse them"},
    {"amqp-password-file", TYPE_TEXT, READING, GROUP_SERVICE, AT(backend.amqp.password_file),
     "FILE",
     "file with the password of the user in amqp:// addresses of queues, on its first line; read "
     "for each connection",
     .shown = "guest, which RabbitMQ accepts on loopback only"},
    {"amqp-ca-file", TYPE_TEXT, READING, GROUP_SERVICE, AT(backend.amqp.ca_file), "FILE",
     "certificates of the authorities that the brokers of amqps:// addresses are verified with, in "
     "PEM format",
     .shown = "those of the system"},
    {"amqp-heartbeat", TYPE_SECONDS, READING, GROUP_SERVICE, AT(backend.amqp.heartbeat_s), "TIME",
     "interval of heartbeats; a broker that is silent for two of them is given up",
     .standard = "30s", .min = 1, .max = 600},
    {"amqp-consumer-timeout", TYPE_SECONDS, CONFIG_RUN, GROUP_SERVICE,
     AT(backend.amqp.consumer_timeout_s), "TIME",
     "consumer_timeout of the brokers: a message is returned to its queue before it has been "
     "processed for so long",
     .standard = "30m", .min = 10, .max = 365 * 24 * 60 * 60},

    {"workers", TYPE_NUMBER, ENGINE, GROUP_WORK, AT(engine.workers), "N",
     "threads that decode and render", .shown = "the processors that the process may use", .min = 1,
     .max = 256},
    {"jobs", TYPE_COUNT, ENGINE, GROUP_WORK, AT(engine.jobs), "N",
     "messages in flight, all queues together", .shown = "48 for each worker", .min = 1,
     .max = 100000},
    {"wait", TYPE_SECONDS, ENGINE, GROUP_WORK, AT(engine.wait_s), "TIME", "length of a long poll",
     .standard = "20s", .min = 1, .max = 20},
    {"visibility", TYPE_SECONDS, ENGINE | CONFIG_PROVISION, GROUP_WORK, AT(engine.visibility_s),
     "TIME", "visibility timeout for pipelines that set none", .shown = "the queue's own", .min = 1,
     .max = TWELVE_HOURS_S},
    {"backoff", TYPE_SECONDS, ENGINE, GROUP_WORK, AT(engine.backoff_s), "TIME",
     "longest delay before a message is retried", .standard = "15m", .min = 1,
     .max = TWELVE_HOURS_S},
    {"max-receives", TYPE_NUMBER, CONFIG_RUN | CONFIG_PROVISION, GROUP_WORK,
     AT(provision.max_receives), "N",
     "receives after which a message goes to the dead-letter queue; run: of queues in RabbitMQ, "
     "since those of SQS have a redrive policy",
     .standard = "3", .min = 1, .max = 1000},
    {"timeout", TYPE_TIME, ENGINE | CALLERS, GROUP_WORK, AT(http.idle_timeout_ms), "TIME",
     "abandon a request when no data moves for this long", .standard = "30s", .min = 500,
     .max = HOUR_MS},
    {"stall", TYPE_TIME, ENGINE, GROUP_WORK, AT(engine.stall_ms), "TIME",
     "return a message to its queue when its job makes no progress for this long",
     .standard = "15m", .min = 1000, .max = 12 * HOUR_MS},
    {"missing", TYPE_CHOICE, ENGINE, GROUP_WORK, AT(engine.drop_missing), "dead-letter|drop",
     "messages whose object does not exist: dead-letter rejects them, drop deletes them",
     .standard = "dead-letter"},
    {"delete-payloads", TYPE_SWITCH, CONFIG_RUN, GROUP_WORK, AT(engine.delete_payloads), NULL,
     "remove the bodies that messages have in S3 (extended client), after the messages are "
     "deleted; "
     "not if several queues get the same message",
     .shown = "they stay"},
    {"linger", TYPE_TIME, ENGINE, GROUP_WORK, AT(engine.linger_ms), "TIME",
     "how long a fetched photo waits for messages of other queues", .standard = "2s",
     .max = HOUR_MS / 6},
    {"cache", TYPE_BYTES, ENGINE, GROUP_WORK, AT(engine.cache_bytes), "SIZE",
     "memory limit for fetched photos that wait (see --linger)", .standard = "64M",
     .max = 1024 * GIB},
    {"memory", TYPE_BYTES, ENGINE, GROUP_WORK, AT(engine.memory), "SIZE",
     "memory for photos and their renditions; work that does not fit waits",
     .shown = "half of the control group's limit or the machine's memory",
     .min = MEMORY_BUDGET_LEAST, .max = 1024 * GIB},

    {"max-pixels", TYPE_COUNT, DECODING, GROUP_IMAGES, AT(engine.limits.max_pixels), "N",
     "refuse images with more pixels (width × height)", .standard = "150M", .min = 1,
     .max = 1000000000000},
    {"max-bytes", TYPE_BYTES, DECODING, GROUP_IMAGES, AT(engine.limits.max_bytes), "SIZE",
     "refuse objects that are larger", .standard = "64M", .min = 1, .max = 4 * GIB},
    {"max-frames", TYPE_COUNT, DECODING, GROUP_IMAGES, AT(engine.limits.max_frames), "N",
     "refuse to keep all frames of an animation with more; its first frame is still used",
     .standard = "1000", .min = 1, .max = 100000},
    {"formats", TYPE_FORMATS, DECODING, GROUP_IMAGES, AT(engine.limits.formats), "NAME,...",
     "formats that are read, recognised by their first bytes; +jxl,-gif changes the default; also "
     "jxl, jp2, bmp, ico, svg, pdf",
     .standard = INPUT_FORMATS_DEFAULT},
    {"isolation", TYPE_CHOICE, DECODING, GROUP_IMAGES, AT(decode_here), "process|thread",
     "process: decode in separate, sandboxed processes; thread: in this process",
     .standard = "process"},
    {"image-timeout", TYPE_TIME, DECODING, GROUP_IMAGES, AT(decoders.timeout_ms), "TIME",
     "time limit for one photo, in elapsed and in CPU time; with --isolation=process",
     .standard = "60s", .min = 1000, .max = HOUR_MS},
    {"image-memory", TYPE_BYTES, DECODING, GROUP_IMAGES, AT(decoders.memory), "SIZE",
     "memory limit of a decoder process; with --isolation=process", .standard = "2G",
     .min = 256 * MIB, .max = 1024 * GIB},

    {"log-format", TYPE_CHOICE, ENGINE | CALLERS, GROUP_LOG, AT(log_format), "auto|text|json",
     "auto: for run, gate and gallery, one JSON object per line unless standard error is a "
     "terminal; "
     "otherwise text",
     .standard = "auto"},
    {"log-level", TYPE_CHOICE, ENGINE | CALLERS, GROUP_LOG, AT(log_level),
     "auto|debug|info|warn|error",
     "auto: info for run, gate and gallery, error otherwise (failures are always reported)",
     .standard = "auto"},

    {"metrics", TYPE_TEXT, GATES | GALLERIES | CONFIG_HEALTH | CONFIG_STATUS, GROUP_MONITORING,
     AT(metrics), "ADDRESS:PORT",
     "serve /metrics, /livez and /readyz there; :PORT is every address", .shown = "none"},
    {"otlp", TYPE_TEXT, CONFIG_RUN | CONFIG_LOCAL, GROUP_MONITORING, AT(otlp), "URL",
     "send spans of traces to this OpenTelemetry collector, as JSON to URL/v1/traces",
     .shown = "none"},
    {"ready", TYPE_SWITCH, CONFIG_HEALTH, GROUP_MONITORING, AT(ready), NULL,
     "ask whether the engine is ready, not only whether it is alive",
     .shown = "whether it is alive"},

    {"queue", TYPE_TEXT, CONFIG_DLQ | SENDING, GROUP_MESSAGES, AT(queue), "QUEUE",
     "name, URL or ARN of a queue, or its address amqp://HOST/VHOST/QUEUE",
     .shown = "the dead-letter queues of the pipelines; send and backfill: the queues of those "
              "that match"},
    {"to", TYPE_TEXT, CONFIG_DLQ, GROUP_MESSAGES, AT(to), "QUEUE",
     "redrive: move the messages to this queue", .shown = "the queue that each came from"},
    {"reason", TYPE_TEXT, CONFIG_DLQ, GROUP_MESSAGES, AT(reason), "TEXT",
     "only messages with this reason; * ? and [ ] are wildcards", .shown = "any"},
    {"key", TYPE_TEXT, CONFIG_DLQ, GROUP_MESSAGES, AT(key), "PREFIX",
     "only messages for objects whose key begins with this, or matches it with * ? and [ ]",
     .shown = "any"},
    {"pipeline", TYPE_TEXT, CONFIG_DLQ, GROUP_MESSAGES, AT(pipeline), "NAME",
     "only messages of this pipeline", .shown = "any"},
    {"older-than", TYPE_TIME, CONFIG_DLQ, GROUP_MESSAGES, AT(older_ms), "TIME",
     "only messages that were sent longer ago than this", .shown = "any", .max = 15 * 24 * HOUR_MS},
    {"limit", TYPE_COUNT, CONFIG_DLQ, GROUP_MESSAGES, AT(limit), "N",
     "work on so many messages at most", .shown = "list: 1000; otherwise all", .min = 1,
     .max = 1000000000},

    {"grace", TYPE_TIME, ENGINE | CONFIG_GATE | CONFIG_GALLERY, GROUP_SHUTDOWN, AT(grace_ms),
     "TIME", "time allowed to finish pending work after SIGTERM or Ctrl-C", .standard = "25s",
     .max = HOUR_MS},

    {"once", TYPE_SWITCH, CONFIG_LOCAL, GROUP_CLOUD, AT(once), NULL,
     "exit when the photos are done", .shown = "keep serving"},
    {"cloud-only", TYPE_SWITCH, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud_only), NULL,
     "serve only the embedded cloud; start engines with: thumbwheel run --endpoint URL",
     .shown = "with an engine"},
    {"host", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.host), "ADDRESS",
     "numeric address that the embedded cloud listens on", .standard = "127.0.0.1"},
    {"host-name", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.host_names), "NAME,...",
     "host names under which clients reach the embedded cloud, beside localhost and addresses",
     .shown = "none"},
    {"port", TYPE_NUMBER, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.port), "N",
     "port of the embedded cloud; 0: any free one", .standard = "4566",
     .shown = "4566; any free one with --once", .max = 65535},
    {"data", TYPE_TEXT, CLOUD, GROUP_CLOUD, AT(cloud.data_dir), "DIR",
     "where the embedded cloud keeps its state",
     .shown = "$XDG_DATA_HOME/thumbwheel or ~/.local/share/thumbwheel; a temporary one with --once "
              "and for process"},
    {"out", TYPE_TEXT, CLOUD, GROUP_CLOUD, AT(out), "DIR", "where the results are written",
     .standard = "out"},
    {"durability", TYPE_CHOICE, CLOUD, GROUP_CLOUD, AT(cloud.relaxed), "full|relaxed",
     "relaxed: acknowledge writes before they reach the disk", .standard = "full",
     .shown = "full; relaxed with a temporary data directory"},
    {"request-log", TYPE_TEXT, CLOUD, GROUP_CLOUD, AT(cloud.request_log), "FILE",
     "one JSON line for each request to the embedded cloud", .shown = "none"},
    {"tls", TYPE_SWITCH, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.tls), NULL,
     "serve HTTPS with a certificate generated in the data directory", .shown = "plain HTTP"},
    {"tls-cert", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.tls_certificate), "FILE",
     "serve HTTPS with this certificate (PEM)", .shown = "none"},
    {"tls-key", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.tls_key), "FILE",
     "private key for --tls-cert (PEM)", .shown = "none"},
    {"session-lifetime", TYPE_SECONDS, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.session_lifetime_s),
     "TIME", "longest lifetime of the credentials that STS issues, for tests", .shown = "as in AWS",
     .min = 1, .max = TWELVE_HOURS_S},
    {"init", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(init), "FILE",
     "create the buckets, queues, topics, subscriptions, event buses and rules of a YAML or JSON "
     "file "
     "at each start",
     .shown = "none"},
    {"keys", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.keys), "FILE",
     "access keys that the embedded cloud accepts, in the format of ~/.aws/credentials; any: all, "
     "without checking signatures, on loopback only",
     .shown = "a key of the data directory, printed at startup"},
    {"no-sigv2", TYPE_SWITCH, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.no_sigv2), NULL,
     "refuse Signature Version 2 in presigned URLs and forms of S3", .shown = "accepted"},
    {"scrub-rate", TYPE_BYTES, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.scrub_rate), "SIZE",
     "bytes per second at which the files of stored objects are compared with their checksums in "
     "the background, once a day; 0: never",
     .standard = "4M", .max = 1024 * GIB},
    {"smtp", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.smtp), "URL",
     "mail server for SNS e-mail subscriptions: smtp://host:port",
     .shown = "each mail becomes a file in the data directory"},
    {"faults", TYPE_TEXT, CONFIG_LOCAL, GROUP_CLOUD, AT(cloud.faults), "FILE",
     "fault plan: the faults that the embedded cloud injects", .shown = "none"},

    {"gate", TYPE_TEXT, CONFIG_RUN, GROUP_PRESIGN, AT(gate.beside), "ADDRESS:PORT",
     "serve the gate there, beside the engine", .shown = "none"},
    {"listen", TYPE_TEXT, CONFIG_GATE | CONFIG_GALLERY, GROUP_PRESIGN, AT(listen), "ADDRESS:PORT",
     "where the gate or the gallery listens; :PORT is every address",
     .shown = "gate: 127.0.0.1:8300; gallery: 127.0.0.1:4567"},
    {"tokens", TYPE_TEXT, GATES, GROUP_PRESIGN, AT(gate.tokens), "FILE",
     "the tokens of the gate's callers; read again when it changes", .shown = "none"},
    {"uploads", TYPE_TEXT, GATES, GROUP_PRESIGN, AT(gate.uploads), "URL",
     "where callers of the gate may upload, under keys that it chooses: s3://BUCKET/PREFIX/",
     .shown = "nobody may upload"},
    {"downloads", TYPE_TEXT, GATES, GROUP_PRESIGN, AT(gate.downloads), "URL,...",
     "what callers of the gate may download: s3://BUCKET/PREFIX/; several are separated by commas",
     .shown = "nobody may download"},
    {"cors-origin", TYPE_TEXT, GATES, GROUP_PRESIGN, AT(gate.origins), "ORIGIN,...",
     "web pages that may call the gate, for example https://example.com; * is every page",
     .shown = "none"},
    {"gate-cert", TYPE_TEXT, GATES, GROUP_PRESIGN, AT(gate.certificate), "FILE",
     "serve the gate over HTTPS with this certificate (PEM)", .shown = "plain HTTP"},
    {"gate-key", TYPE_TEXT, GATES, GROUP_PRESIGN, AT(gate.key), "FILE",
     "private key for --gate-cert (PEM)", .shown = "none"},
    {"add-token", TYPE_TEXT, CONFIG_GATE, GROUP_PRESIGN, AT(gate.add_token), "NAME",
     "make a token, add its hash to --tokens, print it once and exit", .shown = "serve"},
    {"scopes", TYPE_TEXT, CONFIG_GATE, GROUP_PRESIGN, AT(gate.scopes), "SCOPES",
     "what the token of --add-token may do: upload, download or upload,download",
     .standard = "upload"},
    {"expires", TYPE_SECONDS, CONFIG_PRESIGN | GATES, GROUP_PRESIGN, AT(expires_s), "TIME",
     "how long a presigned URL is valid, at most 7 days", .shown = "presign: 1h; gate: 15m",
     .min = 1, .max = OBJECT_PRESIGN_MAX_S},
    {"content-type", TYPE_TEXT, CONFIG_PRESIGN, GROUP_PRESIGN, AT(content_type), "TYPE",
     "put: the upload must have this Content-Type; get: the response has it",
     .shown = "put: any; get: the object's"},
    {"size", TYPE_BYTES, CONFIG_PRESIGN, GROUP_PRESIGN, AT(size), "SIZE",
     "put: the upload must have exactly this many bytes", .shown = "any", .max = 5 * 1024 * GIB},
    {"disposition", TYPE_TEXT, CONFIG_PRESIGN, GROUP_PRESIGN, AT(disposition), "TEXT",
     "get: Content-Disposition of the response, for example \"attachment; filename=a.jpg\"",
     .shown = "the object's"},
    {"version-id", TYPE_TEXT, CONFIG_PRESIGN, GROUP_PRESIGN, AT(version_id), "ID",
     "get: this version of the object", .shown = "the current one"},

    {"gallery", TYPE_TEXT, CONFIG_RUN | CONFIG_LOCAL, GROUP_GALLERY, AT(gallery.beside),
     "ADDRESS:PORT", "serve the gallery there, beside the engine; off: nowhere",
     .shown = "run: nowhere; local: 127.0.0.1:4567, or the next free port"},
    {"photos", TYPE_TEXT, GALLERIES, GROUP_GALLERY, AT(gallery.photos), "URL,...",
     "where the photos of the gallery are: s3://BUCKET/PREFIX/; several are separated by commas; "
     "uploads go to the first",
     .shown = "the buckets and prefixes that the pipelines' match names"},
    {"users", TYPE_TEXT, GALLERIES, GROUP_GALLERY, AT(gallery.users), "FILE",
     "the users of the gallery; read again when it changes",
     .shown = "none: one logs in with the link that is printed at startup"},
    {"add-user", TYPE_TEXT, CONFIG_GALLERY, GROUP_GALLERY, AT(gallery.add_user), "NAME",
     "add a user to --users, or change the password, which is read from the terminal or from "
     "standard input, and exit",
     .shown = "serve"},
    {"gallery-data", TYPE_TEXT, GALLERIES, GROUP_GALLERY, AT(gallery.data), "DIR",
     "where the gallery keeps its index and the key that signs sessions",
     .shown = "local: gallery in --data; $XDG_STATE_HOME/thumbwheel/gallery or "
              "~/.local/state/thumbwheel/gallery"},
    {"gallery-origin", TYPE_TEXT, GALLERIES, GROUP_GALLERY, AT(gallery.origins), "ORIGIN,...",
     "under which browsers reach the gallery, if not by an address of this machine: for example "
     "https://photos.example.com",
     .shown = "addresses of this machine"},
    {"gallery-cert", TYPE_TEXT, GALLERIES, GROUP_GALLERY, AT(gallery.certificate), "FILE",
     "serve the gallery over HTTPS with this certificate (PEM)", .shown = "plain HTTP"},
    {"gallery-key", TYPE_TEXT, GALLERIES, GROUP_GALLERY, AT(gallery.key), "FILE",
     "private key for --gallery-cert (PEM)", .shown = "none"},

    {"bucket", TYPE_TEXT, CONFIG_PROVISION | CONFIG_SEND, GROUP_PROVISION, AT(provision.bucket),
     "NAME", "bucket of the photos; send: the arguments are keys in it",
     .shown = "the one that the pipelines' match names; send: the arguments are files and "
              "s3://BUCKET/KEY"},
    {"prefix", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.prefix), "TEXT",
     "announce only photos whose keys begin with it",
     .shown = "the prefixes that the pipelines' match names"},
    {"suffix", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.suffix), "TEXT",
     "announce only photos whose keys end with it; S3 distinguishes upper and lower case",
     .shown = "any"},
    {"via", TYPE_CHOICE, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.via),
     "sns|sqs|eventbridge|rabbitmq",
     "how photos are announced: by a topic to every queue, to one queue directly, by rules of "
     "EventBridge, or by an exchange of RabbitMQ to every queue",
     .standard = "sns"},
    {"name", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.name), "NAME",
     "name of the topic or exchange; the names of rules begin with it", .standard = "thumbwheel"},
    {"store", TYPE_CHOICE, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.store),
     "other|ceph|minio",
     "with --via rabbitmq, what publishes the events: ceph gets a topic and a notification, for "
     "minio the commands are printed",
     .standard = "other"},
    {"events-to", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.events_to), "AMQP-URL",
     "the broker as the store reaches it: amqp://USER@HOST:PORT/VHOST",
     .shown = "as the queues of the pipelines name it"},
    {"events-password-file", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION,
     AT(broker.events_password_file), "FILE", "password of the user in --events-to, for ceph",
     .shown = "that of --amqp-password-file"},
    {"broker-api", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION, AT(broker.api), "URL",
     "management API of RabbitMQ: http://USER@HOST:PORT, or https",
     .shown = "port 15672, with amqps 15671, of the first host of the queues, and their user"},
    {"broker-api-password-file", TYPE_TEXT, CONFIG_PROVISION, GROUP_PROVISION,
     AT(broker.api_password_file), "FILE", "password of the user of --broker-api",
     .shown = "that of --amqp-password-file"},
    {"retention", TYPE_SECONDS, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.retention_s),
     "TIME", "how long the queues keep messages; dead-letter queues keep them for 14 days",
     .shown = "the queue's own; 4 days for a new one", .min = 60, .max = 14 * 24 * 60 * 60},
    {"lifecycle-days", TYPE_NUMBER, CONFIG_PROVISION, GROUP_PROVISION, AT(provision.lifecycle_days),
     "N", "let outputs expire after so many days", .shown = "never", .min = 1, .max = 36500},
    {"yes", TYPE_SWITCH, CONFIG_PROVISION | CONFIG_DLQ, GROUP_PROVISION, AT(yes), NULL,
     "do not ask for confirmation", .shown = "ask on a terminal, otherwise refuse"},
    {"dry-run", TYPE_SWITCH, CONFIG_PROVISION | CONFIG_BACKFILL, GROUP_PROVISION, AT(dry_run), NULL,
     "print the plan and change nothing; backfill: only count",
     .shown = "apply it; send the events"},
    {"emit", TYPE_CHOICE, CONFIG_PROVISION, GROUP_PROVISION, AT(emit),
     "none|cloudformation|terraform|iam-policy",
     "print a template that makes the same, or the policy of the engine's role",
     .standard = "none"},

    {"topic", TYPE_TEXT, SENDING, GROUP_SENDING, AT(send.topic), "ARN", "send to this topic",
     .shown = "none"},
    {"group", TYPE_TEXT, SENDING, GROUP_SENDING, AT(send.group), "ID",
     "message group; a FIFO queue or topic needs one", .shown = "none"},
    {"deduplication", TYPE_TEXT, CONFIG_SEND, GROUP_SENDING, AT(send.deduplication), "ID",
     "deduplication id of the one message, for a FIFO queue or topic",
     .shown = "made from the object's version or the body"},
    {"attribute", TYPE_LIST, CONFIG_SEND, GROUP_SENDING, AT(send.attributes), "NAME=VALUE",
     "message attribute (a String); repeatable", .shown = "none"},
    {"payload-bucket", TYPE_TEXT, CONFIG_SEND, GROUP_SENDING, AT(send.payload_bucket), "NAME",
     "bucket for bodies that are larger than the queue's limit; the message points to them, as "
     "those of the SQS extended client do",
     .shown = "such bodies are refused"},
    {"always-through-s3", TYPE_SWITCH, CONFIG_SEND, GROUP_SENDING, AT(send.always_through_s3), NULL,
     "store every body in --payload-bucket", .shown = "only larger ones"},
    {"force", TYPE_SWITCH, CONFIG_BACKFILL, GROUP_SENDING, AT(send.force), NULL,
     "also send events for objects whose outputs exist", .shown = "they are skipped"},
    {"rate", TYPE_NUMBER, CONFIG_BACKFILL, GROUP_SENDING, AT(send.rate), "N",
     "objects per second for which events are sent", .shown = "as fast as it goes", .min = 1,
     .max = 100000},
    {"restart", TYPE_SWITCH, CONFIG_BACKFILL, GROUP_SENDING, AT(send.restart), NULL,
     "begin at the first object again", .shown = "an interrupted backfill continues"},

    {"patience", TYPE_TIME, CLOUD, GROUP_RESULTS, AT(patience_ms), "TIME",
     "give up on photos after no progress for this long", .standard = "60s", .min = 1000,
     .max = 24 * HOUR_MS},
    {"verbose", TYPE_SWITCH, CLOUD, GROUP_RESULTS, AT(verbose), NULL,
     "print a row for each rendition and tag, and each retry",
     .shown = "failures and a summary; for samples on"},
    {"json", TYPE_SWITCH, CLOUD | CONFIG_CHECK | CONFIG_HEALTH | ASKING, GROUP_RESULTS, AT(json),
     NULL,
     "print one JSON object per photo and a summary object; local: with --once; dlq: per message "
     "or queue, and a summary; send: one per message; other commands: one object",
     .shown = "text"},

    {"watch", TYPE_SWITCH, CONFIG_STATUS, GROUP_RESULTS, AT(watch), NULL,
     "ask again every two seconds until Ctrl-C; on a terminal the table is redrawn",
     .shown = "once"},

    {"schema", TYPE_SWITCH, CONFIG_CHECK, GROUP_OTHER, AT(schema), NULL,
     "print the format of pipeline files as Markdown", .action = true},
    {"settings", TYPE_SWITCH, CONFIG_CHECK, GROUP_OTHER, AT(settings), NULL,
     "print every setting as Markdown", .action = true},
    {"operations", TYPE_SWITCH, CONFIG_CHECK, GROUP_OTHER, AT(operations), NULL,
     "print the embedded cloud's operations as Markdown", .action = true},
    {"help", TYPE_SWITCH, EVERY | CONFIG_HEALTH | CONFIG_COMPLETION | CONFIG_MAN, GROUP_OTHER,
     AT(help), NULL, "print this", .action = true},
};

const size_t config_table_size = sizeof config_table / sizeof config_table[0];
_Static_assert(sizeof config_table / sizeof config_table[0] <= CONFIG_SETTINGS_MAX,
               "config.given has one entry for each setting");

const char *config_group_title(enum config_group group)
{
    static const char *const titles[] = {
        [GROUP_SERVICE] = "Pipelines and service",
        [GROUP_WORK] = "Work",
        [GROUP_IMAGES] = "Images",
        [GROUP_LOG] = "Log",
        [GROUP_MONITORING] = "Monitoring",
        [GROUP_MESSAGES] = "Messages",
        [GROUP_SHUTDOWN] = "Shutdown",
        [GROUP_CLOUD] = "Embedded cloud",
        [GROUP_PRESIGN] = "Presigned URLs and the gate",
        [GROUP_GALLERY] = "Gallery",
        [GROUP_PROVISION] = "Resources",
        [GROUP_SENDING] = "Sending",
        [GROUP_RESULTS] = "Results",
        [GROUP_OTHER] = "Other",
    };
    return titles[group];
}

const char *config_default_text(const struct setting *s)
{
    return s->shown ? s->shown : s->standard ? s->standard : "";
}

void config_variable_name(const struct setting *s, char out[CONFIG_VARIABLE_MAX])
{
    snprintf(out, CONFIG_VARIABLE_MAX, "THUMBWHEEL_%s", s->name);
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
}

const char *config_next_command(unsigned *commands)
{
    static const char *const names[] = {
        "run",       "local", "process",  "check",   "whoami", "health", "completion", "man",
        "provision", "send",  "backfill", "presign", "gate",   "dlq",    "status",     "gallery"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (*commands & 1u << i) {
            *commands &= ~(1u << i);
            return names[i];
        }
    }
    return "";
}
