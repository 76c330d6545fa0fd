"""The chart of accounts, and the places where sales happen.

The fees are the usual published rates of each place and only defaults: staff edit them in the admin, because
plans and countries differ. A fixed fee is in minor units of the sale's currency.
"""

from django.db import migrations

ACCOUNTS = [
    ("unearned", "Unearned", "bucket"),
    ("pending", "Pending", "bucket"),
    ("available", "Available", "bucket"),
    ("paid_out", "Paid out", "bucket"),
    ("disputed", "Disputed", "bucket"),
    ("deferred", "Work still owed", "liability"),
    ("revenue", "Revenue", "income"),
    ("refunds", "Refunds", "income"),
    ("fees", "Marketplace fees", "expense"),
]
# key, name, basis points, fixed part, days until earned money clears
CHANNELS = [
    ("direct", "Own store", 0, 0, 0),
    ("demo", "Demo", 0, 0, 0),
    ("fiverr", "Fiverr", 2000, 0, 14),
    ("upwork", "Upwork", 1000, 0, 5),
    ("etsy", "Etsy", 950, 45, 3),  # 6.5 % transaction, 3 % + 0.25 payment, 0.20 listing
    ("gumroad", "Gumroad", 1000, 50, 7),
    ("shopier", "Shopier", 499, 49, 7),
    ("shopify", "Shopify", 290, 30, 3),
]


def add(apps, schema_editor):
    account, channel = apps.get_model("earnings", "Account"), apps.get_model("earnings", "Channel")
    for code, name, kind in ACCOUNTS:
        account.objects.get_or_create(code=code, defaults={"name": name, "type": kind})
    for key, name, basis_points, fixed, days in CHANNELS:
        channel.objects.get_or_create(
            key=key,
            defaults={
                "name": name,
                "fee_basis_points": basis_points,
                "fee_fixed_minor": fixed,
                "clearing_days": days,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("earnings", "0002_append_only")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
