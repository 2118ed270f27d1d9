#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes ca.pem, server.pem and server-key.pem beside this file; nobody needs to run it before the year 2125.
#
# The results are committed instead of being made by each test run, because then the demo and the tests need no openssl
# command, do not depend on the machine's clock (valid 2000 to 2125), and every handshake presents the same bytes. The
# key of the authority is deleted right after it has signed, so trusting ca.pem trusts exactly this one certificate.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

openssl ecparam -name prime256v1 -genkey -noout -out "$scratch/ca-key.pem"
openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out server-key.pem
openssl req -new -key "$scratch/ca-key.pem" -subj '/CN=OISP Sensor test authority' -out "$scratch/ca.csr"
openssl req -new -key server-key.pem -subj '/CN=localhost' -out "$scratch/server.csr"

cat > "$scratch/ca.cnf" <<CONFIG
[ca]
default_ca = test
[test]
dir = $scratch
database = $scratch/index
new_certs_dir = $scratch
rand_serial = yes
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
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1, DNS:api.openai.test, DNS:api.anthropic.test
CONFIG
: > "$scratch/index"
sign() {
  openssl ca -batch -config "$scratch/ca.cnf" -keyfile "$scratch/ca-key.pem" -notext \
    -startdate 20000101000000Z -enddate 21250101000000Z "$@" 2> /dev/null
}
sign -selfsign -extensions authority -in "$scratch/ca.csr" -out ca.pem
sign -cert ca.pem -extensions server -in "$scratch/server.csr" -out server.pem
