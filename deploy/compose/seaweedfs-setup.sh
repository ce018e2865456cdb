#!/bin/sh
# Make the bucket, and let SeaweedFS sync each write before it answers: a receipt promises that a picture is stored.
# May be run again.
set -eu
shell() { weed shell -master="${MASTER:-seaweedfs:9333}" -filer="${FILER:-seaweedfs:8888}"; }

echo "s3.bucket.list" | shell | grep -q "^ *dashlight[[:space:]]" || echo "s3.bucket.create -name dashlight" | shell
echo "fs.configure -locationPrefix=/buckets/dashlight/ -fsync -apply" | shell
