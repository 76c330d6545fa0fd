"""The playbooks that an installation starts with; staff edit them afterwards."""

from django.db import migrations

PLAYBOOKS = [
    {
        "slug": "boost-revenue",
        "name": "Boost revenue",
        "description": "Check that all on sale is shown and priced right, and sharpen what the gigs promise.",
        "phrases": [
            "Increase revenue",
            "Grow sales",
            "Sell more",
            "Raise our turnover",
            "Improve sales figures",
            "Get more customers",
            "Geliri artır",
            "Satışları artır",
            "Ciroyu yükselt",
        ],
        "steps": [("inventory_audit", 10, True), ("gig_optimization", 10, True), ("service_promotion", 4, False)],
    },
    {
        "slug": "maximize-profit",
        "name": "Maximize profit",
        "description": "Check what is on sale, and promote the services beside it with figures that are true.",
        "phrases": [
            "Increase profit",
            "Earn more money",
            "Improve margins",
            "Raise earnings",
            "Promote our services",
            "Kârı artır",
            "Daha çok kazan",
        ],
        "steps": [("inventory_audit", 10, True), ("service_promotion", 10, True), ("gig_optimization", 4, False)],
    },
    {
        "slug": "launch-product",
        "name": "Launch product",
        "description": "Publish what was approved, verify its pages, and write the announcement.",
        "phrases": [
            "Launch new products",
            "Publish approved products",
            "Release the new collection",
            "Build the storefront",
            "Announce a launch",
            "Ürün yayınla",
            "Yeni ürünü tanıt",
        ],
        "steps": [("storefront_build", 10, True), ("launch_announcement", 10, True)],
    },
    {
        "slug": "fulfill-orders",
        "name": "Fulfill orders",
        "description": "Do the work of every open service order whose next step is automatic.",
        "phrases": [
            "Deliver open orders",
            "Work on client orders",
            "Finish service orders",
            "Process orders",
            "Clear the order queue",
            "Siparişleri tamamla",
            "Siparişleri teslim et",
        ],
        "steps": [("inventory_audit", 5, True), ("fiverr_bot", 10, True)],
    },
    {
        "slug": "health-check",
        "name": "Health check",
        "description": "Look at everything, change nothing: the inventory, its pages and the gigs.",
        "phrases": [
            "Check everything",
            "Audit the shop",
            "Is the shop all right",
            "Find problems",
            "Review the storefront",
            "Verify product pages",
            "Mağazayı kontrol et",
        ],
        "steps": [("inventory_audit", 12, True), ("gig_optimization", 8, True)],
    },
]


def create(apps, schema_editor):
    for entry in PLAYBOOKS:
        playbook = apps.get_model("agency", "Playbook").objects.create(
            slug=entry["slug"],
            name=entry["name"],
            description=entry["description"],
            phrases="\n".join(entry["phrases"]),
        )
        for workflow, weight, is_chosen in entry["steps"]:
            apps.get_model("agency", "PlaybookStep").objects.create(
                playbook=playbook, workflow=workflow, weight=weight, is_chosen=is_chosen
            )


class Migration(migrations.Migration):
    dependencies = [("agency", "0002_append_only")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
