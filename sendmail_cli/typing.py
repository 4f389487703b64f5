"""`NamedTuple` and `TYPE_CHECKING`, at less than `typing` costs a process that lives for the time of one mail.

`typing.NamedTuple` compiles a constructor for each class: 0.15 ms, and 12 ms of a cold start as sendmail(1). Here it is
one that was compiled with this module, given the class's own names: 0.01 ms. For mypy it is the real one, so what that
forbids is found there. Fields need `from __future__ import annotations`.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # what namedtuple takes for its fields

__all__ = ["TYPE_CHECKING", "NamedTuple", "Protocol"]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NamedTuple, Protocol
else:
    _new = tuple.__new__

    # By the number of fields. The bytecode knows its arguments by their place, so they can be given other names.
    _CONSTRUCTORS = (
        lambda _cls: _new(_cls, ()),
        lambda _cls, a: _new(_cls, (a,)),
        lambda _cls, a, b: _new(_cls, (a, b)),
        lambda _cls, a, b, c: _new(_cls, (a, b, c)),
        lambda _cls, a, b, c, d: _new(_cls, (a, b, c, d)),
        lambda _cls, a, b, c, d, e: _new(_cls, (a, b, c, d, e)),
        lambda _cls, a, b, c, d, e, f: _new(_cls, (a, b, c, d, e, f)),
        lambda _cls, a, b, c, d, e, f, g: _new(_cls, (a, b, c, d, e, f, g)),
        lambda _cls, a, b, c, d, e, f, g, h: _new(_cls, (a, b, c, d, e, f, g, h)),
        lambda _cls, a, b, c, d, e, f, g, h, i: _new(_cls, (a, b, c, d, e, f, g, h, i)),
    )
    # For more fields it is the same for any number, at some 50 ns for each field.
    _LARGE_CONSTRUCTOR = lambda _cls: _new(_cls, tuple(locals().values())[1:])  # noqa: E731
    _FUNCTION = type(_LARGE_CONSTRUCTOR)

    def _constructor(name, fields, defaults):
        count = len(fields)
        template = _CONSTRUCTORS[count] if count < len(_CONSTRUCTORS) else _LARGE_CONSTRUCTOR
        code = template.__code__.replace(
            co_name="__new__",
            co_qualname=f"{name}.__new__",
            co_argcount=1 + count,
            co_nlocals=1 + count,
            co_varnames=("_cls", *fields),
        )
        return _FUNCTION(code, globals(), "__new__", tuple(defaults.values()))

    def _make(cls, values):
        made = _new(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, /, **changes):
        made = _new(type(self), map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"Got unexpected field names: {list(changes)!r}")
        return made

    def _plain(self):
        return tuple(self)

    def _asdict(self):
        return dict(zip(self._fields, self, strict=True))

    def _repr(self):
        fields = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({', '.join(fields)})"

    _SHARED = {
        "__slots__": (),
        "__repr__": _repr,
        "__getnewargs__": _plain,
        "_make": classmethod(_make),
        "_replace": _replace,
        "__replace__": _replace,  # of copy.replace, from Python 3.13 on
        "_asdict": _asdict,
    }

    class _Maker(type):
        """Makes what stands under `class X(NamedTuple)` an ordinary subclass of `tuple`."""

        def __new__(cls, name, _bases, body):
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}
            members = {
                **_SHARED,
                **body,
                "__new__": _constructor(body["__qualname__"], fields, defaults),
                "__match_args__": fields,
                "_fields": fields,
                "_field_defaults": defaults,
            }
            for place, field in enumerate(fields):
                members[field] = _tuplegetter(place, None)
            return type(name, (tuple,), members)

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})

    class Protocol:
        """A class that only describes; nothing asks for more at run time."""
