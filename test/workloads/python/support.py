# SPDX-License-Identifier: Apache-2.0
"""What every python workload shares: the uniform options in, one JSON line out (see ../README.md). Makes no call itself."""

import argparse
import hashlib
import json
import os
import sys


def read_options(extra=lambda parser: None):
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--api", choices=["openai", "anthropic"], default="openai")
    parser.add_argument("--model", default="fake-plain")
    parser.add_argument("--prompt", default="Say hello.")
    parser.add_argument("--prompt-bytes", type=int, default=0)
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--abort-after", type=int, default=0)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--tools", action="store_true")
    extra(parser)
    options = parser.parse_args()
    if options.prompt_bytes:
        options.prompt = "x" * options.prompt_bytes
    return options


TOOL_PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
    "required": ["city"],
}


def request_body(options, number):
    body = {"model": options.model, "messages": [{"role": "user", "content": f"{options.prompt} #{number}"}]}
    if options.stream:
        body["stream"] = True
    if options.api == "anthropic":
        body["max_tokens"] = 1024
    elif options.stream:
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body).encode()


def endpoint(options):
    return os.environ["BASE_URL"] + ("/v1/messages" if options.api == "anthropic" else "/v1/chat/completions")


def request_headers(options):
    key = os.environ.get("API_KEY", "sk-fake")
    headers = {"Content-Type": "application/json"}
    if options.api == "anthropic":
        return headers | {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return headers | {"Authorization": f"Bearer {key}"}


def http_request(options, number, host):
    """The same call as bytes, for the clients that speak HTTP by hand."""
    body = request_body(options, number)
    path = endpoint(options).removeprefix(os.environ["BASE_URL"])
    headers = {"Host": host, **request_headers(options), "Content-Length": str(len(body)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def digest(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def report(client, calls, **more):
    print(json.dumps({"client": client, "pid": os.getpid(), "calls": calls, **more}, ensure_ascii=False), flush=True)


def signal_and_wait(**facts):
    """Says something on stdout and goes on when the starter writes a line: conditions instead of sleeping."""
    print(json.dumps({"waiting": True, "pid": os.getpid(), **facts}), flush=True)
    if sys.stdin.readline() == "":
        sys.exit("the starter is gone")
