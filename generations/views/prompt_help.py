"""The composer's help with a prompt: a language model rewrites it when its writer asks for that."""

import asyncio
from functools import partial

from allauth.core import ratelimit
from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from config.server.later import LaterResponse
from generations import language_model
from generations.fal.arguments import MAX_PROMPT_CHARACTERS
from generations.language_model import LanguageModelError, Rewriting


class RewriteForm(forms.Form):
    prompt = forms.CharField(
        max_length=MAX_PROMPT_CHARACTERS,
        error_messages={
            "required": _("Write a prompt first."),
            "max_length": _("A prompt has at most %(limit_value)d characters; this one has %(show_value)d."),
        },
    )
    rewriting = forms.ChoiceField(choices=Rewriting)


@require_POST
@login_required
def rewrite_prompt(request: AuthenticatedHttpRequest) -> HttpResponse:
    """JSON: `prompt` as rewritten, or `error`. No thread waits for the model meanwhile."""
    if not language_model.is_offered() or not rights_of(request.user).teams_where_may(Action.GENERATE):
        raise PermissionDenied
    form = RewriteForm(request.POST)
    if not form.is_valid():
        return _error(str(next(iter(form.errors.values()))[0]), 422)
    if not ratelimit.consume(request, action="rewrite_prompt", user=request.user):
        return _error(_("You have asked 20 times within a minute. Wait a minute, then ask again."), 429)
    return LaterResponse(partial(_rewritten, form.cleaned_data["prompt"], Rewriting(form.cleaned_data["rewriting"])))


async def _rewritten(prompt: str, rewriting: Rewriting) -> HttpResponse:
    try:
        async with asyncio.timeout(language_model.DEADLINE):
            return JsonResponse({"prompt": await language_model.rewrite(prompt, rewriting)})
    except LanguageModelError as error:
        return _error(str(error), 502)
    except TimeoutError:
        return _error(_("%s took too long to answer. Try again in a moment.") % language_model.host(), 504)


def _error(words: str, status: int) -> JsonResponse:
    return JsonResponse({"error": words}, status=status)
