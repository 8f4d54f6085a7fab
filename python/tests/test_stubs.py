"""The stubs of the native module say what it has."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import argondb
from argondb import _argondb


def stubs() -> dict[str, dict[str, list[str] | None]]:
    """The members of each class, with the names of their parameters; ``None`` for a property."""
    text = (Path(argondb.__file__).parent / "_argondb.pyi").read_text()
    classes: dict[str, dict[str, list[str] | None]] = {}
    for of in ast.parse(text).body:
        if isinstance(of, ast.ClassDef):
            members = classes.setdefault(of.name, {})
            for member in of.body:
                assert isinstance(member, ast.FunctionDef)
                arguments = [*member.args.args, *member.args.kwonlyargs]
                names = [argument.arg for argument in arguments][1:]
                members[member.name] = None if member.decorator_list else names
    return classes


def test_the_stubs_have_the_classes_and_members_of_the_module() -> None:
    native = {name: of for name, of in vars(_argondb).items() if inspect.isclass(of)}
    assert set(stubs()) == set(native)
    for name, of in native.items():
        members = {member for member in vars(of) if not member.startswith("_")}
        assert members == set(stubs()[name]) - {"__new__"}, name


def test_the_stubs_have_the_parameters_of_the_module() -> None:
    for name, members in stubs().items():
        of = getattr(_argondb, name)
        for member, parameters in members.items():
            if parameters is None:
                assert inspect.isgetsetdescriptor(vars(of)[member])
                continue
            signature = inspect.signature(of if member == "__new__" else getattr(of, member))
            found = [parameter for parameter in signature.parameters if parameter != "self"]
            assert found == parameters, f"{name}.{member}"
