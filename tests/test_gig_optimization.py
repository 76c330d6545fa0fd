"""The review of gigs, and the edits that it proposes."""

import csv
import io

import pytest

from agency import gig_review, proposals, recipes, workflows
from agency.models import Gig, Package, Proposal
from tests.board import run_ops
from tests.factories import make_gig, make_product, make_service_order

pytestmark = pytest.mark.django_db
EMPTY = {"products": [], "services": []}
GOOD = {
    "title": "I will draw your logo",
    "description": "A logo, drawn by hand, " * 8,
    "summary": "A logo.",
    "tags": ["logo", "brand"],
    "image": "/static/logo.svg",
    "image_alt": "A logo",
    "requirements": [{"name": "title", "label": "Title", "required": True, "help": ""}],
    "category": "Art",
}


def good_gig(slug="logo", *, prices=(4500, 9000, 18000), **fields):
    """A gig that the review has nothing to say about."""
    gig = make_gig(slug, price_minor=prices[0], **(GOOD | fields))
    gig.packages.update(description="One idea")
    for tier, price in zip(("standard", "premium"), prices[1:], strict=False):
        Package.objects.create(
            gig=gig,
            tier=tier,
            name=tier,
            price_minor=price,
            currency="USD",
            delivery_days=3,
            description=f"More: {tier}",
        )
    return gig


def found(findings):
    return [(f["code"], f["package"].tier if f["package"] else None, f["new"]) for f in findings]


def test_a_good_gig_gives_no_finding():
    gig = good_gig()

    task = run_ops("gig_optimization")

    assert task.status == "succeeded"
    assert (task.result["gigs"], task.result["findings"], task.result["counts"]) == (1, [], {})
    assert gig.proposals.count() == 0
    assert sorted(a.name for a in task.artifacts.all()) == ["gig_review.csv", "gig_review.html"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": "Logo design"}, [("title_not_a_promise", "I will do your logo design")]),
        ({"title": "Draw logos"}, [("title_not_a_promise", "I will draw logos")]),
        ({"title": "I'll draw your logo"}, [("title_not_a_promise", "I will draw your logo")]),
        ({"title": "SEO audit"}, [("title_not_a_promise", "I will do your SEO audit")]),
        (
            {"title": "I will draw a logo for your shop, your blog, your podcast, your newsletter and the rest"},
            [("title_too_long", "I will draw a logo for your shop, your blog, your podcast, your newsletter")],
        ),
        ({"tags": []}, [("tags_missing", ["art", "logo"])]),
        ({"tags": ["Logo", "logo ", "brand"]}, [("tags_doubled", ["Logo", "brand"])]),
        ({"tags": list("abcdefg")}, [("tags_too_many", list("abcde"))]),
        ({"description": "Short."}, [("description_too_short", None)]),
        ({"summary": ""}, [("summary_missing", GOOD["description"].strip())]),
        ({"image": ""}, [("image_missing", None)]),
        ({"image_alt": " "}, [("image_alt_missing", None)]),
        ({"requirements": []}, [("requirements_missing", None)]),
        ({"recipe": "alchemy"}, [("recipe_unknown", None)]),
    ],
)
def test_what_a_gig_lacks_is_found_with_a_proposal_where_a_machine_can_make_one(fields, expected):
    gig = good_gig(name="Logo", **fields)

    findings = list(gig_review.texts(gig))

    assert [(f["code"], f["new"]) for f in findings] == expected
    assert all(len(f["new"]) <= 80 for f in findings if f["field"] == "title")


def test_a_gig_with_a_recipe_gets_the_recipes_questions_proposed():
    gig = good_gig(recipe="thumbnail", requirements=[])

    (finding,) = gig_review.texts(gig)

    assert finding["new"] == list(recipes.get("thumbnail").requirements)


def test_packages_that_are_missing_alike_or_not_dearer_are_found():
    gig = make_gig("one", **GOOD)
    same = good_gig("same", prices=(4500, 4500, 4000))
    same.packages.update(description="The same")

    assert found(gig_review.packages(gig, list(gig.packages.all()))) == [("packages_missing", None, None)]
    assert sorted(found(gig_review.packages(same, list(same.packages.all())))) == [
        ("price_not_increasing", "premium", None),
        ("price_same", "standard", None),
        ("text_same", "premium", None),
        ("text_same", "standard", None),
    ]


