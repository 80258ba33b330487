"""hack/judged_fields.py, which is a script of the checkout, as a module."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load() -> ModuleType:
    """Return the script as a module."""
    path = Path(__file__).parents[2] / "hack" / "judged_fields.py"
    spec = importlib.util.spec_from_file_location("judged_fields", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["judged_fields"] = module  # its dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


judged_fields = load()
