"""Draw the shop's pictures again: python -m storefront.demo.draw"""

from pathlib import Path

from storefront.demo import art_pictures, product_pictures, service_pictures

PICTURES = art_pictures.PICTURES | product_pictures.PICTURES | service_pictures.PICTURES
STATIC = Path(__file__).resolve().parents[2] / "static"


def draw():
    for name, picture in PICTURES.items():
        (STATIC / "demo" / f"{name}.svg").write_text(picture())
    (STATIC / "favicon.svg").write_text(service_pictures.mark())
    (STATIC / "no-picture.svg").write_text(service_pictures.no_picture())


if __name__ == "__main__":
    draw()
