# SPDX-License-Identifier: Apache-2.0
"""http.client in as many threads as there are calls: each thread its own connection, all released at once."""

import http.client
import ssl
import threading
import urllib.parse

from support import digest, endpoint, read_options, report, request_body, request_headers

options = read_options()
url = urllib.parse.urlsplit(endpoint(options))
context = ssl.create_default_context()
start = threading.Barrier(options.calls)
calls = [None] * options.calls


def run(number):
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=context)
    start.wait()
    connection.request("POST", url.path, request_body(options, number), request_headers(options))
    response = connection.getresponse()
    calls[number] = {"status": response.status, "body": digest(response.read()), "thread": threading.get_native_id()}
    connection.close()


threads = [threading.Thread(target=run, args=(number,)) for number in range(options.calls)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
report("python-threads", calls)
