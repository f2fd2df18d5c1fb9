"""From a file in SCL to a spec: all that is wrong with it in one go, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Mistake, ScriptError, SourceError, SpecError, nearest
from ..fields import Component, Names, Option, PartsError, Text, options_of, quote
from ..lexer import Group, Scalar, Statement, parse_nodes
from .build import mistake_at
from .environment import MissingVariableError, resolve, uses_environment, written_as
from .registry import FAMILIES, component_class
from .spec import PipelineOptions, PipelineSpec, Place, Stage, check_inputs

__all__ = ["load_file", "load_text", "read_script"]

_STAGE_OPTIONS = {
    "name": Option("name", "name of the stage", Text(), None),
    "from": Option("from", "the stages it reads from", Names(), None),
}


def read_script(path: Path) -> str:
    """Return the text of a pipeline file.

    Raises:
        SourceError: there is none, or it cannot be read.
        ScriptError: it is not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        beside = path.parent.glob("*.scl") if path.parent.is_dir() else ()
        near = nearest(path.name, [other.name for other in beside])
        hint = f"; did you mean {near!r}?" if near else ""
        raise SourceError(f"{path}: there is no such file{hint}") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8-sig")
        line, column = good.count("\n") + 1, len(good) - (good.rfind("\n") + 1) + 1
        mistake = Mistake(line, column, f"byte {error.start} is not UTF-8; pipeline files are")
        raise ScriptError([mistake], path=str(path), text=raw.decode("utf-8-sig", "replace")) from error


def load_file(path: str | Path, settings: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> PipelineSpec:
    """Load a pipeline from a file.

    Args:
        path: the file.
        settings: `stage.option` and the value, as SCL text, that overrides what the file says.

    Raises:
        SourceError: the file cannot be read.
        ScriptError: all that is wrong in it.
        SpecError: a setting names a stage or an option that is not there.
    """
    path = Path(path)
    return load_text(read_script(path), path, settings)


def load_text(
    text: str, path: Path | None = None, settings: Mapping[str, str] | Sequence[tuple[str, str]] = ()
) -> PipelineSpec:
    """Load a pipeline from the text of a script; see `load_file`."""
    statements = parse_nodes(text, path=str(path or "<string>"))
    pairs = list(settings.items()) if isinstance(settings, Mapping) else list(settings)
    return _Loader(text, path, pairs).load(statements)


@dataclass(slots=True)
class _Draft:
    """What is known of a stage while it is read: enough for others to refer to it, even if it is wrong."""

    statement: Statement
    name: str
    family: str
    places: dict[str, Place] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)


