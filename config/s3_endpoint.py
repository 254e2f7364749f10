"""Read AWS_S3_ENDPOINT_URL: AWS under any of its names, or another provider's S3.

AWS' own names only say which region and which network is meant. botocore makes the bucket's URL from these, in the
region itself: AWS' global host knows no region that was opened since 2019, and redirects a PUT for others.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.config import Config

DEFAULT_REGION: Final = "us-east-1"

_AWS: Final = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?P<fips>-fips)?(?P<fast>-accelerate)?(?P<dual>\.dualstack)?"
    r"(?:[.-](?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d+))?(?:-external-1)?\.amazonaws\.(?:com|com\.cn|eu)"
)
# providers whose host names contain the region
_REGION_IN_NAME: Final = re.compile(r"s3[.-](?P<region>[a-z]{2,}-[a-z]+-\d+|[a-z]{2}-[a-z]{3}(?=\.scw\.cloud$))\..+")
_REGION_BY_PROVIDER: Final = {".r2.cloudflarestorage.com": "auto"}
_ONLY_VIRTUAL: Final = (".aliyuncs.com", ".myqcloud.com", ".volces.com")  # they refuse the bucket's name in the path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` is None for AWS, where botocore knows the host; `region` is empty where the address doesn't tell it."""

    url: str | None = None
    region: str = ""
    is_fips: bool | None = None  # None leaves it to AWS_USE_FIPS_ENDPOINT, and the next to AWS_USE_DUALSTACK_ENDPOINT
    is_dualstack: bool | None = None
    is_accelerated: bool = False
    style: str = "virtual"

    def config(self, **options: Any) -> Config:
        """botocore's settings for this address; `options` are those that have nothing to do with it."""
        ours: dict[str, Any] = {
            "signature_version": "s3v4",
            "s3": {
                "addressing_style": self.style,
                "us_east_1_regional_endpoint": "regional",
                "use_accelerate_endpoint": self.is_accelerated,
            },
            "use_fips_endpoint": self.is_fips,
            "use_dualstack_endpoint": self.is_dualstack,
            "ignore_configured_endpoint_urls": True,
        }
        return Config(**ours, **options)


def endpoint(url: str, bucket: str = "") -> Endpoint:
    """Reads an address, blank for AWS; the bucket's name in it is left out, since botocore puts it there."""
    if not url:
        return Endpoint()
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if found := _AWS.fullmatch(host):
        return Endpoint(
            region=found["region"] or "",
            is_fips=True if found["fips"] else None,
            is_dualstack=True if found["dual"] else None,
            is_accelerated=bool(found["fast"]),
        )
    return _other_provider_endpoint(_strip_bucket(url, bucket))


def _other_provider_endpoint(url: str) -> Endpoint:
    """AWS' variants make no sense there, and botocore refuses them together with an address."""
    host = (urlsplit(url).hostname or "").lower()
    found = _REGION_IN_NAME.fullmatch(host)
    by_maker = next((region for ending, region in _REGION_BY_PROVIDER.items() if host.endswith(ending)), "")
    style = "virtual" if host.endswith(_ONLY_VIRTUAL) else "path"
    return Endpoint(url, found["region"] if found else by_maker, is_fips=False, is_dualstack=False, style=style)


def _strip_bucket(url: str, bucket: str) -> str:
    """`https://bucket.host` and `https://host/bucket` without the bucket."""
    parts = urlsplit(url)
    if bucket and (parts.hostname or "").startswith(f"{bucket.lower()}."):
        parts = parts._replace(netloc=parts.netloc[len(bucket) + 1 :])
    if bucket and parts.path.rstrip("/").endswith(f"/{bucket}"):
        parts = parts._replace(path=parts.path.rstrip("/").removesuffix(f"/{bucket}"))
    return parts.geturl().rstrip("/")
