"""The earnings of marketplace orders get the marketplace's own order number, by which its statements name them."""

from django.db import migrations

from earnings.append_only import AppendOnly, Changeable


def name_sales(apps, schema_editor):
    order, earning = apps.get_model("agency", "ServiceOrder"), apps.get_model("earnings", "Earning")
    for pk, external_id in order.objects.exclude(external_id="").values_list("pk", "external_id").iterator():
        earning.objects.filter(key=f"service_order:{pk}").update(external_id=external_id)


class Migration(migrations.Migration):
    dependencies = [("agency", "0024_sweep_indexes"), ("earnings", "0005_entries_of_channels")]
    operations = [
        Changeable("earnings_earning"),
        migrations.RunPython(name_sales, migrations.RunPython.noop),
        AppendOnly("earnings_earning"),
    ]
