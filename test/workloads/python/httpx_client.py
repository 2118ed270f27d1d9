# SPDX-License-Identifier: Apache-2.0
"""httpx (0.x): one client, keep-alive over all calls; `--abort-after N` closes the stream after N pieces."""

import ssl

import httpx

from support import digest, endpoint, read_options, report, request_body, request_headers

options = read_options()


def call(client, number):
    body = request_body(options, number)
    with client.stream("POST", endpoint(options), content=body, headers=request_headers(options)) as response:
        data = b""
        for count, piece in enumerate(response.iter_bytes(), 1):
            data += piece
            if count == options.abort_after:
                break
        return {"status": response.status_code, "body": digest(data)}


with httpx.Client(verify=ssl.create_default_context(), timeout=60) as http_client:
    report("python-httpx", [call(http_client, number) for number in range(options.calls)])
