"""One request as code for a shell, for Python and for JavaScript.

Texts are data here: each is quoted by the rules of the language that it lands in, and characters that do not show
(such as those that turn the direction of writing) are escaped, so that the code is what it looks like.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Final

from generations.fal.arguments import Endpoint

Values = Mapping[str, str | float]  # a request's body, as `arguments.to_json` gives it

START_PLACEHOLDER: Final = "https://…/start.jpg"
END_PLACEHOLDER: Final = "https://…/end.jpg"

_QUEUE: Final = "https://queue.fal.run"


def curl(endpoint: Endpoint, values: Values) -> str:
    """Puts the request into fal's queue; the key is read from the environment."""
    return (
        "curl --request POST \\\n"
        f"  --url {_QUEUE}/{endpoint.value} \\\n"
        '  --header "Authorization: Key $FAL_KEY" \\\n'
        '  --header "Content-Type: application/json" \\\n'
        f"  --data {shlex.quote(_json(values))}"
    )


def python(endpoint: Endpoint, values: Values) -> str:
    """For fal's own package `fal-client`, which reads FAL_KEY from the environment."""
    lines = "".join(f"        {name!r}: {value!r},\n" for name, value in values.items())
    return (
        "import fal_client\n\n"
        "result = fal_client.subscribe(\n"
        f"    {endpoint.value!r},\n"
        f"    arguments={{\n{lines}    }},\n"
        ")\n"
        'print(result["video"]["url"])'
    )


def javascript(endpoint: Endpoint, values: Values) -> str:
    """For fal's own package `@fal-ai/client`, which reads FAL_KEY from the environment."""
    body = _json(values).replace("\n", "\n  ")
    return (
        'import { fal } from "@fal-ai/client";\n\n'
        f"const result = await fal.subscribe({json.dumps(endpoint.value)}, {{\n"
        f"  input: {body},\n"
        "});\n"
        "console.log(result.data.video.url);"
    )


def _json(values: Values) -> str:
    """JSON that reads well: only what does not show is escaped. Line ends of texts are escaped by JSON itself."""
    text = json.dumps(dict(values), ensure_ascii=False, indent=2)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
