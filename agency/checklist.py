"""What a delivery must hold before it is offered to a client: a package's checklist, asked of the files.

A checklist is a list of `{"check", "value", "label"}`. Only the files' content counts, never their names or
declared types.
"""

from io import BytesIO

from PIL import Image

SIGNATURES = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff",
    "jpg": b"\xff\xd8\xff",
    "gif": b"GIF8",
    "pdf": b"%PDF-",
    "zip": b"PK\x03\x04",
    "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
}
MP4_AT_4 = b"ftyp"
MEDIA_TYPES = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/json": "json",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
TEXT_ENDINGS = {"csv": ".csv", "html": ".html", "md": ".md", "txt": ".txt", "json": ".json", "svg": ".svg"}


def run(checklist, files, facts):
    """`[{"label", "passed", "seen"}]`, one for each line of the checklist.

    `files` are `NewArtifact`s, `facts` what the recipe measured while it made them. A line that names no known
    check fails: what nobody checked was not checked.
    """
    results = []
    for line in checklist:
        name, value = line.get("check"), line.get("value")
        label = line.get("label") or f"{name} {value}"
        check = CHECKS.get(name)
        try:
            passed, seen = check(files, value, facts) if check else (False, f"There is no check {name!r}.")
        except (TypeError, ValueError) as error:
            passed, seen = False, f"The checklist's value {value!r} can't be used: {error}"
        results.append({"label": label, "passed": bool(passed), "seen": seen})
    return results


def files_at_least(files, value, facts):
    """At least `value` files that are not empty."""
    count = sum(bool(file.content) for file in files)
    return count >= int(value), f"{count} files"


def file_type(files, value, facts):
    """At least one file of each of the types in `value` ("png", "image/png" or ["csv", "html"])."""
    wanted = [value] if isinstance(value, str) else list(value)
    found = [kind for kind in wanted if any(_is(MEDIA_TYPES.get(kind, kind.lower()), file) for file in files)]
    missing = [kind for kind in wanted if kind not in found]
    return not missing, f"no {', '.join(missing)}" if missing else f"{', '.join(found)} found"


def image_size(files, value, facts):
    """Every image has the size in pixels in `value` ("1280x720"), and there is one."""
    width, height = (int(part) for part in (value.lower().split("x") if isinstance(value, str) else value))
    sizes = [size for size in map(_size, files) if size]
    seen = ", ".join(sorted({f"{w}x{h}" for w, h in sizes})) or "no image"
    return bool(sizes) and set(sizes) == {(width, height)}, seen


def max_bytes(files, value, facts):
    """No file is larger than `value` bytes."""
    largest = max((len(file.content) for file in files), default=0)
    return bool(files) and largest <= int(value), f"largest {largest} bytes"


def rows_covered(files, value, facts):
    """The recipe dealt with all rows of the client's file (`value` "all"), or at least with `value` of them.

    Read from the facts `rows` (how many the file has) and `rows_covered` (how many the result speaks of).
    """
    rows, covered = facts.get("rows"), facts.get("rows_covered")
    if not isinstance(rows, int) or not isinstance(covered, int):
        return False, "not measured"
    needed = rows if value == "all" else int(value)
    return covered > 0 and covered >= needed, f"{covered} of {rows} rows"


CHECKS = {
    "files_at_least": files_at_least,
    "file_type": file_type,
    "image_size": image_size,
    "max_bytes": max_bytes,
    "rows_covered": rows_covered,
}


def _is(kind, file):
    if kind == "mp4":
        return file.content[4:8] == MP4_AT_4
    if kind in SIGNATURES:
        return file.content.startswith(SIGNATURES[kind])
    if kind not in TEXT_ENDINGS:
        raise ValueError(f"unknown file type {kind}")
    if not file.content or b"\x00" in file.content or not file.name.lower().endswith(TEXT_ENDINGS[kind]):
        return False
    try:
        file.content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _size(file):
    if not file.content_type.startswith("image/") and not _is("png", file) and not _is("jpg", file):
        return None
    try:
        with Image.open(BytesIO(file.content)) as image:
            image.verify()
            return image.size
    except Exception:  # Pillow raises anything for what is broken, and an error of its own for a bomb
        return None
