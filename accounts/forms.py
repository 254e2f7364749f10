"""What a person sets for themselves."""

from django import forms

from accounts.models import User


class NoticesForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("email_notices", "browser_notices")
