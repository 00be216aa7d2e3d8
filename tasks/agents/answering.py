"""Whether a model's text is the answer that was asked for; every schema is checked here, by code.

Routes may claim to keep a schema, and don't always.
"""

import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from semantic_layer.errors import AnopsError

Answer = TypeVar("Answer", bound=BaseModel)
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
_MOST_ERRORS = 5


class WrongAnswerError(AnopsError):
    """A model's answer does not keep the schema; the sentence says where, and can be told it."""


def answer_of(text: str, model: type[Answer]) -> Answer:
    """Return the typed answer in a model's text, which may stand in a fence of Markdown.

    Raises:
        WrongAnswerError: it is no JSON, or breaks the schema.
    """
    fenced = _FENCE.match(text)
    try:
        return model.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as error:
        raise WrongAnswerError(f"{told_of(error)} Answer with JSON of the schema only.") from error


def told_of(error: ValidationError) -> str:
    """Return what is wrong in a sentence, without repeating the values that were given."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    told = "; ".join(
        f"{'.'.join(map(str, detail['loc'])) or 'answer'}: {detail['msg']}"
        for detail in details[:_MOST_ERRORS]
    )
    return f"{told}."
