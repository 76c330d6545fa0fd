"""Rules of the house that a reader would otherwise have to remember."""

import ast
import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["config", "storefront", "agency", "earnings"]  # an import may go right, never left


def _modules():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield room, path, ast.parse(path.read_text(encoding="utf-8"))


def _imported_rooms(node):
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    else:
        names = []
    return {name.split(".")[0] for name in names} & set(ROOMS)


def test_imports_point_one_way():
    back = [
        f"{path.relative_to(ROOT)}:{node.lineno} imports {room_imported}"
        for room, path, tree in _modules()
        for node in ast.walk(tree)
        for room_imported in _imported_rooms(node)
        if ROOMS.index(room_imported) < ROOMS.index(room)
    ]

    assert back == []


def test_no_import_of_ours_inside_a_function():
    inside = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for _, path, tree in _modules()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name != "ready"
        for node in ast.walk(function)
        if _imported_rooms(node)
    ]

    assert inside == []


def test_the_direction_rule_itself_finds_an_import_that_points_back():
    tree = ast.parse("from storefront.models import Product")

    assert [_imported_rooms(node) for node in ast.walk(tree) if _imported_rooms(node)] == [{"storefront"}]


LEDGER_ROWS = {"Earning", "JournalEntry", "Posting"}
THEIR_MANAGERS = {"entries", "postings"}  # of an earning, and of an entry
LEDGER_WRITERS = {"earnings/batches.py"}  # beside earnings/ledger/
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete"}


def _ledger_writes(tree):
    """Where rows of the ledger are made, changed or deleted: `Posting(...)`, `Posting.objects.create(...)`, also
    by `models.Posting` or another name of it."""
    rows = LEDGER_ROWS | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname and alias.name in LEDGER_ROWS
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        made = _name_of(node.func) in rows
        changed = getattr(node.func, "attr", "") in WRITES
        if made or (changed and any(_name_of(part) in rows | THEIR_MANAGERS for part in ast.walk(node.func))):
            yield node


def _name_of(node):
    """`Posting` of `Posting` and of `models.Posting`."""
    return getattr(node, "id", "") or getattr(node, "attr", "")


def test_money_is_written_only_by_the_ledger():
    elsewhere = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for _, path, tree in _modules()
        for node in _ledger_writes(tree)
        if path.parent != ROOT / "earnings" / "ledger" and str(path.relative_to(ROOT)) not in LEDGER_WRITERS
    ]

    assert elsewhere == []


def test_the_rule_of_the_ledger_itself_finds_who_writes_beside_it():
    source = """
        Posting(x=1)
        Earning.objects.filter(pk=1).update(x=1)
        ledger.models.Posting.objects.create(x=1)
        models.JournalEntry(x=1)
        Row.objects.all().delete()
        earning.entries.filter(pk=1).update(x=1)
        Posting.objects.filter(x=1)
        models.Earning.objects.get(pk=1)
        Payout()
        ledger.Purse(x=1)
        from earnings.models import Earning as Row
        """

    assert [node.lineno for node in _ledger_writes(ast.parse(dedent(source)))] == [2, 3, 4, 5, 6, 7]


def test_no_room_for_leftovers():
    forbidden = {"utils.py", "helpers.py", "services.py", "managers.py", "common", "core", "signals.py"}

    found = [
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.name in forbidden
    ]

    assert found == []


def test_templates_carry_no_inline_style_or_script():
    """The Content-Security-Policy would ignore them: right in the source, wrong to visitors."""
    marks = ("style=", "<style", "onclick=", "onload=", "javascript:", "<script>")
    reports = ROOT / "templates" / "storefront" / "reports"  # served with a policy of their own

    found = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in (ROOT / "templates").rglob("*.html")
        if reports not in path.parents
        for mark in marks
        if mark in path.read_text(encoding="utf-8")
    ]

    assert found == []


def test_the_gate_runs_every_slow_leg():
    """What a plain `pytest` leaves out is run by name, so a new file can be forgotten."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    slow = sorted(
        path for path in (ROOT / "tests").glob("test_*.py") if "mark.slow" in path.read_text(encoding="utf-8")
    )

    assert [path.name for path in slow if path != Path(__file__) and f"tests/{path.name}" not in gate] == []


def test_every_cell_of_a_table_that_becomes_cards_on_a_phone_says_its_column():
    unnamed = [
        f"{path.relative_to(ROOT)}: {cell}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for table in re.findall(
            r'<table class="board-table.*?</table>', path.read_text(encoding="utf-8"), re.DOTALL
        )
        for cell in re.findall(r"<td\b[^>]*>", table)
        if "data-label=" not in cell and "colspan=" not in cell
    ]

    assert unnamed == []
