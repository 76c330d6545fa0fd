"""What a buyer of the demo shop downloads: a small archive, made of the product's own texts and picture.

It says what it is. The same product makes the same bytes, so that making it again is no new version.
"""

import re
import zipfile
from html import unescape
from io import BytesIO
from pathlib import Path

from storefront.demo.draw import PICTURES

FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that an archive can name
ABOUT = """{title}
{line}

{summary}

This is the demo edition. It was made by the program itself, to show how a purchase is delivered:
the worksheet lists what the full product is about, ready to be ticked off.
"""


def archive(product):
    """`(name, bytes)` of the product's file."""
    files = {"READ ME.txt": _about(product), "Worksheet.md": _worksheet(product)}
    picture = Path(product.image).stem
    if picture in PICTURES:
        files["Picture.svg"] = PICTURES[picture]()
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name, FIRST_DAY), text.encode(), zipfile.ZIP_DEFLATED)
    return f"{str(product).replace('/', '-')}.zip", packed.getvalue()


def _about(product):
    title = str(product)
    return ABOUT.format(title=title, line="=" * len(title), summary=product.summary)


def _worksheet(product):
    points = [_plain(point) for point in re.findall(r"<li>(.*?)</li>", product.description, re.DOTALL)]
    lines = [f"# {product}", "", *(f"- [ ] {point}" for point in points)]
    return "\n".join(lines) + "\n"


def _plain(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
