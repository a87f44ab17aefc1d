"""Handlers of the internal commands that a router sends: transactions, holds, watches."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
