# SPDX-License-Identifier: Apache-2.0
"""An application: a chat completion over TLS, again and again, until it is stopped."""

import json
import os
import ssl
import time
import urllib.request

ADDRESS = "/shared/provider"
body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "ping"}]}).encode()
headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-nobody"}
context = ssl.create_default_context(cafile="/checkout/test/server/tls/ca.pem")

while not os.path.exists(ADDRESS):
    time.sleep(0.1)
with open(ADDRESS) as file:
    url = file.read() + "/v1/chat/completions"
while True:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), context=context) as answer:
        answer.read()
    time.sleep(0.5)
