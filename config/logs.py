"""Log lines, each with the request that it was written for."""

import json
import logging
from contextvars import ContextVar

NO_REQUEST = "-"
request_id = ContextVar("request_id", default=NO_REQUEST)


class RequestId(logging.Filter):
    """Puts the id of the request that is being answered on every line; `-` where there is none."""

    def filter(self, record):
        record.request_id = request_id.get()
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and, where there are any, request and traceback.

    A line written with `extra={"fields": {...}}` has these as fields of its own.
    """

    def format(self, record):
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if getattr(record, "request_id", NO_REQUEST) != NO_REQUEST:
            line["request_id"] = record.request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
