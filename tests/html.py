"""What a page says in HTML, without a browser."""

import re
from html.parser import HTMLParser


class _Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.named: set[str] = set()  # by labels and descriptions

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in {"for", "aria-labelledby", "aria-describedby"}:
                self.named.update((value or "").split())


def id_faults(page: str) -> list[str]:
    """Ids that two elements have, and ids that are named and not there."""
    parser = _Ids()
    parser.feed(page)
    twice = [f"{one} twice" for one in sorted(set(parser.ids)) if parser.ids.count(one) > 1]
    return twice + [f"{one} is named and not there" for one in sorted(parser.named - set(parser.ids))]


def text_of(page: str) -> str:
    """What people read of it, on one line."""
    visible = re.sub(r"(?s)<(script|style|head)\b.*?</\1>|<[^>]+>", " ", page)
    return " ".join(visible.split())
