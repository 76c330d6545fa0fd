"""Recipes: the code that makes what a client ordered, one file for each kind of deliverable.

A gig names its recipe by key. Recipes that need nothing but the brief live here; those that read catalogs
live in the storefront and register themselves at start, so that the agency knows no product.
"""

import base64
import binascii
from dataclasses import dataclass, field

from agency.workflows import NewArtifact
from earnings.refusals import Refusal


@dataclass(frozen=True)
class Made:
    """What a recipe made: the client's files, and the JSON facts that it measured while making them."""

    artifacts: list[NewArtifact]
    facts: dict = field(default_factory=dict)


class Recipe:
    """Makes one kind of deliverable from a client's brief, the same files for the same brief.

    `requirements` is what the brief must say, in the form of `Gig.requirements`:
    `{"name", "label", "required", "help"}`.
    """

    key = ""
    title = ""
    requirements: tuple[dict, ...] = ()

    def problems(self, brief) -> list[dict]:
        """What is wrong with the brief's values: `[{"pointer": "/brief/color", "detail": "..."}]`.

        Asked before the work starts, so it is quick; fields that are missing are found without it.
        """
        return []

    def make(self, brief: dict, *, tier: str, work, write) -> Made:
        """Make the files of a `tier` ("basic", "standard", "premium") package.

        `work.progress(done, total, message)` is called between items of long work. `write(purpose, prompt,
        facts, fallback) -> str` asks the Chimera Engine for words. Raises `Refusal` (422, pointers under
        `/brief/`) when the brief turns out to be unusable: the order then waits for a better one.
        """
        raise NotImplementedError


_registry: dict[str, Recipe] = {}


def register(recipe_class):
    """Class decorator: make the recipe known under its key."""
    recipe = recipe_class()
    if recipe.key in _registry and type(_registry[recipe.key]) is not recipe_class:
        raise ValueError(f"two recipes are called {recipe.key}")
    _registry[recipe.key] = recipe
    return recipe_class


def get(key):
    """The recipe called `key`, or None: then the work is made by hand."""
    return _registry.get(key)


def every():
    """All recipes, in the order of their keys."""
    return [recipe for _, recipe in sorted(_registry.items())]


def brief_file(brief, name) -> tuple[str, bytes]:
    """The file that a brief carries in field `name`, as (file name, bytes).

    JSON has no files, so the field is the text itself, `{"name", "text"}`, or `{"name", "base64"}` where the
    bytes matter (encodings). Raises `Refusal` (422) naming the field when it is none of these.
    """
    value = brief.get(name)
    if isinstance(value, str) and value:
        return f"{name}.txt", value.encode()
    if isinstance(value, dict):
        file_name = str(value.get("name") or f"{name}.txt")[:120]
        if isinstance(value.get("text"), str):
            return file_name, value["text"].encode()
        if isinstance(value.get("base64"), str):
            try:
                return file_name, base64.b64decode(value["base64"], validate=True)
            except (binascii.Error, ValueError):
                raise Refusal.of_field(f"/brief/{name}/base64", "This is not base64.") from None
    raise Refusal.of_field(f"/brief/{name}", 'A file is its text, {"name", "text"} or {"name", "base64"}.')


from agency.recipes import thumbnail  # noqa: E402, F401  it registers itself, and needs what stands above
