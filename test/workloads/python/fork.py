# SPDX-License-Identifier: Apache-2.0
"""Fork after the handshake: the parent opens the TLS session, the child makes the call over it and reports."""

import os
import socket
import ssl
import urllib.parse

from support import digest, endpoint, http_request, read_options, report

options = read_options()
url = urllib.parse.urlsplit(endpoint(options))
context = ssl.create_default_context()
session = context.wrap_socket(socket.create_connection((url.hostname, url.port)), server_hostname=url.hostname)

child = os.fork()
if child == 0:
    session.sendall(http_request(options, 0, url.netloc))
    answer = b"".join(iter(lambda: session.recv(65536), b""))
    report("python-fork", [{"status": int(answer.split(b" ", 2)[1]), "received": digest(answer)}], parent=os.getppid())
    session.close()
    os._exit(0)

# Only when the child has ended does the parent's copy of the session go, without a word on the wire.
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
