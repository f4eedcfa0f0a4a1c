"""Write what a CDKTF program does in Python as plain JavaScript, by the requests that it sends to Node.js.

So the same constructs are created by the same calls, without Python and jsii. An attribute that Python reads
is read by JavaScript too; the token that it gets is the same, as tokens are numbered.
"""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Runs a program and writes each request, with its answer, to a file.
_RECORDER = """
import json, runpy, sys
import lean_cdktf, jsii
provider, file = jsii.kernel.provider, open(sys.argv[2], "w")
convert, load, send = provider._node._serializer.unstructure, provider._node.load, provider._node.send

def recorded_load(request):
    load(request)
    print(json.dumps([convert(request), None]), file=file)

def recorded_send(request, response_type):
    text = json.dumps(convert(request), default=jsii._kernel.providers.process.jdefault)
    response = send(request, response_type)
    print(json.dumps([json.loads(text), convert(response)]), file=file)
    return response

provider._node.load, provider._node.send = recorded_load, recorded_send
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def translate(program: Path, folder: Path, environment: Mapping[str, str]) -> Path:
    """The JavaScript of `program`, in `folder` with the packages that it needs. Raises CalledProcessError."""
    requests = folder / "requests"
    command = [sys.executable, "-c", _RECORDER, str(program), str(requests)]
    subprocess.run(command, cwd=program.parent, env=environment, check=True, capture_output=True, text=True)
    lines = ['"use strict";']
    for line in requests.read_text().splitlines():
        request, response = json.loads(line)
        if request["api"] == "load":
            _unpack(Path(request["tarball"]), folder / "node_modules" / request["name"])
            lines.append(f"const {_variable(request['name'])} = require({json.dumps(request['name'])});")
        else:
            lines.append(_statement(request, response))
    translated = folder / "program.js"
    translated.write_text("\n".join(lines) + "\n")
    return translated


def _unpack(tarball: Path, folder: Path) -> None:
    with tarfile.open(tarball) as tar:
        for member in tar:
            if member.isfile():
                member.name = os.path.relpath(member.name, "package")
                tar.extract(member, folder, filter="data")


def _statement(request: Mapping[str, Any], response: object) -> str:
    arguments = ", ".join(_value(argument) for argument in request.get("args", ()))
    match request["api"]:
        case "create":
            call = f"new {_class(request['fqn'])}({arguments})"
        case "get":
            call = f"{_value(request['objref'])}.{request['property']}"
        case "invoke":
            call = f"{_value(request['objref'])}.{request['method']}({arguments})"
        case "sinvoke":
            call = f"{_class(request['fqn'])}.{request['method']}({arguments})"
        case api:
            raise ValueError(f"there is no JavaScript for {api}")
    returned = response.get("value", response.get("result")) if isinstance(response, dict) else None
    for object_ in (response, returned):
        if isinstance(object_, dict) and "$jsii.byref" in object_:
            return f"const {_variable(object_['$jsii.byref'])} = {call};"
    return f"{call};"


def _value(value: Any) -> str:  # noqa: ANN401 JSON
    match value:
        case {"$jsii.byref": reference}:
            return _variable(reference)
        case {"$jsii.enum": member}:
            return _class(".".join(member.rsplit("/", 1)))
        case {"$jsii.struct": {"data": dict(data)}} | {"$jsii.map": dict(data)} | dict(data):
            present = {name: item for name, item in data.items() if item is not None}
            return (
                "{" + ", ".join(f"{json.dumps(name)}: {_value(item)}" for name, item in present.items()) + "}"
            )
        case list(items):
            return "[" + ", ".join(map(_value, items)) + "]"
        case None:
            return "undefined"
        case _:
            return json.dumps(value)


def _class(name: str) -> str:
    scope, slash, rest = name.rpartition("/")
    package, _, path = rest.partition(".")
    return f"{_variable(scope + slash + package)}.{path}"


def _variable(name: str) -> str:
    return "$" + "".join(character if character.isalnum() else "_" for character in name)
