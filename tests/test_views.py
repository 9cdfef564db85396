"""Views of a reply: tables, trees, and how they are asked for, in scripts and at the prompt."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from typing import Any

import pytest

from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import Candidate, Draft, NameRequest
from qmp_shell.language import (
    ExecuteStatement,
    LineJoiner,
    ParseError,
    StatementParser,
    ViewRequest,
)
from qmp_shell.messages import Reply, Request
from qmp_shell.render.cells import typed_columns
from qmp_shell.render.help_page import minimal_value
from qmp_shell.render.views import VIEWS, Look, Subject
from qmp_shell.schema import Schema, Type
from qmp_shell.vm.types import VmTypes
from tests.conftest import Run, RunningVm, StartTerminal
from tests.terminal import Terminal

DISKS = [
    {
        "device": "d0",
        "locked": False,
        "inserted": {"file": "/srv/one.img", "ro": False, "image": {"virtual-size": 1 << 30}},
    },
    {
        "device": "d1",
        "locked": False,
        "inserted": {"file": "/srv/two.img", "ro": True, "image": {"virtual-size": 5 << 20}},
    },
]


def draw(view: str, value: Any, *columns: str, width: int | None = 80, **look: bool) -> list[str]:
    """The lines of a view."""
    subject = Subject({"return": value}, columns)
    shown = VIEWS[view].draw(
        subject, Look(**{"colour": False, "ascii_only": False, **look}, find_width=lambda: width)
    )
    return shown.split("\n")


def test_a_list_of_objects_is_a_table_with_names_first_and_sizes_as_people_write_them() -> None:
    assert draw("table", DISKS) == [
        "device  file          virtual-size  ro",
        "d0      /srv/one.img         1 GiB  false",
        "d1      /srv/two.img         5 MiB  true",
        "in all rows: locked=false",
    ]


@pytest.mark.parametrize(
    "value",
    [
        DISKS,
        {"name": "d0", "size": 1 << 30, "empty": ""},
        [{"id": "\u5bbd\u5bbd e\u0301", "count": 5}, {"id": "a", "count": -12345}, {"id": "b"}],
    ],
)
def test_a_table_in_a_pipe_is_one_that_has_enough_room(value: Any) -> None:
    assert draw("table", value, width=None) == draw("table", value, width=500)


@pytest.mark.parametrize("is_list", [True, False])
def test_one_long_text_does_not_make_all_lines_of_a_table_long(is_list: bool) -> None:
    long = "x" * 50_000
    if is_list:
        value: Any = [{"id": long, "n": 0}, *({"id": "a", "n": n} for n in range(2000))]
    else:
        value = {long: 0, **{f"a{n}": n for n in range(2000)}, "b": long}
    text = "\n".join(draw("table", value, width=None))
    assert text.count(long) == 1 + (not is_list)
    assert len(text) < 3_000_000


def test_what_only_some_rows_have_is_not_said_of_all() -> None:
    rows = [{"id": "a", "x": 0, "y": 1}, {"id": "b", "y": 1}, {"id": "c", "z": "", "y": 1}]
    assert draw("table", rows) == [
        "id",
        "a",
        "b",
        "c",
        "in all rows: y=1",
        "in some rows: x=0, z=",
    ]


def test_columns_for_which_there_is_no_room_are_named() -> None:
    assert draw("table", DISKS, width=24) == [
        "device  file",
        "d0      /srv/one.img",
        "d1      /srv/two.img",
        "in all rows: locked=f...",
        "more columns: inserte...",
    ]


@pytest.mark.parametrize(
    "columns",
    [
        ("device", "inserted.file"),
        ("device", "file"),  # the end of a path is enough
    ],
)
def test_columns_can_be_asked_for(columns: tuple[str, ...]) -> None:
    assert draw("table", DISKS, *columns) == [
        "device  file",
        "d0      /srv/one.img",
        "d1      /srv/two.img",
    ]


def test_an_object_as_a_column_is_all_its_members() -> None:
    assert draw("table", DISKS, "inserted")[0] == "file          ro     virtual-size"


def test_a_column_that_no_row_has_is_empty() -> None:
    assert draw("table", DISKS, "device", "nothing") == [
        "device  nothing",
        "d0",
        "d1",
        "no row has nothing; there are: device, locked, file, ro, virtual-size",
    ]


def test_columns_that_no_row_has_are_no_table() -> None:
    assert draw("table", DISKS, "nothing", "devise") == [
        "no row has nothing; there are: device, locked, file, ro, virtual-size",
        "no row has devise; did you mean device?",
    ]
    assert draw("table", {"name": "x"}, "nmae") == ["there is no nmae; did you mean name?"]
    assert draw("table", {"name": "x"}, "name", "size") == [
        "name  x",
        "size",
        "there is no size; there are: name",
    ]
    assert draw("table", [], "name") == ["name", "no rows"]


def test_columns_that_do_not_fit_are_shown_as_records() -> None:
    shown = draw("table", DISKS, "device", "file", "virtual-size", width=20)
    assert all(len(line) <= 20 for line in shown)
    assert "".join(shown).count("device") == 2


def test_one_object_is_shown_whole_with_the_items_of_its_lists() -> None:
    value = {"name": "x", "bus": [{"slot": 1}, {"slot": 2}], "empty": [], "words": ["a", "b"]}
    assert draw("table", value) == [
        "name        x",
        "bus.0.slot  1",
        "bus.1.slot  2",
        "empty",
        "words       a, b",
    ]
    assert draw("table", [value])[0] == "name  bus  empty  words", "a list is a table"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({}, ["{}"]),
        ([], ["no rows"]),
        ("text", ["value  text"]),
        (["a", "b"], ["value", "a", "b"]),
        ([1, {"a": 2}], ["value  a", "    1", "       2"]),
        ([{}, {}], [""]),
    ],
)
def test_a_table_of_anything(value: Any, lines: list[str]) -> None:
    assert draw("table", value) == lines


def test_an_empty_list_has_the_columns_of_its_type(schema: Schema) -> None:
    command = schema.command("query-rx-filter")
    assert command is not None
    subject = Subject({"return": []}, find_type=lambda: command.returns)
    shown = VIEWS["table"].draw(subject, Look(colour=False, ascii_only=True))
    assert shown.startswith("name  promiscuous  multicast")
    assert shown.endswith("\nno rows")
    shown = VIEWS["csv"].draw(subject, Look(colour=False, ascii_only=True))
    assert shown.startswith("name,promiscuous,multicast")


def test_a_tree_of_a_reply() -> None:
    assert draw("tree", DISKS[:1]) == [
        "0 d0",
        "├── device d0",
        "├── locked false",
        "└── inserted",
        "    ├── file /srv/one.img",
        "    ├── ro false",
        "    └── image",
        "        └── virtual-size 1073741824 (1 GiB)",
    ]
    assert draw("tree", {"a": {"b": 1}}, supports_unicode=False) == ["a", "`-- b 1"]
    assert draw("tree", {}) == ["{}"]


def test_values_for_a_spreadsheet_are_whole_and_can_be_read_back() -> None:
    value = [{"a": 'one "two",\nthree', "n": 1 << 40}, {"b": [1, None], "a": "é"}]
    rows = list(csv.reader(io.StringIO("\n".join(draw("csv", value, width=10)))))
    assert rows == [
        ["a", "n", "b"],
        ['one "two", three', str(1 << 40), ""],
        ["é", "", "[1, null]"],
    ]


def test_deep_and_recursive_replies_end() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": [deep]}
    for view in VIEWS:
        assert ("x" if view != "table" else "(1)") in "\n".join(draw(view, deep))


def test_the_ends_of_a_tree_are_shown_however_deep_and_narrow_it_is() -> None:
    value: Any = "the leaf"
    for number in range(30):
        value = {f"level{number}": value}
    for width in (20, 80):
        lines = draw("tree", value, width=width)
        assert "the leaf" in " ".join(" ".join(lines).split())
        assert all(f"level{number}" in "\n".join(lines) for number in range(30))


@pytest.mark.parametrize("view", ["table", "tree"])
def test_a_text_of_several_lines_is_shown_as_it_is(view: str) -> None:
    text = "IRQ statistics:\r\n 0: 33001\x1b\n\n 8: 804\n"
    shown = "IRQ statistics:\n 0: 33001\n\n 8: 804"
    for value in (text, {"human-readable-text": text}):
        assert draw(view, value) == shown.split("\n"), view
    assert draw(view, {"a": "one line\n"}) == draw(view, {"a": "one line "})


def test_a_number_that_no_float_holds_is_shown_as_it_is() -> None:
    for view in VIEWS:
        assert str(10**400) in "".join("".join(draw(view, {"size": 10**400})).split())


def test_members_whose_paths_are_the_same_are_all_shown() -> None:
    assert draw("table", {"a.b": 1, "a": {"b": 2}}) == ["a.b      1", "a.b (2)  2"]


def test_long_names_of_files_and_devices_are_short_in_a_table() -> None:
    name = 'json:{"driver": "qcow2", "file": {"driver": "file", "filename": "/srv/a"}}'
    value = [{"qdev": "/machine/peripheral/disk0/virtio-backend", "file": name}]
    assert draw("table", value) == ["qdev   file", "disk0  /srv/a"]


@pytest.mark.timeout(30)
def test_objects_that_all_have_other_members_take_linear_time() -> None:
    value = [{f"member{number}": number} for number in range(2_000)]
    for width in (80, None):
        shown = draw("table", value, width=width)
        assert shown[-1].startswith("more columns: ")
    assert draw("csv", value)[0].count(",") == 1_999


def test_objects_that_have_all_in_common_take_linear_time() -> None:
    """If it took quadratic time, this test would take minutes."""
    value = [{f"member{number}": number for number in range(100_000)}] * 2
    shown = draw("table", value)
    assert shown[:2] == ["member0", "      0"]
    assert shown[-1].startswith("in all rows: member1=1, ")


def dotted(parts: int, levels: int) -> dict[str, Any]:
    """Objects within objects, so many levels deep, all of whose dotted paths have so many parts."""
    if levels == 1:
        return {".".join("a" * parts): 1}
    first = range(1, parts - levels + 2)
    return {".".join("a" * number): dotted(parts - number, levels - 1) for number in first}


def test_many_members_whose_paths_are_the_same_take_linear_time() -> None:
    """In quadratic time, they would take minutes."""
    headings = draw("csv", dotted(34, 5))[0].split(",")
    path = ".".join("a" * 34)
    assert headings[:3] == [path, f"{path} (2)", f"{path} (3)"]
    assert headings[-1] == f"{path} (40920)"


@pytest.mark.parametrize(
    ("text", "view", "pipeline"),
    [
        ("a | .table", ViewRequest("table"), None),
        ("a|.table x y.z  # a | b", ViewRequest("table", ("x", "y.z")), None),
        ("a | .csv x | sort -u", ViewRequest("csv", ("x",)), "sort -u"),
        ("a | .", ViewRequest(""), None),
        ("a | cat .table", None, "cat .table"),
        ("a | ./table.sh x", None, "./table.sh x"),
        ("a | ../table", None, "../table"),
        ("a | .config/run", None, ".config/run"),
        ("transaction(abort) | .tree", ViewRequest("tree"), None),
        ('{"execute": "a"} | .tree', ViewRequest("tree"), None),
    ],
)
def test_a_view_is_parsed(text: str, view: ViewRequest | None, pipeline: str | None) -> None:
    line = LineJoiner().add_line(text)
    assert line is not None
    statement = StatementParser().parse(line)
    assert isinstance(statement, ExecuteStatement)
    destination = statement.destination
    assert (destination.view, destination.pipeline) == (view, pipeline)


def test_a_pipe_behind_a_view_needs_a_command() -> None:
    line = LineJoiner().add_line("a | .table |  ")
    assert line is not None
    with pytest.raises(ParseError, match="a shell command is missing") as error:
        StatementParser().parse(line)
    assert error.value.offset == line.text.rindex("|")


def test_views_in_a_script(vm: RunningVm, run: Run) -> None:
    vm.add_nodes("one", "two")
    command = "query-named-block-nodes | .table node-name virtual-size"
    result = run(vm.address, "-c", command)
    heading, *rows = result.stdout.splitlines()
    assert heading == "node-name  virtual-size"
    assert sorted(rows) == [f"{name}               1 GiB" for name in ("one", "two")]
    assert run(vm.address, "-c", f"{command} | wc -l").stdout.split() == ["3"]
    shown = run(vm.address, "--view", "csv", "-c", "query-kvm").stdout
    assert sorted(shown.split("\n")[0].split(",")) == ["enabled", "present"]
    assert json.loads(run(vm.address, "-c", "query-status | .json").stdout)
    assert run(vm.address, "-c", "query-status | .json").stdout.count("\n") > 1


def test_an_unknown_view_is_refused_before_the_command_is_sent(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", "cont | .tabel")
    assert result.returncode == 2
    assert result.stderr.startswith("qmp-shell: no view .tabel; there are .json, .table, ")
    with vm.second() as client:
        assert client.execute("query-status")["status"] == "prelaunch"


def test_an_error_is_json_in_any_view(vm: RunningVm, run: Run) -> None:
    for view in VIEWS:
        result = run(vm.address, "-c", f"device_add driver=x | .{view}")
        assert result.returncode == 1
        assert "error" in json.loads(result.stdout)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_all_that_a_vm_could_answer_has_every_view(schema: Schema, width: int) -> None:
    """A value of each type that a command returns, and several of them in a list."""
    for name in schema.commands():
        command = schema.command(name)
        assert command is not None
        value = minimal_value(command.returns)
        for answer in (value, [value] * 3):
            subject = Subject({"return": answer}, find_type=partial(find_returns, schema, name))
            for view in VIEWS.values():
                shown = view.draw(subject, Look(True, False, lambda: width))
                assert shown or answer in ({}, [{}] * 3)


def find_returns(schema: Schema, name: str) -> Type | None:
    command = schema.command(name)
    return command.returns if command is not None else None


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_query_has_every_view(vm: RunningVm, types: VmTypes, width: int) -> None:
    """What the VM itself answers, and the columns of all types that it could answer with."""
    with vm.second() as client:
        for name in types.commands():
            type_ = types.returns(name)
            assert len(set(typed_columns(type_))) == len(typed_columns(type_))
            if not name.startswith("query-"):
                continue
            reply = client.request({"execute": name})
            for view in VIEWS.values():
                subject = Subject(reply.message, find_type=partial(types.returns, name))
                shown = view.draw(subject, Look(False, False, lambda: width))
                if view.most_values is not None:
                    assert max(map(len, shown.split("\n"))) <= width


# At the prompt


def test_f4_shows_the_last_reply_in_the_next_view_and_keeps_the_line(
    shell: Terminal, vm: RunningVm
) -> None:
    vm.add_nodes("one", "two")
    shell.enter("query-named-block-nodes | .table node-name ro")
    shell.wait_for_prompt()
    shell.type("query-name x")
    shell.press("left", "f4")
    shell.wait_for(r"^├── ")
    shell.wait_for(r"^\(QEMU\) query-name x$")
    shell.type("y")
    shell.wait_for(r"^\(QEMU\) query-name yx$")
    vm.process.kill()
    shell.wait_for(r"^\.connect attaches again")
    shell.press("f4")
    shell.wait_for(r"^\d+ lines; F4")  # JSON again, though the VM is gone


def test_f4_without_a_reply_says_so(shell: Terminal) -> None:
    shell.press("f4")
    shell.wait_for("^note: there is no reply yet")
    shell.wait_for_prompt()


def test_a_long_reply_says_how_else_it_can_be_shown(vm: RunningVm, terminal: StartTerminal) -> None:
    vm.add_nodes(*"abcdef")
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter(".set pager off")
    shell.wait_for_prompt()
    shell.enter("query-named-block-nodes")
    shell.wait_for(r"^\d+ lines; F4 for a table or a tree$")
    shell.wait_for_prompt()
    shell.press("f4")
    shell.wait_for("^node-name")
    assert shell.text.count("lines; F4") == 1


def test_a_setting_chooses_the_view(shell: Terminal) -> None:
    shell.enter(".set view table")
    shell.wait_for_prompt()
    shell.enter("query-kvm")
    shell.wait_for("^enabled  false$")
    shell.wait_for_prompt()
    shell.enter(".set view pretty")  # as it was called before
    shell.wait_for_prompt()
    shell.enter(".set view")
    shell.wait_for("^view +json|^json")


def test_views_and_columns_are_completed(shell: Terminal) -> None:
    shell.type("query-block | .ta")
    shell.wait_for(r"^ +\.table +a table that fits")
    shell.press("tab")  # may wait for the VM
    shell.wait_for(r"^\(QEMU\) query-block \| \.table$")
    shell.type(" inserted.node")
    shell.wait_for("^ +inserted.node-name$")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) query-block \| \.table inserted\.node-name$")
    shell.press("enter")
    shell.wait_for("^node-name$|^no rows$")


class NoNames:
    """A VM in which nothing has a name."""

    def candidates(self, _: NameRequest) -> list[Candidate]:
        return []


def complete(text: str, types: VmTypes, last: Reply | None = None) -> list[str]:
    found = complete_draft(Draft(text), Registry(), NoNames(), types, last)
    return [each.text for each in found.candidates] if found is not None else []


def test_a_shell_pipeline_is_not_completed_as_a_view(types: VmTypes) -> None:
    for text in ("query-block | c", "query-block | cat .t", "query-block | .table | c", "| .t"):
        assert complete(text, types) == []
    assert complete("query-block | .t", types) == [*(f".{view}" for view in VIEWS), ".let"]
    assert complete("query-block | ", types) == [*(f".{view}" for view in VIEWS), ".let"]


def test_columns_of_the_last_reply_are_completed_if_it_is_that_commands(types: VmTypes) -> None:
    request = Request({"execute": "query-block"}, 1, own_id=True, quiet=False)
    last = Reply({"return": [{"x": {"y z": 1, "y": 2}}]}, request)
    assert {"device", "x.y", "x.y z"} <= {*complete("query-block | .table ", types, last)}
    assert "x.y" not in complete("query-pci | .table ", types, last)
