"""Write docs/grpc-api.md from the comments in proto/, or with --check say whether it is stale."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PAGE = ROOT / "docs" / "grpc-api.md"
PACKAGE = ".learnda.v1."
MESSAGE, ENUM, SERVICE = 4, 5, 6
"""Numbers of a file's fields that hold them: how comments are addressed."""

HEAD = """\
# The gRPC contract

Written by `make proto` from the comments in `proto/learnda/v1`: change them there. How to call it
is in [grpc.md](grpc.md), with examples.
"""


class Page:
    """The Markdown of one file of the contract."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._file = file
        self._comments = {
            tuple(place.path): _dedented(place.leading_comments)
            for place in file.source_code_info.location
            if place.leading_comments.strip()
        }
        self._head = next(
            (
                _dedented(detached)
                for place in file.source_code_info.location
                if tuple(place.path) == (12,)
                for detached in [*place.leading_detached_comments, place.leading_comments]
                if detached.strip()
            ),
            "",
        )

    def lines(self) -> Iterator[str]:
        """All of it."""
        yield f"## {self._file.name.removeprefix('learnda/v1/')}"
        yield self._head
        for i, service in enumerate(self._file.service):
            yield from self._service(service, (SERVICE, i))
        for i, message in enumerate(self._file.message_type):
            yield from self._message(message, (MESSAGE, i))
        for i, enum in enumerate(self._file.enum_type):
            yield from self._enum(enum, (ENUM, i))

    def _service(self, service: ServiceDescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        yield f"### {service.name}"
        yield self._comment(path)
        rows = ["| call | takes | answers | |", "|---|---|---|---|"]
        for i, method in enumerate(service.method):
            takes = _streamed(_link(method.input_type), method.client_streaming)
            answers = _streamed(_link(method.output_type), method.server_streaming)
            said = _cell(self._comment((*path, 2, i)))
            rows.append(f"| `{method.name}` | {takes} | {answers} | {said} |")
        yield "\n".join(rows)

    def _message(self, message: DescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        yield f"### {message.name}"
        yield self._comment(path)
        if not message.field:
            yield "No fields."
            return
        rows = ["| field | type | |", "|---|---|---|"]
        for i, field in enumerate(message.field):
            said = _cell(self._comment((*path, 2, i)))
            name = f"`{field.name}` = {field.number}"
            rows.append(f"| {name} | {self._type(message, field)} | {said} |")
        yield "\n".join(rows)

    def _enum(self, enum: EnumDescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        yield f"### {enum.name}"
        yield self._comment(path)
        rows = ["| value | |", "|---|---|"]
        for i, value in enumerate(enum.value):
            said = _cell(self._comment((*path, 2, i)))
            rows.append(f"| `{value.name}` = {value.number} | {said} |")
        yield "\n".join(rows)

    def _type(self, message: DescriptorProto, field: FieldDescriptorProto) -> str:
        if field.type_name:
            nested = {f".{self._file.package}.{message.name}.{n.name}" for n in message.nested_type}
            kind = "map" if field.type_name in nested else _link(field.type_name)
        else:
            kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
        if field.proto3_optional:
            return f"optional {kind}"
        if field.HasField("oneof_index"):
            return f"{kind} (one of `{message.oneof_decl[field.oneof_index].name}`)"
        repeated = field.label == FieldDescriptorProto.LABEL_REPEATED and kind != "map"
        return f"repeated {kind}" if repeated else kind

    def _comment(self, path: tuple[int, ...]) -> str:
        return self._comments.get(path, "")


def _dedented(comment: str) -> str:
    return "\n".join(line.removeprefix(" ").rstrip() for line in comment.strip().splitlines())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _streamed(link: str, streaming: bool) -> str:
    return f"stream of {link}" if streaming else link


def _link(type_name: str) -> str:
    if not type_name.startswith(PACKAGE):
        return f"`{type_name.removeprefix('.')}`"
    name = type_name.removeprefix(PACKAGE)
    return f"[{name}](#{name.lower()})"


def render() -> str:
    """The page as it is to be."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    sources.sort(key=lambda name: name != "learnda/v1/assimilation.proto")  # the service first
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "set"
        code = protoc.main(
            [
                "protoc",
                f"--proto_path={PROTO}",
                f"--proto_path={resources.files('grpc_tools') / '_proto'}",
                f"--descriptor_set_out={target}",
                "--include_source_info",
                *sources,
            ]
        )
        if code:
            raise SystemExit(code)
        files = {file.name: file for file in FileDescriptorSet.FromString(target.read_bytes()).file}
    blocks = [HEAD.strip()]
    for name in sources:
        blocks.extend(block for block in Page(files[name]).lines() if block)
    return "\n\n".join(blocks) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    page = render()
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print(f"stale: {PAGE.relative_to(ROOT)}; run `make proto`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