class _Loader:
    def __init__(self, text: str, path: Path | None, settings: Sequence[tuple[str, str]]) -> None:
        self._text = text
        self._path = path
        self._settings = _parsed(settings) if settings else {}
        self._mistakes: list[Mistake] = []
        self._families: dict[str, str] = {}
        self._stages: list[Stage] = []
        self._pipeline: tuple[str, PipelineOptions, dict[str, str]] | None = None
        self._from_outside: list[Any] = []

    def load(self, statements: Iterable[Statement]) -> PipelineSpec:
        for statement in statements:
            if statement.key == "pipeline":
                self._read_pipeline(statement)
            else:
                self._read_stage(statement)
        name = self._path.stem if self._path else "pipeline"
        if self._pipeline is None and {"pipeline", name} & self._settings.keys():
            self._read_pipeline(parse_nodes(f"pipeline={quote(name)}")[0])
        if self._mistakes:
            raise ScriptError(self._mistakes, path=str(self._path or "<string>"), text=self._text)
        self._check_settings()
        name, options, written = self._pipeline or (name, PipelineOptions(), {})
        return PipelineSpec(name, tuple(self._stages), options, written, self._path, self._text)

    def _read_pipeline(self, statement: Statement) -> None:
        if self._pipeline is not None:
            self._wrong(statement, "a file holds one pipeline; there is one above already")
            return
        name = self._word(statement, "the name of the pipeline")
        draft = _Draft(statement, name or "pipeline", "pipeline")
        options = self._component(draft, PipelineOptions, self._option_statements(draft))
        if name is not None and isinstance(options, PipelineOptions):
            self._pipeline = (name, options, draft.written)

    def _read_stage(self, statement: Statement) -> None:
        variant = self._word(statement, f"the kind of {statement.key}")
        draft = _Draft(statement, self._own_name(statement, variant), statement.key)
        found = self._class(statement, variant) if variant is not None else None
        given = self._option_statements(draft)
        component = self._component(draft, found, given) if found is not None else None
        self._join(draft, given, component)
        self._families[draft.name] = draft.family

    def _class(self, statement: Statement, variant: str) -> type[Component] | None:
        try:
            return component_class(statement.key, variant)
        except SpecError as error:
            at_family = statement.key not in FAMILIES
            node = statement if at_family else statement.value
            self._wrong(node, error.message, expected=error.allowed, suggestion=error.suggestion)
            return None

    def _word(self, statement: Statement, what: str) -> str | None:
        value = statement.value
        if statement.op != "=":
            self._wrong(statement, f"a stage is written {statement.key}=...( ), not with {statement.op}")
        elif not isinstance(value, Scalar) or not isinstance(value.value, str) or value.kind == "environment":
            self._wrong(value, f"{what} is to stand here", expected=("a name",))
        else:
            return value.value
        return None

    def _own_name(self, statement: Statement, variant: str | None) -> str:
        """Return the name that the statement gives, or the variant, numbered if that is taken."""
        for child in statement.children or ():
            if child.key == "name" and isinstance(child.value, Scalar):
                return str(child.value.value)
        base, number = variant or statement.key, 1
        name = base
        while name in self._families:
            number += 1
            name = f"{base}_{number}"
        return name

    def _option_statements(self, draft: _Draft) -> dict[str, Statement]:
        """Return the options of a statement by name, overridden by the settings; one given twice is a mistake."""
        given: dict[str, Statement] = {}
        draft.places[""] = _place(draft.statement)
        for child in draft.statement.children or ():
            if child.op != "=":
                self._wrong(child, f"an option is written {child.key}=..., not with {child.op}")
            elif child.key in given:
                self._wrong(child, f"{child.key!r} is given twice; the first is in line {given[child.key].line}")
            else:
                given[child.key] = child
                draft.places |= _places(child)
        overriding = self._settings.pop(draft.name, {})
        if draft.family == "pipeline":
            overriding |= self._settings.pop("pipeline", {})
        for name, setting in overriding.items():
            from .settings import moved

            given[name] = moved(setting, draft.statement)
            draft.places = {part: place for part, place in draft.places.items() if not part.startswith(f"{name}.")}
            draft.places[name] = draft.places[""]
            self._from_outside += [given[name], given[name].value]
        return given

    def _component(self, draft: _Draft, kind: type[Component], given: Mapping[str, Statement]) -> Component | None:
        known = options_of(kind)
        before = len(self._mistakes)
        values: dict[str, Any] = {}
        for name, child in given.items():
            if name in known:
                self._read_option(draft, values, known[name], child)
            elif name not in _STAGE_OPTIONS or kind is PipelineOptions:
                names = [*known, *(() if kind is PipelineOptions else _STAGE_OPTIONS)]
                near = nearest(name, names)
                self._wrong(child, f"{kind.title()} has no option {name!r}", expected=names, suggestion=near)
        missing = [name for name, item in known.items() if item.required and name not in given]
        if missing:
            self._wrong(draft.statement, f"{kind.title()} needs {' and '.join(f'{name}=' for name in missing)}")
        return self._made(draft, kind, values) if len(self._mistakes) == before else None

    def _made(self, draft: _Draft, kind: type[Component], values: Mapping[str, Any]) -> Component | None:
        try:
            return kind(**values)
        except SpecError as error:
            written = list(draft.written.values())
            self._mistakes += [mistake_at(draft.places, each, written) for each in (error, *error.others)]
            return None

    def _read_option(self, draft: _Draft, values: dict[str, Any], item: Option, child: Statement) -> None:
        """Parse one option into `values`, or note what is wrong with it."""
        if child.children is not None:
            self._wrong(child.value, f"{item.name}= takes {item.kind.says}; nothing may stand in parentheses behind it")
            return
        if uses_environment(written := written_as(child.value)):
            draft.written[item.name] = written
        try:
            resolved = resolve(child.value)
            if isinstance(resolved, Group):
                values[item.name] = item.kind.from_nodes(resolved.statements)
            else:
                values[item.name] = item.kind.parse(resolved.plain())
        except MissingVariableError as error:
            self._wrong(child.value, str(error))
        except ScriptError as error:
            self._mistakes += error.mistakes
        except PartsError as error:
            for node, message in error.parts:
                self._wrong(node, f"{item.name}: {self._kept_quiet(draft, item, message)}")
        except ValueError as error:
            message = error.message if isinstance(error, SpecError) else str(error)
            self._wrong(child.value, f"{item.name}: {self._kept_quiet(draft, item, message)}")

    @staticmethod
    def _kept_quiet(draft: _Draft, item: Option, message: str) -> str:
        """Return the message, or one that shows no value from the environment."""
        return f"the value from the environment is not {item.kind.says}" if item.name in draft.written else message

    def _join(self, draft: _Draft, given: Mapping[str, Statement], component: Component | None) -> None:
        """Find the inputs of a stage, check them, and add the stage if all is well with it."""
        name_statement = given.get("name")
        if name_statement is not None:
            self._check_name(name_statement)
        if draft.name in self._families:
            self._wrong(
                name_statement.value if name_statement else draft.statement,
                f"there is a stage {draft.name!r} above already",
            )
            return
        inputs = self._inputs(draft, given.get("from"))
        if component is None or inputs is None:
            return
        stage = Stage(draft.name, component, inputs, draft.places, draft.written)
        try:
            check_inputs(stage, self._families)
        except SpecError as error:
            self._mistakes.append(mistake_at(draft.places, error, []))
            return
        self._stages.append(stage)

    def _check_name(self, statement: Statement) -> None:
        value = statement.value
        if not isinstance(value, Scalar) or value.kind not in ("keyword", "string") or not value.value:
            self._wrong(value, "name: is to be a word", expected=("a name",))
        elif any(character in str(value.value) for character in "/\0\n"):
            self._wrong(value, "name: a stage's name has no '/', no line end and no NUL in it")

    def _inputs(self, draft: _Draft, statement: Statement | None) -> tuple[str, ...] | None:
        if statement is not None:
            try:
                return Names().parse(resolve(statement.value).plain())
            except ValueError as error:
                self._wrong(statement.value, f"from: {error}")
                return None
        if draft.family == "reader":
            return ()
        if draft.family == "merge":
            return tuple(name for name, family in self._families.items() if family == "reader")
        if draft.family == "join":
            return ()
        above = [name for name, family in self._families.items() if family != "writer"]
        return (above[-1],) if above else ()

    def _check_settings(self) -> None:
        for name in self._settings:
            known = [stage.name for stage in self._stages]
            raise SpecError(
                "--set", f"there is no stage {name!r}", allowed=known, suggestion=nearest(name, known), value=name
            )

    def _wrong(self, node: Any, message: str, *, expected: Sequence[str] = (), suggestion: str | None = None) -> None:
        if any(node is outside for outside in self._from_outside):
            message = f"--set: {message}"
        self._mistakes.append(Mistake(node.line, node.column, message, node.length, tuple(expected), suggestion))


def _parsed(settings: Sequence[tuple[str, str]]) -> dict[str, dict[str, Statement]]:
    from .settings import parsed_settings  # few runs have any

    return parsed_settings(settings)


def _places(option: Statement) -> dict[str, Place]:
    """Return where an option stands, and what is named in it, as in `aggregate.mean` and `aggregate.mean.of`."""
    found = {option.key: _place(option.value)}
    for part in option.value.statements if isinstance(option.value, Group) else ():
        found[f"{option.key}.{part.key}"] = _place(part.value)
        for inner in part.children or ():
            found[f"{option.key}.{part.key}.{inner.key}"] = _place(inner.value)
    return found


def _place(node: Any) -> Place:
    return Place(node.line, node.column, node.length)
