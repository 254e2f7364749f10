"""The code to take along says exactly what was asked for, whatever is in the texts."""

import ast
import json
import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest

from generations.fal import snippets
from generations.fal.arguments import Endpoint, parse, to_json

_NASTY = [
    "A fox",
    """It's "quoted" \\ and `run` $(rm -rf /) ${HOME} !! %s {0}""",
    "two\nlines\r\n\tand a tab, and '''three''' and \"\"\"three\"\"\"",
    "family 👨‍👩‍👧 flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ünï 雪 שלום",
    "turned \u202e round \u2028 and \u0085 ends",
    "</script><!-- @file",
]


def asked(endpoint: Endpoint, prompt: str) -> dict[str, Any]:
    values: dict[str, Any] = {"prompt": prompt, "negative_prompt": prompt, "duration": 10, "cfg_scale": 0.35}
    pictures = {"image_url": snippets.START_PLACEHOLDER, "tail_image_url": snippets.END_PLACEHOLDER}
    more = {"aspect_ratio": "9:16"} if endpoint == Endpoint.TEXT_TO_VIDEO else pictures
    return to_json(parse(endpoint, values | more))


everything = pytest.mark.parametrize("endpoint", Endpoint)
nasty = pytest.mark.parametrize("prompt", _NASTY)


@everything
@nasty
def test_curl_sends_these_arguments(endpoint: Endpoint, prompt: str) -> None:
    values = asked(endpoint, prompt)
    words = [word.strip() for word in shlex.split(snippets.curl(endpoint, values))]

    assert json.loads(words[words.index("--data") + 1]) == values
    assert words[words.index("--url") + 1] == f"https://queue.fal.run/{endpoint.value}"


@nasty
def test_a_real_shell_reads_curl_the_same(prompt: str) -> None:
    values = asked(Endpoint.TEXT_TO_VIDEO, prompt)
    script = "curl() { printf '%s\\0' \"$@\"; }\n" + snippets.curl(Endpoint.TEXT_TO_VIDEO, values)
    shell = ["bash", "-c", script]
    said = subprocess.run(shell, env={"FAL_KEY": "a:b"}, capture_output=True, check=True).stdout.decode().split("\0")

    assert "Authorization: Key a:b" in said
    assert json.loads(said[said.index("--data") + 1]) == values


@everything
@nasty
def test_python_calls_with_these_arguments(endpoint: Endpoint, prompt: str) -> None:
    values = asked(endpoint, prompt)
    tree = ast.parse(snippets.python(endpoint, values))
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.keywords)

    assert ast.unparse(call.func) == "fal_client.subscribe"
    assert ast.literal_eval(call.args[0]) == endpoint.value
    assert {word.arg: ast.literal_eval(word.value) for word in call.keywords} == {"arguments": values}


@everything
@nasty
def test_javascript_subscribes_with_these_arguments(endpoint: Endpoint, prompt: str) -> None:
    values = asked(endpoint, prompt)
    found = re.search(
        r'fal\.subscribe\("(.+?)", \{\n  input: (.*),\n\}\);', snippets.javascript(endpoint, values), re.S
    )

    assert found
    assert (found[1], json.loads(found[2])) == (endpoint.value, values)


@pytest.mark.skipif(not shutil.which("node"), reason="There is no node here")
def test_node_reads_javascript_the_same() -> None:
    values = asked(Endpoint.IMAGE_TO_VIDEO, "\n".join(_NASTY))
    code = snippets.javascript(Endpoint.IMAGE_TO_VIDEO, values).split("\n", 1)[1]
    fake = "const fal = { subscribe: async (_, { input }) => (console.log(JSON.stringify(input)), "
    fake += '{ data: { video: { url: "" } } }) };\n'
    node = ["node", "--input-type=module", "-e", fake + code]
    said = subprocess.run(node, capture_output=True, check=True).stdout.decode()

    assert json.loads(said.split("\n", 1)[0]) == values


@pytest.mark.parametrize("language", [snippets.curl, snippets.python, snippets.javascript])
def test_nothing_in_the_code_is_hidden(language: Any) -> None:
    code = language(Endpoint.TEXT_TO_VIDEO, asked(Endpoint.TEXT_TO_VIDEO, _NASTY[4]))

    assert all(char.isprintable() or char == "\n" for char in code)
    assert "ünï 雪" in language(Endpoint.TEXT_TO_VIDEO, asked(Endpoint.TEXT_TO_VIDEO, _NASTY[3]))
