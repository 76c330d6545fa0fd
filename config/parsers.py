"""How the API reads bodies."""

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from earnings import storable


class StorableJSONParser(JSONParser):
    """JSON whose every value can be stored; anything else is refused by its pointer before a view sees it."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            data = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - it is nested too deeply.") from None
        storable.check(data)
        return data
