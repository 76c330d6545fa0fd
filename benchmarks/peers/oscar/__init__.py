"""django-oscar with the same products. It runs under a Python of its own and is never imported by this project."""
