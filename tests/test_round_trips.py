"""Several statements in one message: the rows of each, in order, and all or nothing."""

import pytest
from django.db import IntegrityError, connection, transaction

from agency.models import Breaker
from agency.models.round_trips import Statement, together

ADD = "INSERT INTO agency_breaker (workflow, failures, reason) VALUES (%s, %s, %s) RETURNING workflow"
COUNT = "UPDATE agency_breaker SET failures = failures + %s WHERE workflow = %s"
READ = "SELECT workflow, failures, reason FROM agency_breaker ORDER BY workflow"


@pytest.mark.django_db
def test_each_statement_sees_what_those_before_it_did_and_answers_with_its_rows():
    reason = "it said: 100 % wrong; DROP 'x' %s"

    answers = together(
        Statement(ADD, ["a", 1, reason]),
        Statement(COUNT, [4, "a"]),
        Statement(READ, []),
        Statement(COUNT, [1, "nobody"]),
    )

    assert answers == [[("a",)], [], [("a", 5, reason)], []]


@pytest.mark.django_db
def test_a_statement_that_fails_takes_back_the_ones_before_it():
    with pytest.raises(IntegrityError), transaction.atomic():
        together(Statement(ADD, ["a", 1, ""]), Statement(ADD, ["a", 2, ""]), Statement(ADD, ["b", 1, ""]))

    assert Breaker.objects.count() == 0


@pytest.mark.django_db
def test_they_are_one_message_on_postgresql(django_assert_num_queries):
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
        together(Statement(READ, []), Statement(READ, []))
