#include "command_table.h"

const char program_summary[] =
    "An image engine: renditions and tags for every photo that lands in a bucket.";

const struct command command_table[] = {
    {"run", CONFIG_RUN, COMMAND_PLAIN, "the engine: poll the queues, work, until SIGTERM",
     "Polls the queues of the pipelines and makes, stores and labels their renditions.\n"
     "On SIGTERM or Ctrl-C it finishes pending work within --grace and returns the rest to\n"
     "the queues. A second signal stops it at once with exit status 1; nothing is lost.\n"
     "On SIGHUP it reads the pipeline files again: pending work finishes with the old files,\n"
     "new messages use the new ones. Files with an error in them are ignored.\n"
     "If a service can't be reached or a queue does not exist, it keeps trying. It exits 2\n"
     "on errors that a retry can't fix: an error in a setting or a pipeline file, missing\n"
     "or refused credentials.\n"
     "Credentials, region and endpoints are read from the AWS_* variables and ~/.aws, as\n"
     "with other AWS clients.\n"},
    {"local", CONFIG_LOCAL, "[OPTIONS] [PHOTO|DIR...]",
     "embedded cloud and engine in one process, on loopback",
     "Starts an embedded cloud (S3, SNS, SQS, EventBridge, Rekognition, STS), creates a bucket,\n"
     "a topic and queues in it, and runs the engine on them. Photos are uploaded to\n"
     "s3://photos/ingest/; results are written under --out. Without photos it processes\n"
     "samples if none has been uploaded yet, and with --once always; it creates them once and\n"
     "keeps them in the user's cache. It serves until Ctrl-C; with --once it exits when the\n"
     "photos are done, with the output and exit status of \"thumbwheel process\". With\n"
     "--cloud-only it runs no engine and takes no photos.\n"
     "While it serves, SIGHUP makes it read the pipeline files again and create the queues\n"
     "that they need.\n"},
    {"process", CONFIG_PROCESS, "[OPTIONS] PHOTO|DIR...",
     "run files through the pipelines, then exit",
     "Runs files through the pipelines and writes the results under --out. It leaves no other\n"
     "files. On standard error it prints each failure once and, on a terminal, a progress bar;\n"
     "on standard output a summary, with --verbose a table of all renditions and tags before\n"
     "it, with --json only JSON: one object per photo, then a summary object.\n"
     "On Ctrl-C it finishes pending work within --grace and counts the rest as not processed.\n"
     "Exits 0 if all photos succeeded; 1 if any failed or was not processed, or on Ctrl-C;\n"
     "2 on a usage error.\n"},
    {"provision", CONFIG_PROVISION, COMMAND_PLAIN, "create what the pipelines need in the cloud",
     "Creates the buckets, a queue and a dead-letter queue for each pipeline, the topic or the\n"
     "rules of EventBridge, policies that let only these send, subscriptions, the bucket's\n"
     "notification, and the topics and queues that the pipelines notify. It reads what there is,\n"
     "prints the difference as a plan (+ to create, ~ to change, = as it is, ! in the way), and\n"
     "applies it after a confirmation or with --yes.\n"
     "A second run changes nothing; after a failure the same command continues. It changes only\n"
     "what it made: statements, notifications, rules and lifecycles of others are kept and\n"
     "listed, and a notification that overlaps is reported.\n"
     "With --via rabbitmq it makes an exchange and, for each pipeline whose queue has an address\n"
     "like amqp://USER@HOST/VHOST/QUEUE, its queue, retry queues and dead-letter queue, over the\n"
     "management API. --store ceph also makes a topic and the bucket's notification; --store\n"
     "minio prints the commands for MinIO.\n"
     "With --emit it prints a template of CloudFormation or Terraform for the same resources,\n"
     "with the role of the engine and optional alarms, or only the policy of the role\n"
     "(iam-policy, for which it needs credentials: the policy names the account).\n"
     "Exits 0 if everything is as planned, or with --dry-run; 1 if something failed or is in the\n"
     "way; 2 on a usage error.\n"
     "With --json it prints one object: account, region, applied, create, change, keep and\n"
     "conflicts (their number), notes, and resources: kind, name, action (create, change, keep,\n"
     "conflict), done, differences (is, should), kept, conflict.\n"},
    {"whoami", CONFIG_WHOAMI, COMMAND_PLAIN, "whose credentials are used",
     "Gets credentials as run does, asks STS whose they are, and prints the provider that gave\n"
     "them, the account, the ARN and when they expire. docs/credentials.md lists the providers\n"
     "in their order. Exits 0; 1 if a service could not be reached; 2 if there are no\n"
     "credentials or they are refused.\n"
     "With --json it prints one object: provider, account, arn, user_id, expires (null: never).\n"},
    {"presign", CONFIG_PRESIGN, "[OPTIONS] get|put s3://BUCKET/KEY",
     "print a URL with which anyone may get or put an object",
     "Prints a presigned URL: until it expires, whoever has it may get or put this object\n"
     "with the rights of the credentials that signed it. On a terminal it also prints the\n"
     "curl command; otherwise only the URL. The URL also ends with the credentials that\n"
     "signed it; if these expire earlier, a warning says so.\n"
     "Exits 0; 1 if the bucket does not exist or a service could not be reached; 2 if there\n"
     "are no credentials or they are refused.\n"
     "With --json it prints one object: method, bucket, key, url, headers (to be sent with\n"
     "the URL), expires, credentials_expire (null: never), curl.\n"},
    {"gate", CONFIG_GATE, COMMAND_PLAIN,
     "a service that presigns uploads and downloads for producers",
     "Serves POST /uploads, which returns a presigned PUT or POST form for a key that\n"
     "the gate chooses, and GET /downloads/KEY, which returns a presigned GET. Callers\n"
     "need a token, and no credentials; docs/gate.md has the interface, the format of the\n"
     "token file and the security model. \"thumbwheel run --gate\" serves the same beside the\n"
     "engine.\n"
     "To make a token: thumbwheel gate --tokens FILE --add-token NAME. It prints the token,\n"
     "which the file does not contain, and exits.\n"
     "On SIGTERM or Ctrl-C it refuses new requests and finishes the pending ones within\n"
     "--grace. Exits 1 if a bucket does not exist; 2 on a usage error, an error in the token\n"
     "file, or missing or refused credentials. Without a connection it keeps trying.\n"},
    {"gallery", CONFIG_GALLERY, COMMAND_PLAIN,
     "a web page to upload photos, watch them become renditions, and find them",
     "Serves the gallery, without an engine, for photos that are in S3 or a compatible store.\n"
     "\"thumbwheel local\" and \"thumbwheel run --gallery\" serve it beside the engine.\n"
     "docs/gallery.md says what it needs. Without --users it listens on loopback only, and\n"
     "prints a link that logs in once.\n"
     "To add a user: thumbwheel gallery --users FILE --add-user NAME. It reads the password\n"
     "from the terminal without showing it, or from standard input.\n"
     "On SIGTERM or Ctrl-C it refuses new requests and finishes the pending ones within\n"
     "--grace. Exits 1 if a bucket does not exist; 2 on a usage error, an error in the users\n"
     "file, or missing or refused credentials. Without a connection it keeps trying.\n"},
    {"send", CONFIG_SEND, "[OPTIONS] FILE|s3://BUCKET/KEY...|-",
     "send events for objects, or any message",
     "Sends messages to a queue (--queue) or a topic (--topic), ten at a time.\n"
     "s3://BUCKET/KEY is an object that exists: the message is the event that S3 would send for "
     "it.\n"
     "Without --queue and --topic it goes to the queues of the pipelines that match it. With\n"
     "--bucket every argument is a key in that bucket. Anything else is a file whose content is\n"
     "the message; - is standard input.\n"
     "A body over the queue's limit (a topic's: 256 KiB) is stored in --payload-bucket, up to 2 "
     "GB,\n"
     "and the message points to it like those of the SQS extended clients; run fetches up to 16 "
     "MiB.\n"
     "It prints one line per message, with --json one object: argument, target, message_id,\n"
     "payload (the body's URL, or null), error (null: it was sent).\n"
     "On Ctrl-C it finishes what it has begun. Exits 0 if everything was sent, 1 if something was\n"
     "not, 2 on a usage error.\n"},
    {"backfill", CONFIG_BACKFILL, "[OPTIONS] s3://BUCKET/PREFIX",
     "send events for the objects that a bucket already has",
     "Lists the objects under the prefix and sends an event for each to the queues of the "
     "pipelines\n"
     "that match it, or to --queue or --topic. A pipeline whose outputs of an object all exist "
     "and\n"
     "are not older than the object is skipped, unless --force is given; one that stores nothing\n"
     "but tags is never skipped. With --dry-run it only counts.\n"
     "It can be stopped with Ctrl-C: the same command continues after the last event that was\n"
     "confirmed, with --restart from the first object. The checkpoint is a file in\n"
     "$XDG_STATE_HOME/thumbwheel or ~/.local/state/thumbwheel, and is removed at the end.\n"
     "An error stops it; nothing is skipped because of one.\n"
     "With --json it prints one object: finished, listed, matched, complete, sent (objects),\n"
     "messages, after (the last key that is done, or null), error (null: none).\n"
     "Exits 0 if it reached the end, 1 if it was stopped or a service failed, 2 on a usage "
     "error.\n"},
    {"check", CONFIG_CHECK, COMMAND_PLAIN, "check the pipeline files",
     "Reads every pipeline file and reports all problems with file, line and column:\n"
     "unknown keys, wrong values, pipelines that share a name or queue, outputs that are\n"
     "their own input, and whatever else run would refuse. It warns about keys whose\n"
     "extension does not match the format. Exits 0 if there are no problems (warnings do\n"
     "not count), 2 if there are any, 1 if it could not check.\n"
     "With --json it prints one object: ok, files, pipelines (name, queue, file, outputs,\n"
     "labels), errors and warnings (their number), and problems: severity (error, warning),\n"
     "file, line, column, key, message.\n"},
    {"health", CONFIG_HEALTH, COMMAND_PLAIN, "ask a running engine whether it is well",
     "Asks the engine that serves --metrics (or THUMBWHEEL_METRICS) whether it is alive: its\n"
     "event loop runs, and no photo has kept a worker for longer than its limits allow. With\n"
     "--ready it asks whether every queue is open, the credentials are valid and the engine is\n"
     "not shutting down. A service that can't be reached makes an engine not ready, but not dead.\n"
     "Exits 0 if so, 1 if not or if it does not respond within 5 seconds, 2 on a usage error.\n"
     "With --json it prints one object: check (alive, ready), ok, error (null: none).\n"},
    {"dlq", CONFIG_DLQ, "[OPTIONS] list|show|redrive|purge [ID...]",
     "look at dead letters, move them back, delete them",
     "Works on the dead-letter queues of the pipelines, which the redrive policies of their\n"
     "queues name, or on --queue.\n"
     "    list       print each message's reason, pipeline, source, age and receive count\n"
     "    show ID    print everything about a message, with its attributes and body\n"
     "    redrive    move messages to the queues that they came from, or to --to\n"
     "    purge      delete messages; asks for confirmation\n"
     "Options and ids select the messages; without any, redrive lets the service move all of\n"
     "them where it can, and purge empties the queue.\n"
     "SQS has no way to look at a message without receiving it: its receive count rises by one,\n"
     "and it is hidden from other receivers until the command ends (after kill -9: for up to 15\n"
     "minutes). A dead-letter queue with a redrive policy of its own needs --yes.\n"
     "A message is deleted only after its copy has been stored, so an interruption loses\n"
     "nothing; at worst a message is in both queues.\n"
     "Exits 0 if everything that matched was printed, moved or deleted; 1 if anything failed or\n"
     "is left, on Ctrl-C, and if show finds no message; 2 on a usage error, or if credentials\n"
     "are missing or refused. docs/dead-letters.md describes the output of --json.\n"},
    {"status", CONFIG_STATUS, COMMAND_PLAIN, "pipelines, queues, dead letters, the engine",
     "Prints for each pipeline its queue, the messages that are visible, in flight and delayed,\n"
     "and its dead letters; with --metrics (or THUMBWHEEL_METRICS) also whether the engine that\n"
     "serves it is ready, and what it does. The numbers of SQS are approximate.\n"
     "Exits 0 if all is well; 1 if something needs attention: there are dead letters, a queue\n"
     "does not exist or has no dead-letter queue, the engine is not ready or does not respond;\n"
     "2 on a usage error, or if credentials are missing or refused. With --watch the last\n"
     "result counts.\n"},
    {"completion", CONFIG_COMPLETION, "[OPTIONS] bash|zsh|fish",
     "print the completions for a shell",
     "Prints a script with which the shell completes the commands, their options and values.\n"
     "For the running shell:\n"
     "    bash, with the package bash-completion: source <(thumbwheel completion bash)\n"
     "    zsh, after compinit: source <(thumbwheel completion zsh)\n"
     "    fish: thumbwheel completion fish | source\n"
     "The Debian package installs them for every user.\n"},
    {"man", CONFIG_MAN, COMMAND_PLAIN, "print the manual page",
     "Prints thumbwheel(1), the manual page, in roff. To read it: thumbwheel man | man -l -\n"},
};

const size_t command_table_size = sizeof command_table / sizeof command_table[0];
_Static_assert(sizeof command_table / sizeof command_table[0] <= COMMANDS_MAX,
               "COMMANDS_MAX is too small");
