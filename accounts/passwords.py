"""A validator for passwords that are easy to guess, besides Django's own."""

from django.contrib.auth.password_validation import NumericPasswordValidator

from accounts.models import User


class DigitsPasswordValidator(NumericPasswordValidator):
    """Digits alone are dates, telephone numbers and PINs, with dashes, dots or spaces between them as without."""

    def validate(self, password: str, user: User | None = None) -> None:
        super().validate("".join(character for character in password if character.isalnum()), user)
