"""Reads a request object field by field, strictly, and knows which fields nobody asked for."""

from collections.abc import Mapping

from wgslm.errors import RequestError


class Fields:
    """A JSON object whose every field must be asked for by name and type; null is absent."""

    def __init__(self, body: Mapping[str, object], path: str = "") -> None:
        """Read `body`; `path` is what errors put before a field's name."""
        self.path = path
        self._left = {name: value for name, value in body.items() if value is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that nobody has asked for yet."""
        return tuple(self._left)

    def take(self, name: str) -> object:
        """Return a field of any type, None if it is absent, and count it as read."""
        return self._left.pop(name, None)

    def string(self, name: str) -> str | None:
        """Return a string field."""
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, value, "a string")
        return value

    def boolean(self, name: str) -> bool | None:
        """Return a true or false field."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, value, "true or false")
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole-number field; `true` is none."""
        value = self.take(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.error(name, value, "a whole number")
        return value

    def number(self, name: str) -> float | None:
        """Return a number field."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(name, value, "a number")
        if not -1e300 < value < 1e300:  # an int of 400 digits does not fit a float
            raise self.error(name, value, "a finite number")
        return float(value)

    def mapping(self, name: str) -> Mapping[str, object] | None:
        """Return an object field."""
        value = self.take(name)
        if value is not None and not isinstance(value, dict):
            raise self.error(name, value, "an object")
        return value

    def items(self, name: str) -> list[object] | None:
        """Return a list field."""
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            raise self.error(name, value, "a list")
        return value

    def ids(self, name: str) -> list[int] | None:
        """Return a list of token ids."""
        value = self.items(name)
        if value is None:
            return None
        ids = [item for item in value if isinstance(item, int) and not isinstance(item, bool)]
        if len(ids) != len(value):
            raise self.error(name, value, "a list of token ids")
        return ids

    def required(self, name: str) -> str:
        """Return a string field that must be there and not be empty."""
        value = self.string(name)
        if not value:
            raise RequestError(f"'{self.path}{name}' is missing", self.path + name)
        return value

    def finish(self, known: str = "") -> None:
        """Refuse what nobody asked for: a field that is read and ignored is a lie."""
        for name in self._left:
            hint = f"; known: {known}" if known else ""
            raise RequestError(f"unknown field '{self.path}{name}'{hint}", self.path + name)

    def error(self, name: str, value: object, wanted: str) -> RequestError:
        """Return the error that says what a field is and what it must be."""
        shown = repr(value)
        if len(shown) > 60:
            shown = shown[:57] + "..."
        return RequestError(
            f"'{self.path}{name}' is {shown}; it must be {wanted}", self.path + name
        )
