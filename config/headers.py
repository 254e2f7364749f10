"""Headers that every response carries, also one that is refused before it reaches a view."""

from typing import Final

from django.conf import settings

_DENIED_FEATURES: Final = (
    *("accelerometer", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
_OWN_FEATURES: Final = (
    *("autoplay", "clipboard-write", "fullscreen", "picture-in-picture"),
    *("publickey-credentials-create", "publickey-credentials-get"),
)
PERMISSIONS: Final = ", ".join(
    [*(f"{name}=()" for name in _DENIED_FEATURES), *(f"{name}=(self)" for name in _OWN_FEATURES)]
)


def common_headers() -> dict[str, str]:
    """HSTS also where the proxy in front does not say that it is https: it goes by SITE_URL."""
    headers = {
        "Permissions-Policy": PERMISSIONS,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
    }
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return headers
