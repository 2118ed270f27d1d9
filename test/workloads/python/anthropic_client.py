# SPDX-License-Identifier: Apache-2.0
"""The anthropic package, configured by ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY alone, as a user would."""

import anthropic

from support import TOOL_PARAMETERS, digest, read_options, report

options = read_options()
client = anthropic.Anthropic(max_retries=0)
TOOLS = [{"name": "get_weather", "input_schema": TOOL_PARAMETERS}]


def parameters(number):
    tools = {"tools": TOOLS} if options.tools else {}
    messages = [{"role": "user", "content": f"{options.prompt} #{number}"}]
    return {"model": options.model, "max_tokens": 1024, "messages": messages, **tools}


def describe(message):
    text = "".join(block.text for block in message.content if block.type == "text")
    return {
        "status": 200,
        "id": message.id,
        "text": digest(text.encode()),
        "toolCalls": [block.input for block in message.content if block.type == "tool_use"],
        "usage": message.usage.model_dump(exclude_none=True),
    }


def call_stream(number):
    with client.messages.stream(**parameters(number)) as stream:
        for count, _ in enumerate(stream, 1):
            if count == options.abort_after:
                return {"status": 200, "events": count, "isAborted": True}
        return describe(stream.get_final_message())


def call(number):
    try:
        return call_stream(number) if options.stream else describe(client.messages.create(**parameters(number)))
    except anthropic.APIStatusError as error:
        return {"status": error.status_code, "error": error.type, "requestId": error.request_id}


report("python-anthropic", [call(number) for number in range(options.calls)])
