"""Write docs/openapi.json anew: `python -m tests.api.v1.keep_document`."""

import json
from pathlib import Path

from tests.environment import prepare

if __name__ == "__main__":
    prepare()
    import django

    django.setup()
    from api.v1.openapi import document

    kept = Path("docs/openapi.json")
    kept.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n")
