# SPDX-License-Identifier: Apache-2.0
"""urllib of the standard library: a new connection per call; trusts what SSL_CERT_FILE names."""

import http.client
import urllib.error
import urllib.request

from support import digest, endpoint, read_options, report, request_body, request_headers

options = read_options()


def call(number):
    request = urllib.request.Request(endpoint(options), request_body(options, number), request_headers(options))
    try:
        with urllib.request.urlopen(request) as response:
            return {"status": response.status, "body": digest(response.read())}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": digest(error.read())}
    except http.client.IncompleteRead as error:
        return {"error": "IncompleteRead", "body": digest(error.partial)}


report("python-urllib", [call(number) for number in range(options.calls)])
