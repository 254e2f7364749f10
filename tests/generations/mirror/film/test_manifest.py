"""The XMP of a film can be read, whatever is written in its name and in the certificates of its parts."""

from uuid import UUID
from xml.etree import ElementTree

import pytest

from generations.mirror.film.manifest import Ingredient, manifest_box

_BOX = 24  # bytes: size, type, and the UUID of XMP
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_STUDIO = "{urn:kling-studio:film}"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Spring", "Spring"),
        ("\"A\" & 'B' <c>]]>", "\"A\" & 'B' <c>]]>"),
        ("Füchse 狐 🦊 \U0010ffff", "Füchse 狐 🦊 \U0010ffff"),
        ("two\nlines\tand\rmore", "two\nlines\tand\rmore"),
        ("a\ufffeb\uffffc", "abc"),
        ("a\x01b\x1fc\x0bd", "abcd"),
        ("a\ud800b", "ab"),
        ("\x7f\x85", "\x7f\x85"),
        ("&#0; &#xFFFE;", "&#0; &#xFFFE;"),
    ],
    ids=ascii,
)
def test_any_text_is_read_back(text: str, read: str) -> None:
    box = manifest_box("urn:film", text, [Ingredient("urn:part", "0" * 64, "valid", issuer=text)])
    assert (box[4:8], UUID(bytes=box[8:_BOX])) == (b"uuid", UUID("be7acfcb-97a9-42e8-9c71-999491e3afac"))
    root = ElementTree.fromstring(box[_BOX:].decode())
    [label] = [one.attrib[f"{_XMP}Label"] for one in root.iter() if f"{_XMP}Label" in one.attrib]
    name = f"{_STUDIO}credentialsIssuer"
    [issuer] = [one.attrib[name] for one in root.iter() if name in one.attrib]
    assert (label, issuer) == (read, read)
