"""Fixtures for every test."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from earnings import append_only
from tests import ready_database

seed_playbooks = import_module("agency.migrations.0003_playbooks")
seed_phrases = import_module("agency.migrations.0020_playbook_phrases")
seed_chart = import_module("earnings.migrations.0003_chart_and_channels")
seed_more_of_the_chart = import_module("earnings.migrations.0005_entries_of_channels")
seed_statement_channels = import_module("earnings.migrations.0006_statements")


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings, django_db_blocker):
    """Django finds its test database made (`tests.ready_database`)."""
    with django_db_blocker.unblock():
        ready_database.place(connection)
    yield True
    with django_db_blocker.unblock():
        ready_database.remove(connection)


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def staff(db):
    return User.objects.create_superuser("owner", "owner@example.com", "a long pass phrase")


@pytest.fixture
def api(staff):
    """An API client with every right."""
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_authenticate(staff)
    return client


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture(autouse=True, scope="session")
def _a_page_asked_for_inside_a_test_keeps_its_connection():
    """Django ends a request by closing a connection whose transaction is open. Its test client prevents that for
    its own requests; the audit asks the WSGI application for pages without that client."""
    close = BaseDatabaseWrapper.close_if_unusable_or_obsolete
    BaseDatabaseWrapper.close_if_unusable_or_obsolete = lambda self: self.in_atomic_block or close(self)
    yield
    BaseDatabaseWrapper.close_if_unusable_or_obsolete = close


@pytest.fixture(autouse=True, scope="session")
def _tables_can_be_emptied_between_tests():
    """A transactional test ends by emptying every table: what the triggers refuse, and what migrations put in."""
    operations = type(connection.ops)
    flush = operations.execute_sql_flush

    def flush_without_triggers(self, sql_list):
        tables = append_only.tables(self.connection)
        for table in tables:
            append_only.remove(self.connection, table)
        try:
            flush(self, sql_list)
        finally:
            for table in tables:
                append_only.install(self.connection, table)
        seed_playbooks.create(apps, None)
        seed_phrases.add(apps, None)
        seed_chart.add(apps, None)
        seed_more_of_the_chart.add(apps, None)
        seed_statement_channels.add(apps, None)

    operations.execute_sql_flush = flush_without_triggers
    yield
    operations.execute_sql_flush = flush
