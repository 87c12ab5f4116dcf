#!/bin/sh
# What a shell does with the AWS CLI and vipsthumbnail, as a process for each queue.
# usage: consumer.sh ENDPOINT BUCKET NAME WIDTH KEY. The credentials and the region are in the environment.
set -u
endpoint=$1 bucket=$2 name=$3 width=$4 prefix=$5
aws() { /usr/bin/aws --endpoint-url "$endpoint" "$@"; }
url=$(aws sqs get-queue-url --queue-name "$name-queue" --output text)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 0' TERM INT
while :; do
    aws sqs receive-message --queue-url "$url" --max-number-of-messages 1 --wait-time-seconds 20 >"$folder/message"
    [ -s "$folder/message" ] || continue
    key=$(jq -r '.Messages[0].Body | fromjson | .Records[0].s3.object.key' "$folder/message")
    receipt=$(jq -r '.Messages[0].ReceiptHandle' "$folder/message")
    aws s3 cp --quiet "s3://$bucket/$key" "$folder/source.jpg" &&
        vipsthumbnail "$folder/source.jpg" --size "${width}x" --output "$folder/out.jpg[Q=80]" &&
        aws s3 cp --quiet "$folder/out.jpg" "s3://$bucket/$prefix${key##*/}" &&
        aws sqs delete-message --queue-url "$url" --receipt-handle "$receipt"
done
