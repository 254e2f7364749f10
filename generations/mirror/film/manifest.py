"""What a film says of itself: the videos it was made of, as XMP's `Ingredients` (ISO 16684-1), in a box of the file.

The marks of the parts (C2PA) cover their files byte by byte and can't go along; each is named with what they said.
"""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from xml.sax.saxutils import quoteattr

from generations.mirror.film.boxes import box

_XMP: Final = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes  # of XMP in an MP4 (ISO 16684-3)
_NO_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # production 2 of XML 1.0
_AI: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One part: its id in the studio, the hash of its file, and what its own Content Credentials said."""

    document: str
    sha256: str
    credentials: str = ""  # valid, invalid, or empty
    issuer: str = ""


def manifest_box(document: str, title: str, ingredients: list[Ingredient]) -> bytes:
    return box(b"uuid", _XMP, _packet(document, title, ingredients).encode())


def _packet(document: str, title: str, ingredients: list[Ingredient]) -> str:
    rows = "".join(
        f"<rdf:li stRef:documentID={_attribute(one.document)} stRef:instanceID={_attribute('sha256:' + one.sha256)}"
        f" stRef:originalDocumentID={_attribute(one.document)} studio:contentCredentials={_attribute(one.credentials)}"
        f" studio:credentialsIssuer={_attribute(one.issuer)}/>"
        for one in ingredients
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:studio="urn:kling-studio:film"'
        f" xmpMM:DocumentID={_attribute(document)} xmp:Label={_attribute(title)}"
        f' xmp:CreatorTool="Kling Studio" Iptc4xmpExt:DigitalSourceType="{_AI}">'
        f"<xmpMM:Ingredients><rdf:Bag>{rows}</rdf:Bag></xmpMM:Ingredients>"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )


def _attribute(text: str) -> str:
    """In quotation marks, without characters that no XML may hold, however written."""
    return quoteattr(_NO_XML.sub("", text))
