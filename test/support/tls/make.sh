#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the PEM files beside this file: an authority, servers of all kinds of wrong, and two clients. Committed for the reasons
# that test/server/tls/make.sh names; the authority's key is deleted here, too. server-key.pem is the key of every server.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

new_key() {
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"
}
cat > "$scratch/ca.cnf" <<CONFIG
[ca]
default_ca = test
[test]
dir = $scratch
database = $scratch/index
new_certs_dir = $scratch
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[elsewhere]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:elsewhere.test
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
CONFIG
: > "$scratch/index"
# sign NAME KEY SECTION FROM TO [more]
sign() {
  openssl req -new -key "$2" -subj "/CN=$1" -out "$scratch/$1.csr"
  name=$1 section=$3 from=$4 to=$5
  shift 5
  openssl ca -batch -config "$scratch/ca.cnf" -keyfile "$scratch/ca-key.pem" -notext -extensions "$section" \
    -startdate "$from" -enddate "$to" -in "$scratch/$name.csr" -out "$name.pem" "$@" 2> /dev/null
}
long='20000101000000Z 21250101000000Z'
new_key "$scratch/ca-key.pem"
sign ca "$scratch/ca-key.pem" authority $long -selfsign
new_key server-key.pem
sign server server-key.pem server $long -cert ca.pem
sign expired server-key.pem server 20000101000000Z 20010101000000Z -cert ca.pem
sign early server-key.pem server 21240101000000Z 21250101000000Z -cert ca.pem
sign elsewhere server-key.pem elsewhere $long -cert ca.pem
for client in client-a client-b; do
  new_key "$client-key.pem"
  sign "$client" "$client-key.pem" client $long -cert ca.pem
done
