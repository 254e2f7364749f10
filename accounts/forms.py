"""What a person sets for themselves."""

from typing import ClassVar

from django import forms

from accounts.models import User


class NoticesForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("email_notices", "browser_notices")


class SettingsForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("name", "theme")
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
            "theme": forms.RadioSelect,
        }
