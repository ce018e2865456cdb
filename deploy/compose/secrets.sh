#!/bin/sh
# Make the secrets of deploy/compose.yaml, once: passwords, the server's key, and the settings that hold them.
#   deploy/compose/secrets.sh [FOLDER]     the folder is deploy/compose/secrets unless told otherwise
# Nothing that is there is written over. Keep a copy of server.key: edges have pinned it.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
once() { [ -e "$folder/$1" ] || cat >"$folder/$1"; }

random | once postgres_password
random | once s3_secret
head -c 32 /dev/urandom | once server.key

once s3.json <<JSON
{
  "identities": [
    {
      "name": "dashlight",
      "credentials": [{"accessKey": "dashlight", "secretKey": "$(cat "$folder/s3_secret")"}],
      "actions": ["Read:dashlight", "Write:dashlight", "List:dashlight"]
    }
  ]
}
JSON

once server.toml <<TOML
[server]
database_url = "postgresql://dashlight:$(cat "$folder/postgres_password")@postgres:5432/dashlight"
objects_url = "s3://dashlight/objects?endpoint=http://seaweedfs:8333&region=us-east-1"
objects_key_id = "dashlight"
objects_secret = "$(cat "$folder/s3_secret")"
key_file = "/run/secrets/server.key"
# Caddy's address in the network of deploy/compose.yaml: who is believed about readers' addresses.
trusted_proxy = "172.30.57.2"
name = "${DASHLIGHT_NAME:-dashlight}"
public_url = "https://${SITE_ADDRESS:-localhost}"
TOML

# Compose shows files to containers with the owner and mode that they have here; the folder keeps others out.
chmod 0644 "$folder"/*
echo "secrets are in $folder"
