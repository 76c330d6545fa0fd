"""What bare django-q2 calls."""

from benchmarks.models import write


def part(run, number):
    write(run, number)