def test_a_price_that_does_not_rise_gets_the_shops_usual_step():
    good_gig("a", prices=(1000, 2000, 4000))
    good_gig("b", prices=(3000, 6000, 12000))
    flat = good_gig("flat", prices=(5000, 5000, 20000))

    task = run_ops("gig_optimization")

    proposal = Proposal.objects.get()
    assert (proposal.package, proposal.code, proposal.field) == (
        flat.packages.get(tier="standard"),
        "price_same",
        "price_minor",
    )
    assert (proposal.old, proposal.new) == (5000, 10000)
    assert proposal.reason.endswith("Elsewhere in the shop a tier costs 2.00 times the one below.")
    assert task.result["counts"] == {"price_same": 1}


def test_a_price_below_what_clients_pay_is_found_in_the_order_history():
    gig = good_gig()
    for amount in (6000, 7000, 9000):
        make_service_order(gig, amount_minor=amount, fee_minor=0)

    run_ops("gig_optimization")

    proposal = Proposal.objects.get()
    assert (proposal.code, proposal.old, proposal.new) == ("price_below_orders", 4500, 7000)
    assert proposal.reason == "The last 3 orders each paid more than $45.00; half of them $70.00 or more."


def test_two_orders_are_no_basis_for_a_price():
    gig = good_gig()
    for amount in (6000, 7000):
        make_service_order(gig, amount_minor=amount, fee_minor=0)

    assert list(gig_review.prices(gig, list(gig.packages.all()), EMPTY)) == []


def test_made_to_order_is_not_cheaper_than_ready_made():
    good_gig()
    make_product(title="Logo kit", category="Art", price_minor=5000)
    make_product(title="Planner", category="Plans", price_minor=90000)

    run_ops("gig_optimization")

    proposal = Proposal.objects.get()
    assert (proposal.code, proposal.package.tier, proposal.new) == ("price_below_catalog", "basic", 5000)


def test_a_second_review_doubles_no_proposal_and_an_accepted_one_is_not_found_again():
    gig = good_gig(title="Draw logos")
    run_ops("gig_optimization")

    run_ops("gig_optimization")
    proposals.accept(Proposal.objects.get())
    task = run_ops("gig_optimization")

    gig.refresh_from_db()
    assert gig.title == "I will draw logos"
    assert list(Proposal.objects.values_list("status", flat=True)) == ["accepted"]
    assert task.result["findings"] == []


def test_the_report_is_safe_to_open_in_a_browser_and_a_spreadsheet():
    good_gig(title='=HYPERLINK("x")<script>')

    task = run_ops("gig_optimization")

    html, table = (
        task.artifacts.get(name=f"gig_review.{e}").stored.read().decode("utf-8-sig") for e in ("html", "csv")
    )
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["gig"], row["code"], row["old"]) == ("logo", "title_not_a_promise", '\'=HYPERLINK("x")<script>')
    assert "<script>" not in html
    assert "=HYPERLINK(&quot;x&quot;)&lt;script&gt;" in html
    assert task.result["inventory_ref"]["sha256"] in html


def test_named_gigs_are_reviewed_even_unlisted_and_no_others():
    good_gig("a", is_listed=False, tags=[])
    good_gig("b", tags=[])

    task = run_ops("gig_optimization", {"gigs": ["a"]})

    assert [f["gig"] for f in task.result["findings"]] == ["a"]


def test_evidence_counts_what_gigs_lack():
    workflow = workflows.get("gig_optimization")
    assert [e.factor for e in workflow.evidence()] == [0.2]
    good_gig("a")
    good_gig("b", tags=[])
    assert [(e.text, e.factor) for e in workflow.evidence()] == [("1 of 2 listed gigs lack something", 1.5)]

    run_ops("gig_optimization")

    assert workflow.evidence()[1].text == "Proposals that wait for a decision: 1"
    assert Gig.objects.get(slug="b").tags == []
