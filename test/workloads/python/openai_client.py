# SPDX-License-Identifier: Apache-2.0
"""The openai package, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone, as a user would."""

import openai

from support import TOOL_PARAMETERS, digest, read_options, report

options = read_options()
client = openai.OpenAI(max_retries=0)
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL_PARAMETERS}}]


def parameters(number):
    tools = {"tools": TOOLS} if options.tools else {}
    return {"model": options.model, "messages": [{"role": "user", "content": f"{options.prompt} #{number}"}], **tools}


def call_plain(number):
    answer = client.chat.completions.create(**parameters(number))
    message = answer.choices[0].message
    return {
        "status": 200,
        "id": answer.id,
        "text": digest((message.content or "").encode()),
        "toolCalls": [call.function.arguments for call in message.tool_calls or []],
        "usage": answer.usage.model_dump(exclude_none=True),
    }


def call_stream(number):
    seen = {"status": 200, "events": 0}
    text = ""
    with client.chat.completions.create(
        **parameters(number), stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            seen["id"] = chunk.id
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
            if chunk.usage is not None:
                seen["usage"] = chunk.usage.model_dump(exclude_none=True)
            seen["events"] += 1
            if seen["events"] == options.abort_after:
                break
    return seen | {"text": digest(text.encode())}


def call(number):
    try:
        return call_stream(number) if options.stream else call_plain(number)
    except openai.APIStatusError as error:
        return {"status": error.status_code, "error": error.code, "requestId": error.request_id}


report("python-openai", [call(number) for number in range(options.calls)])
