"""A message whose code was there when it was written, and is not any more."""

import sys
from types import ModuleType

from django_q.signing import SignedPackage


def message(name="a_module_that_was_removed"):
    """A signed django-q2 message as a newer or older version of the site might have written it."""
    module = ModuleType(name)
    exec("def job():\n    pass\n", module.__dict__)
    sys.modules[name] = module
    try:
        package = {"id": "0" * 32, "name": "gone", "func": module.job, "args": (), "kwargs": {}}
        return SignedPackage.dumps(package)
    finally:
        del sys.modules[name]
