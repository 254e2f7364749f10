"""Bodies whose prompts have variables: each combination of values is a body of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from api.v1.problems import ProblemDetail, invalid, of_body
from api.v1.schemas.generation import GenerationIn
from generations.fal.arguments import is_visible
from generations.forms import MAX_LINES
from generations.prompt_fields import MAX_VARIABLES
from generations.prompt_variables import Variable, combinations, count_combinations, fill, variables_of


@dataclass(frozen=True, slots=True)
class Filled:
    """A body without variables. `place` is where it stands in what was sent, with a slash at the end, or blank."""

    body: GenerationIn
    place: str


def fill_in(bodies: Sequence[GenerationIn], at: str) -> list[Filled]:
    """`at` is where the list of them stands in the body; blank: it is the one body. Raises a 422 with all problems."""
    placed = [Filled(body, f"{at}/{number}/" if at else "") for number, body in enumerate(bodies)]
    wrong = [problem for one in placed for problem in _problems(one)]
    if wrong:
        raise invalid(wrong)
    videos = sum(_count(one.body) for one in placed)
    if videos > MAX_LINES:
        numbers = {"videos": videos, "most": MAX_LINES}
        words = _("With these variables the order makes %(videos)d videos; it may make %(most)d at most.") % numbers
        raise invalid([of_body(at or "variables", words)])
    return [filled for one in placed for filled in _combine(one)]


def _variables(body: GenerationIn) -> list[Variable]:
    return variables_of(body.prompt, body.negative_prompt) if body.variables is not None else []


def _values(body: GenerationIn) -> dict[str, list[str]]:
    """Each value once; a list of choices that is left out is taken whole."""
    given = body.variables or {}
    return {one.name: list(dict.fromkeys(given.get(one.name, one.choices))) for one in _variables(body)}


def _count(body: GenerationIn) -> int:
    values = _values(body)
    return count_combinations(list(values), values)


def _combine(one: Filled) -> Iterator[Filled]:
    body, values = one.body, _values(one.body)
    if body.variables is None:
        yield one
        return
    for combination in combinations(list(values), values):
        texts = {"prompt": fill(body.prompt, combination), "negative_prompt": fill(body.negative_prompt, combination)}
        yield Filled(body.model_copy(update=texts | {"variables": None}), one.place)


def _problems(one: Filled) -> Iterator[ProblemDetail]:
    variables, given = _variables(one.body), one.body.variables or {}
    if len(variables) > MAX_VARIABLES:
        numbers = {"found": len(variables), "most": MAX_VARIABLES}
        yield of_body(f"{one.place}prompt", _("There are %(found)d variables; use at most %(most)d.") % numbers)
    for name in given.keys() - {each.name for each in variables}:
        yield of_body(_pointer(one, name), _("The prompts have no variable of this name."))
    for variable in variables:
        values = given.get(variable.name, variable.choices)
        if not values or not all(map(is_visible, values)):
            yield of_body(_pointer(one, variable.name), _("Give it at least one value, and none that is blank."))
        elif variable.choices and not {*values} <= {*variable.choices}:
            words = _("Choose from %s.") % ", ".join(variable.choices)
            yield of_body(_pointer(one, variable.name), words)


def _pointer(one: Filled, name: str) -> str:
    return f"{one.place}variables/{name.replace('~', '~0').replace('/', '~1')}"
