"""What is measured inside a place. Each prints one line of JSON."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()


def say(measured):
    print(json.dumps(measured))
