"""Forms for the settings of a user and of a team."""

import re
from typing import Any, ClassVar, Final

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.invitations import MAX_LINK_USES, invitation_of
from accounts.models import Team, User
from accounts.names import fold
from accounts.notification_kinds import KIND_TEXTS, Channel, Kind, cells
from accounts.roles import Role
from accounts.time_zones import choices, zone_of
from accounts.widgets import LongSelect

_DOMAIN: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
# of those whose addresses anybody can have, the ones with most people
_PUBLIC_DOMAINS: Final = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "yandex.com",
        "qq.com",
        "163.com",
        "126.com",
        "sina.com",
        "naver.com",
        "daum.net",
        "hey.com",
        "fastmail.com",
        "zoho.com",
        "tutanota.com",
        "orange.fr",
        "free.fr",
        "laposte.net",
        "libero.it",
        "t-online.de",
        "comcast.net",
        "verizon.net",
        "att.net",
        "rediffmail.com",
        "uol.com.br",
        "bol.com.br",
        "wp.pl",
        "o2.pl",
        "seznam.cz",
    ]
)


class SignupForm(AllauthSignupForm):  # type: ignore[misc]  # allauth is untyped
    """Holds the address that was invited. It can be changed, but not where that address alone may sign up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        invitation = invitation_of(context.request)
        if invitation is None or not invitation.email:
            return
        self.initial.setdefault("email", invitation.email)
        if settings.SIGN_UP == "invite":
            self.fields["email"].widget.attrs["readonly"] = True


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    name = forms.CharField(
        label=_("Name"), required=False, help_text=_("To tell your passkeys apart, such as “Work laptop”.")
    )
    passwordless = forms.BooleanField(
        label=_("Sign in with this passkey alone"),
        required=False,
        initial=True,
        help_text=_(
            "No password is asked for: your fingerprint, your face or the device’s PIN shows that it is you. Without "
            "this, the passkey is asked for after your password."
        ),
    )
    field_order = ("name", "passwordless", "credential")


class NotificationsForm(forms.Form):
    """A switch for each kind and channel, such as `order_email`."""

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        for kind, channel in cells():
            label = f"{kind.label}: {channel.label}"
            field = forms.BooleanField(label=label, required=False, initial=person.wants(kind, channel))
            field.widget.attrs["aria-label"] = label
            self.fields[f"{kind}_{channel}"] = field

    def rows(self) -> list[tuple[Kind, Any, list[Any]]]:
        """A kind, what it is about, and its switch in each channel; None where it has none."""
        names = [(kind, [f"{kind}_{channel}" for channel in Channel]) for kind in Kind]
        return [
            (kind, KIND_TEXTS[kind], [self[name] if name in self.fields else None for name in cell])
            for kind, cell in names
        ]

    def save(self) -> None:
        settings: dict[str, dict[str, bool]] = {}
        for kind, channel in cells():
            settings.setdefault(kind, {})[channel] = self.cleaned_data[f"{kind}_{channel}"]
        User.objects.filter(pk=self.person.pk).update(notification_settings=settings)


class SettingsForm(forms.ModelForm[User]):
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, widget=LongSelect(attrs={"class": "input"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        browsers = zone_of(User(), self.instance.browser_zone).key.replace("_", " ")
        as_browser = _("From the browser (%s)") % browsers
        self.fields["time_zone"].choices = [("", as_browser), *choices()]  # type: ignore[attr-defined]

    class Meta:
        model = User
        fields = ("name", "theme", "time_zone")
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
            "theme": forms.RadioSelect,
        }


class TeamForm(forms.ModelForm[Team]):
    class Meta:
        model = Team
        fields = ("name",)
        widgets: ClassVar = {"name": forms.TextInput(attrs={"dir": "auto", "autocomplete": "organization"})}

    def clean_name(self) -> str:
        name = fold(str(self.cleaned_data["name"]))
        if not name:
            raise forms.ValidationError(_("Nothing of this name can be seen. Choose another one."))
        return name


class TeamSettingsForm(TeamForm):
    class Meta(TeamForm.Meta):
        fields = ("name", "is_private")  # type: ignore[assignment]  # one more than to found it


class _RoleForm(forms.Form):
    """Offers the roles that the person may give."""

    role = forms.ChoiceField(label=_("Role"), choices=Role, initial=Role.MEMBER)

    def __init__(self, *args: Any, may_own: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        offered = [choice for choice in Role.choices if may_own or choice[0] != Role.OWNER]
        self.fields["role"].choices = offered  # type: ignore[attr-defined]  # a field of choices


class InvitationForm(_RoleForm):
    email = forms.EmailField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role")


class DomainsForm(forms.Form):
    """Domains with commas or spaces between them; `value` is the list."""

    domains = forms.CharField(
        label=_("Email domains"),
        required=False,
        max_length=1000,
        help_text=_(
            "Such as example.com, example.org. Anyone with an address there can join as a member. "
            "You can add a domain in which you have a verified address."
        ),
    )

    def __init__(self, data: Any = None, *, team: Team, by: User) -> None:
        super().__init__(data, initial={"domains": ", ".join(team.domains)})
        verified = EmailAddress.objects.filter(user=by, verified=True).values_list("email", flat=True)
        self.allowed = {*team.domains, *(email.rpartition("@")[2].lower() for email in verified)}

    def clean_domains(self) -> list[str]:
        domains = [one.removeprefix("@") for one in self.cleaned_data["domains"].lower().replace(",", " ").split()]
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise forms.ValidationError(_("%s is not a domain.") % domain)
            if domain in _PUBLIC_DOMAINS:
                raise forms.ValidationError(_("Anybody can have an address at %s.") % domain)
            if domain not in self.allowed:
                message = _("You have no verified address at %s. Add one to your account first.")
                raise forms.ValidationError(message % domain)
        return list(dict.fromkeys(domains))


class LinkForm(_RoleForm):
    uses = forms.IntegerField(label=_("Number of people"), min_value=1, max_value=MAX_LINK_USES, initial=5)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="link-%s", **kwargs)


class LimitForm(forms.Form):
    """A month's limit in dollars; empty is none."""

    limit = forms.DecimalField(
        label=_("Monthly limit ($)"),
        required=False,
        min_value=0,
        max_digits=9,
        decimal_places=2,
        help_text=_("Blank for none."),
    )

    @property
    def cents(self) -> int | None:
        limit = self.cleaned_data["limit"]
        return None if limit is None else int(limit * 100)


class ApprovalForm(LimitForm):
    """An amount in dollars; empty is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["limit"].label = _("Approval threshold ($)")
        self.fields["limit"].help_text = _("Blank for none.")
