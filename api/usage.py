"""A team's usage by the key that ordered."""

from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from generations.billing.usage import Part

BY_KEY: Final = Part("key", _("By API key"), ("api_request__key", "api_request__key__name"), _("No key"), UUID)
