"""A token may do what its user may, or less; never more."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.urls import reverse
from knox.models import AuthToken
from rest_framework.test import APIClient

from agency.models import Run, TokenScope
from agency.tokens import make_token
from earnings.refusals import Refusal
from tests.factories import make_product, make_run

pytestmark = pytest.mark.django_db


def program(user, **narrowed):
    """An API client with a token of the user."""
    return APIClient(headers={"Authorization": f"Token {make_token(user, **narrowed)[1]}"})


@pytest.fixture
def operator():
    user = User.objects.create_user("operator", password="a long pass phrase")
    user.groups.set(Group.objects.filter(name="Operators"))
    return user


def test_without_a_scope_a_token_may_what_its_user_may(staff):
    client = program(staff)

    assert client.get("/api/v1/runs").status_code == 200
    assert client.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}).status_code == 202
    assert Run.objects.get().created_by == staff
    assert TokenScope.objects.count() == 0


def test_a_token_to_read_changes_nothing_even_for_an_owner(staff):
    client, run = program(staff, is_read_only=True), make_run()

    read = {client.get(f"/api/v1/{path}").status_code for path in ("runs", f"runs/{run.pk}", "dashboard/earnings")}
    written = [
        client.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}),
        client.post(f"/api/v1/runs/{run.pk}/cancel"),
        client.post("/api/v1/products", {"sku": "A", "title": "A", "price": {"minor": 1, "currency": "USD"}}),
    ]

    assert read == {200}
    assert [answer.status_code for answer in written] == [403] * 3
    assert Run.objects.get().status == "queued"


def test_every_call_that_changes_something_refuses_a_token_to_read(staff):
    client = program(staff, is_read_only=True)
    paths = client.get("/api/v1/schema", headers={"Accept": "application/json"}).json()["paths"]
    changing = [(path, method) for path, calls in paths.items() for method in calls if method != "get"]

    allowed = [
        (path, method)
        for path, method in changing
        if getattr(client, method)(path.replace("{id}", "1")).status_code != 403
    ]

    assert allowed == []
    assert len(changing) > 20


def test_a_token_has_only_the_rights_that_it_names(staff):
    client = program(staff, rights=["agency.view_run", "agency.add_run", "agency.add_intent"])

    assert client.get("/api/v1/runs").status_code == 200
    assert client.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}).status_code == 202
    assert client.get("/api/v1/products").status_code == 403
    assert client.get("/api/v1/dashboard/earnings").status_code == 403
    assert client.post(f"/api/v1/runs/{Run.objects.get().pk}/cancel").status_code == 403


def test_a_token_names_no_right_that_its_user_lacks(operator):
    client = program(operator, rights=["storefront.add_product", "storefront.view_product"])

    answer = client.post("/api/v1/products", {"sku": "A", "title": "A", "price": {"minor": 1, "currency": "USD"}})

    assert answer.status_code == 403


def test_a_right_that_a_verb_asks_for_later_is_narrowed_too(staff):
    product = make_product(status="draft")
    client = program(staff, rights=["storefront.change_product", "storefront.view_product"])

    changed = client.patch(f"/api/v1/products/{product.pk}", {"title": "New"})
    published = client.patch(f"/api/v1/products/{product.pk}", {"status": "approved"})

    assert (changed.status_code, published.status_code) == (200, 403)
    product.refresh_from_db()
    assert (product.title, product.status) == ("New", "draft")


def test_a_scope_goes_with_its_token(staff):
    row, _ = make_token(staff, is_read_only=True)

    row.delete()

    assert TokenScope.objects.count() == 0


def test_an_expired_token_is_a_problem(staff):
    client = program(staff, days=1)
    AuthToken.objects.update(expiry="2020-01-01T00:00:00Z")

    answer = client.get("/api/v1/runs")

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert AuthToken.objects.count() == 0


def test_who_gets_a_new_token_loses_the_expired_ones(staff):
    make_token(staff, days=1)
    AuthToken.objects.update(expiry="2020-01-01T00:00:00Z")
    kept, _ = make_token(staff)

    make_token(staff, days=1)

    assert AuthToken.objects.filter(pk=kept.pk).exists()
    assert AuthToken.objects.count() == 2


def test_a_request_costs_as_much_for_a_user_of_a_hundred_tokens(staff, django_assert_num_queries):
    client = program(staff)
    for _ in range(100):
        make_token(staff, days=1)
    old, _ = make_token(staff, days=1)
    AuthToken.objects.filter(pk=old.pk).update(expiry="2020-01-01T00:00:00Z")

    with django_assert_num_queries(3):  # the token with its user, its scope, the run
        client.get("/api/v1/runs/1")


def test_rights_that_do_not_exist_are_named_and_no_token_is_made(staff):
    with pytest.raises(Refusal, match="no right") as refused:
        make_token(staff, rights=["agency.view_run", "agency.fly"])

    assert refused.value.errors[0]["pointer"] == "/rights"
    assert AuthToken.objects.count() == 0


def test_the_command_makes_narrowed_tokens(staff):
    out = StringIO()

    call_command("create_token", "owner", "--read-only", "--scope", "agency.view_run", stdout=out)

    client = APIClient(headers={"Authorization": f"Token {out.getvalue().strip()}"})
    assert client.get("/api/v1/runs").status_code == 200
    assert client.get("/api/v1/tasks").status_code == 403
    assert str(TokenScope.objects.get()) == "read-only, agency.view_run"
    with pytest.raises(CommandError, match="no right"):
        call_command("create_token", "owner", "--scope", "agency.fly")


def test_staff_make_narrowed_tokens_and_see_what_they_may(staff_client, staff):
    add = reverse("admin:knox_authtoken_add")

    refused = staff_client.post(add, {"user": staff.pk, "rights": "agency.fly"})
    made = staff_client.post(add, {"user": staff.pk, "is_read_only": "on", "rights": "agency.view_run\n"})

    assert list(refused.context["form"].errors) == ["rights"]
    assert (TokenScope.objects.get().is_read_only, TokenScope.objects.get().rights) == (True, ["agency.view_run"])
    listed = staff_client.get(reverse("admin:knox_authtoken_changelist")).content.decode()
    assert "read-only, agency.view_run" in listed
    client = APIClient(headers={"Authorization": f"Token {made.context['token']}"})
    assert client.get("/api/v1/runs").status_code == 200
